"""The caches that the contract suite runs over. A new store joins with an opener and a line here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from tests.support import servers
from tests.support.books import LedgerAdapter
from tests.support.caches import Adapter, Cache, Opener
from tests.support.servers import RedisServer

from pointsman.storage.cache_memory import MemoryCache
from pointsman.storage.cache_postgres import PostgresCache
from pointsman.storage.cache_redis import RedisCache
from pointsman.storage.cache_sqlite import SqliteCache


@asynccontextmanager
async def memory(
    place: Path, *, max_replies: int = 10_000, max_bytes: int = 100_000_000
) -> AsyncIterator[Cache]:
    store = MemoryCache(max_replies=max_replies, max_bytes=max_bytes)
    yield store
    await store.close()


@asynccontextmanager
async def sqlite(
    place: Path, *, max_replies: int = 10_000, max_bytes: int = 100_000_000
) -> AsyncIterator[Cache]:
    path = place / "cache.db"
    store = SqliteCache.open(path, max_replies=max_replies, max_bytes=max_bytes, gather_s=0)
    await store.load()
    yield store
    await store.close()


def redis_on(start: Callable[[], RedisServer]) -> Opener:
    @asynccontextmanager
    async def redis(
        place: Path, *, max_replies: int = 10_000, max_bytes: int = 100_000_000
    ) -> AsyncIterator[Cache]:
        store = RedisCache(start().url, prefix=f"{place}:", timeout_s=30)
        await store.start()
        yield store
        await store.close()

    return redis


@asynccontextmanager
async def postgres(
    place: Path, *, max_replies: int = 10_000, max_bytes: int = 100_000_000
) -> AsyncIterator[Cache]:
    url, table = servers.postgres().url, sha256(bytes(place)).hexdigest()[:16]
    store = PostgresCache(url, table=table, max_replies=max_replies, timeout_s=30)
    await store.start()
    yield store
    await store.close()


ADAPTERS = (
    Adapter("memory", memory, lasting=False),
    Adapter("sqlite", sqlite),
    Adapter(
        "redis",
        redis_on(servers.redis),
        semantic=False,
        tells=False,
        bounded=False,
        server="redis",
    ),
    Adapter(
        "redis-with-search",
        redis_on(servers.redis_with_search),
        tells=False,
        bounded=False,
        server="redis",
    ),
    Adapter("postgres", postgres, tells=False, bounded=False, server="postgres"),
)


def those(adapters: Sequence[Adapter | LedgerAdapter]) -> list[object]:
    """As parameters; those that need a real server run with `make test-full`."""
    return [
        pytest.param(each, id=each.name, marks=[pytest.mark.full] if each.server else [])
        for each in adapters
    ]
