"""What becomes of a cache whose server goes away, hangs, or serves others, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest
from msgspec.structs import replace
from tests.support.caches import EVERYTHING, NOW, found, ids, meant, reply, vector
from tests.support.servers import PostgresServer, RedisServer, Server

from pointsman.errors import CacheUnavailable
from pointsman.storage.cache_postgres import PostgresCache
from pointsman.storage.cache_redis import RedisCache
from pointsman.types import CachedReply, Selection

pytestmark = pytest.mark.full

Shared: TypeAlias = RedisCache | PostgresCache

KINDS: dict[str, tuple[Callable[[], Server], Callable[..., Shared]]] = {
    "redis": (RedisServer, RedisCache),
    "redis-with-search": (lambda: RedisServer(search=True), RedisCache),
    "postgres": (PostgresServer, PostgresCache),
}


class House:
    """A server of its own for one test, and the caches on it."""

    def __init__(self, kind: str) -> None:
        start, self._cache = KINDS[kind]
        self.server = start()

    @asynccontextmanager
    async def cache(self, *, timeout_s: float = 10.0) -> AsyncIterator[Shared]:
        """Not started; patient, where the test is not about patience."""
        cache = self._cache(self.server.url, timeout_s=timeout_s)
        yield cache
        await cache.close()


@pytest.fixture(params=list(KINDS))
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    made = House(request.param)
    yield made
    made.server.stop()


async def until_it_works(cache: Shared, key: str) -> CachedReply | None:
    """What is there for the key, once the server can be asked again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await cache.get(key, NOW)
            except CacheUnavailable:
                await asyncio.sleep(0.05)


async def test_a_server_that_crashes_and_comes_back(house: House):
    house.server.start()
    async with house.cache() as cache:
        await cache.start()
        kept = list[int]()
        crashed = asyncio.Event()

        async def client(number: int) -> None:
            while True:
                await cache.put(meant(number))
                kept.append(number)
                await cache.get(reply(number).key, NOW)
                await cache.nearest("p1", vector(number), limit=1, now=NOW)
                await cache.used(f"cr_{number}", NOW)
                number += 10
                if number > 100:
                    crashed.set()

        async with asyncio.timeout(60):
            clients = [asyncio.create_task(client(number)) for number in range(10)]
            await crashed.wait()
            await asyncio.to_thread(house.server.kill)
            ends = await asyncio.gather(*clients, return_exceptions=True)
            assert {type(end) for end in ends} == {CacheUnavailable}
            for asked in (cache.get("0", NOW), cache.put(reply(1)), cache.remove(EVERYTHING)):
                with pytest.raises(CacheUnavailable):
                    await asked

        await asyncio.to_thread(house.server.start)
        got = await until_it_works(cache, reply(kept[0]).key)
        assert got
        assert replace(got, hits=0) == meant(kept[0])
        assert {f"cr_{number}" for number in kept} <= set(await ids(cache))
        await cache.put(meant(9999))
        if cache.has_vectors:
            those = await cache.nearest("p1", vector(9999), limit=1, now=NOW)
            assert found(those) == ["cr_9999"]


async def test_a_server_that_hangs(house: House):
    house.server.start()
    async with house.cache(timeout_s=2.0) as cache:
        await until_started(cache)
        await cache.put(reply(1))
        house.server.freeze()
        async with asyncio.timeout(60):
            asked = [cache.get(reply(1).key, NOW) for _ in range(20)]
            asked += [cache.put(meant(2)), cache.used("cr_1", NOW), cache.remove(Selection(id="1"))]
            if cache.has_vectors:
                asked.append(cache.nearest("p1", vector(1), limit=1, now=NOW))
            ends = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(end) for end in ends} == {CacheUnavailable}

        house.server.thaw()
        assert await until_it_works(cache, reply(1).key) == reply(1)


async def test_a_server_that_hangs_from_the_start(house: House):
    house.server.start()
    house.server.freeze()
    async with house.cache(timeout_s=2.0) as cache:
        async with asyncio.timeout(60):
            for asked in (cache.start, lambda: cache.get("0", NOW), lambda: cache.put(meant(1))):
                with pytest.raises(CacheUnavailable):
                    await asked()

        house.server.thaw()
        await until_started(cache)
        await cache.put(reply(1))
        assert await cache.get(reply(1).key, NOW) == reply(1)


async def until_started(cache: Shared) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                return await cache.start()
            except CacheUnavailable:
                await asyncio.sleep(0.05)


async def test_a_server_that_comes_later(house: House):
    async with house.cache() as cache:
        with pytest.raises(CacheUnavailable):
            await cache.start()
        with pytest.raises(CacheUnavailable):
            await cache.put(reply(1))

        house.server.start()
        await cache.put(meant(1))
        assert await cache.get(reply(1).key, NOW) == meant(1)
        assert found(await cache.nearest("p1", vector(1), limit=1, now=NOW)) in (["cr_1"], [])


async def test_two_gateways_share_replies_and_removals(house: House):
    house.server.start()
    async with house.cache() as one, house.cache() as other:
        await asyncio.gather(one.start(), other.start())
        await one.put(meant(1))
        await other.used("cr_1", NOW)
        assert await other.get(reply(1).key, NOW) == replace(meant(1), hits=1)
        assert await one.get(reply(1).key, NOW) == replace(meant(1), hits=1)

        await other.put(replace(meant(2), key=reply(1).key))
        assert await ids(one) == ["cr_2"]
        assert await one.remove(Selection(id="cr_1")) == 0
        assert await one.remove(Selection(id="cr_2")) == 1
        assert await other.get(reply(1).key, NOW) is None
        assert found(await other.nearest("p1", vector(2), limit=1, now=NOW)) == []


async def test_a_cache_that_is_closed_or_not_started_is_unavailable(house: House):
    house.server.start()
    async with house.cache() as cache:
        for _ in range(2):
            with pytest.raises(CacheUnavailable, match="not started"):
                await cache.get("0", NOW)
            await cache.start()
            await cache.start()
            assert await cache.get("0", NOW) is None
            await cache.close()
            await cache.close()
