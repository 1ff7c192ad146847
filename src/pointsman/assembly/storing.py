"""Where cached replies are kept: one of four stores, by the settings."""

from __future__ import annotations

import asyncio
import logging
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

_log = logging.getLogger("pointsman.cache")


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
    cache, place = settings.cache, settings.cache_place
    url = "" if place.url is None else resolve_secret(place.url, environment)
    room = cache.max_mb * _MEGABYTE
    match place.store:
        case "redis":
            prefix = f"{settings.redis.prefix}cache:1:"
            return await _started(RedisCache(url, prefix=prefix), cache)
        case "postgres":
            shared = PostgresCache(url, max_replies=cache.max_replies)
            if cache.store != "auto" or not await _lacks_vectors(shared):
                return await _started(shared, cache)
            await shared.close()
            _log.warning("similar prompts are kept by each gateway: PostgreSQL has no pgvector")
        case "memory":
            in_memory = True
        case "embedded":
            pass
    if in_memory:
        return MemoryCache(max_replies=cache.max_replies, max_bytes=room)
    return await asyncio.to_thread(
        SqliteCache.open,
        settings.cache_file,
        max_replies=cache.max_replies,
        max_bytes=room,
        address=address,
    )


def is_shared(store: Store) -> bool:
    """Whether other gateways have it, too."""
    return isinstance(store, RedisCache | PostgresCache)


async def _lacks_vectors(store: PostgresCache) -> bool:
    """Where the server is not there, nobody knows."""
    try:
        await store.start()
    except CacheUnavailable:
        return False
    return not store.has_vectors


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
