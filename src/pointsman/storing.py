"""Where cached replies are kept: one of four stores, by the settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from pointsman.config import CacheSettings, Settings, resolve_secret
from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.ports import CacheStore, VectorIndex
from pointsman.storage.cache_memory import MemoryCache
from pointsman.storage.cache_postgres import PostgresCache
from pointsman.storage.cache_redis import RedisCache
from pointsman.storage.cache_sqlite import SqliteCache

_MEGABYTE = 1024 * 1024


class Store(CacheStore, VectorIndex, Protocol):
    """What an adapter of the cache is, all in one."""

    async def sweep(self, now: datetime) -> int:
        """Forget some of what has expired; returns how many."""

    async def close(self) -> None:
        """Give everything back. Idempotent."""


async def open_store(
    settings: Settings,
    *,
    environment: Mapping[str, str] = os.environ,
    in_memory: bool = False,
    address: str | None = None,
) -> Store:
    """Where replies are kept. Raises ConfigError where it can't be opened.

    A server that is not there is no such fault: requests go on without it until it is.
    `in_memory` stands in for the file alone; `address` is where this process listens.
    """
    cache = settings.cache
    url = "" if cache.url is None else resolve_secret(cache.url, environment)
    room = cache.max_mb * _MEGABYTE
    match cache.store:
        case "redis":
            return await _started(RedisCache(url), cache)
        case "postgres":
            return await _started(PostgresCache(url, max_replies=cache.max_replies), cache)
        case "embedded" if not in_memory:
            return await asyncio.to_thread(
                SqliteCache.open,
                settings.cache_file,
                max_replies=cache.max_replies,
                max_bytes=room,
                address=address,
            )
        case _:
            return MemoryCache(max_replies=cache.max_replies, max_bytes=room)


async def _started(store: RedisCache | PostgresCache, cache: CacheSettings) -> Store:
    try:
        await store.start()
    except CacheUnavailable:  # the stage says so when it is asked for something
        return store
    if cache.is_similar and not store.has_vectors:
        await store.close()
        raise ConfigError(
            f"[cache] the {cache.store} server has no vector search, which semantic needs: give it "
            'the extension, use store = "embedded", or set semantic = "off"'
        )
    return store
