"""The cache, asked of the running gateway, or of the store where none runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import asdict

from pointsman.assembly.caching import truth_of
from pointsman.assembly.offline import reading, running_at, writing
from pointsman.assembly.storing import Store, open_store
from pointsman.cache.view import (
    CacheStats,
    HeldPage,
    HeldText,
    cache_stats,
    held_page,
    held_text,
)
from pointsman.cli import remote
from pointsman.config import Settings
from pointsman.errors import NotFound
from pointsman.types import Filter, Selection


class _Removed(msgspec.Struct):
    removed: int


async def listed(settings: Settings, which: Selection, limit: int) -> HeldPage:
    """The newest of those that are meant."""
    if address := running_at(settings):
        query = urlencode({**_stated(which), "limit": limit})
        return await remote.call(settings, address, f"/v1/cache?{query}", HeldPage)
    async with _store(settings) as store:
        return held_page(await store.list(which, limit=limit), datetime.now(UTC))


async def shown(settings: Settings, reply_id: str) -> HeldText:
    """One with its words. Raises NotFound, or ConfigError with the gateway's words."""
    if address := running_at(settings):
        return await remote.call(
            settings, address, f"/v1/cache/{quote(reply_id, safe='')}", HeldText
        )
    async with _store(settings) as store:
        found = await store.list(Selection(id=reply_id), limit=1)
    if not found.replies:
        raise NotFound(f"there is no cached reply {reply_id!r}")
    return held_text(found.replies[0], datetime.now(UTC))


async def removed(settings: Settings, reply_id: str) -> None:
    """Forget one. Raises NotFound, or ConfigError with the gateway's words."""
    if address := running_at(settings):
        await _deleted(settings, address, f"/v1/cache/{quote(reply_id, safe='')}")
        return
    async with _store(settings) as store:
        if not await store.remove(Selection(id=reply_id)):
            raise NotFound(f"there is no cached reply {reply_id!r}")


async def cleared(settings: Settings, which: Selection) -> int:
    """Forget those that are meant; how many they were."""
    if address := running_at(settings):
        query = urlencode(_stated(which) or {"all": "true"})
        return await _deleted(settings, address, f"/v1/cache?{query}")
    async with _store(settings) as store:
        return await store.remove(which)


async def figures(settings: Settings, since: datetime | None) -> CacheStats:
    """How the cache does."""
    if address := running_at(settings):
        query = f"?{urlencode({'since': since.isoformat()})}" if since else ""
        return await remote.call(settings, address, f"/v1/analytics/cache-stats{query}", CacheStats)
    async with reading(settings) as books:
        rows, checks = await books.report(Filter(since=since)), await books.checks()
    async with _store(settings) as store:
        listing = await store.list(Selection(), limit=0)
    return cache_stats(
        rows, listing, truth_of(settings.cache, checks).routes(datetime.now(UTC)), {}
    )


async def begun_anew(settings: Settings, route: str) -> int:
    """Forget what checks said of a route; how many they were. Raises NotFound, ConfigError."""
    if address := running_at(settings):
        path = f"/v1/analytics/cache-stats/{quote(route, safe='')}"
        return await _deleted(settings, address, path)
    count = 0
    if settings.database.exists() or settings.ledger.url is not None:
        async with writing(settings) as store:
            count = await store.forget_checks(route)
    if not count:
        raise NotFound(f"there are no checks of a route {route!r}")
    return count


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    """Where replies are kept; a file that is not there yet is not made."""
    store = await open_store(settings, in_memory=not settings.cache_file.exists())
    try:
        yield store
    finally:
        await store.close()


async def _deleted(settings: Settings, address: str, path: str) -> int:
    """How many it were."""
    said = await remote.call(settings, address, path, _Removed, method="DELETE")
    return said.removed


def _stated(which: Selection) -> Mapping[str, str]:
    return {name: value for name, value in asdict(which).items() if value is not None}
