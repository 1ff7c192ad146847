"""What is particular to the cache in PostgreSQL."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import uuid4

import asyncpg
import pytest
from tests.support import servers
from tests.support.caches import NOW, SECOND, found, ids, meant, near, reply, vector

from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.storage.cache_postgres import PostgresCache
from pointsman.types import Selection

full = pytest.mark.full


@asynccontextmanager
async def opened(**settings: object) -> AsyncIterator[PostgresCache]:
    """A cache with tables of its own, unless `table` says which."""
    settings = {"table": uuid4().hex, "timeout_s": 30.0, **settings}
    cache = PostgresCache(servers.postgres().url, **settings)
    await cache.start()
    yield cache
    await cache.close()


@full
async def test_any_number_of_gateways_may_start_at_once():
    table = 'a "table"; --'
    caches = [PostgresCache(servers.postgres().url, table=table, timeout_s=60) for _ in range(8)]
    await asyncio.gather(*(cache.start() for cache in caches))
    await asyncio.gather(*(cache.put(meant(number)) for number, cache in enumerate(caches)))

    assert all([len(await ids(cache)) == 8 for cache in caches])
    assert all(cache.has_vectors for cache in caches)
    await asyncio.gather(*(cache.close() for cache in caches))


@full
async def test_without_the_extension_only_the_exact_tier_is_there():
    admin = await asyncpg.connect(servers.postgres().url)
    await admin.execute("CREATE ROLE guest LOGIN")
    await admin.execute("CREATE DATABASE plain")
    await admin.close()
    url = servers.postgres().url.replace("/postgres?", "/plain?")
    admin = await asyncpg.connect(url)
    await admin.execute("GRANT CREATE ON SCHEMA public TO guest")
    await admin.close()

    cache = PostgresCache(url.replace("postgres@", "guest@"), timeout_s=30)
    await cache.start()
    assert not cache.has_vectors
    await cache.put(meant(1))
    await cache.used("cr_1", NOW)
    got = await cache.get(reply(1).key, NOW)
    assert got
    assert (got.turn, got.vector, got.hits) == ("Question 1?", None, 1)
    assert not await cache.plausible("p1", frozenset({11}))
    assert found(await cache.nearest("p1", vector(1), limit=1, now=NOW)) == []
    assert await cache.remove(Selection()) == 1
    await cache.close()


@full
async def test_the_least_valuable_go_a_hundredth_late_at_most():
    async with opened(max_replies=200) as cache:
        for number in range(500):
            await cache.put(reply(number, cost=Decimal(1 + number % 2)))

        those = (await cache.list(Selection(), limit=1000)).replies
        assert 200 <= len(those) <= 202
        assert sum(each.cost == 2 for each in those) >= 198


@full
async def test_the_expired_and_the_unused_go_first():
    async with opened(max_replies=3) as cache:
        await cache.put(reply(1, expires=NOW + 60 * SECOND))
        for number in (2, 3, 4):
            await cache.put(reply(number, stored=NOW + (60 + number) * SECOND))
        assert await ids(cache) == ["cr_4", "cr_3", "cr_2"]

        await cache.used("cr_2", NOW)
        await cache.put(reply(5, stored=NOW + 65 * SECOND))
        assert await ids(cache) == ["cr_5", "cr_4", "cr_2"]


@full
async def test_by_index_it_finds_what_it_finds_one_by_one():
    table = uuid4().hex
    async with opened(table=table) as exact, opened(table=table, exact_up_to=0) as indexed:
        for number in range(300):
            at = near(vector(0), 0.99 - number / 400, seed=number + 1)
            await exact.put(meant(number, partition="p1" if number % 3 else "p2", at=at))

        asked = {"partition": "p1", "vector": vector(0), "limit": 5, "now": NOW}
        assert found(await indexed.nearest(**asked)) == ["cr_1", "cr_2", "cr_4", "cr_5", "cr_7"]
        assert await indexed.nearest(**asked) == await exact.nearest(**asked)


@full
async def test_vectors_too_long_for_an_index_are_found_one_by_one():
    async with opened(exact_up_to=0) as cache:
        for number in range(3):
            await cache.put(meant(number, at=vector(number, size=3072)))
        [one] = await cache.nearest("p1", vector(1, size=3072), limit=1, now=NOW)
        assert one.reply == meant(1, at=vector(1, size=3072))


def test_a_table_whose_indexes_would_share_a_name_is_refused():
    with pytest.raises(ConfigError, match="more than 40 bytes"):
        PostgresCache("postgresql://localhost/cache", table="ü" * 21)


@pytest.mark.parametrize(
    ("dsn", "error"),
    [
        ("postgresql://user:geheim@127.0.0.1:1/cache", CacheUnavailable),
        ("postgresql://user:geh/eim@127.0.0.1:5432/cache", ConfigError),
        ("postgresql://user:geh]eim[@127.0.0.1:5432/cache", ConfigError),
        ("http://user:geheim@127.0.0.1", ConfigError),
    ],
)
async def test_the_password_is_never_said(dsn: str, error: type[Exception]):
    cache = PostgresCache(dsn)
    with pytest.raises(error) as caught:
        await cache.start()
    assert "geh" not in "".join(traceback.format_exception(caught.value))
    assert "geh" not in repr(cache)
    await cache.close()
