"""What is particular to the cache in Redis."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from tests.support import servers
from tests.support.caches import DAY, EVERYTHING, NOW, found, ids, meant, reply, vector
from tests.support.servers import RedisServer

from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.storage.cache_redis import RedisCache
from pointsman.types import Selection

full = pytest.mark.full


@asynccontextmanager
async def opened(server: RedisServer, prefix: object) -> AsyncIterator[tuple[RedisCache, Redis]]:
    """A cache, and the plain view of its server."""
    cache = RedisCache(server.url, prefix=f"{prefix}:", timeout_s=30)
    await cache.start()
    async with Redis.from_url(server.url) as plain:
        yield cache, plain
    await cache.close()


@full
async def test_without_a_search_module_only_the_exact_tier_is_there(tmp_path: Path):
    async with opened(servers.redis(), tmp_path) as (cache, _):
        assert not cache.has_vectors
        await cache.put(meant(1))
        assert await cache.get(reply(1).key, NOW) == meant(1)
        assert not await cache.plausible("p1", frozenset({11}))
        assert found(await cache.nearest("p1", vector(1), limit=1, now=NOW)) == []


@full
async def test_with_one_both_are(tmp_path: Path):
    async with opened(servers.redis_with_search(), tmp_path) as (cache, _):
        assert cache.has_vectors
        assert await cache.plausible("p1", frozenset())


@full
async def test_the_server_forgets_every_key_by_itself(tmp_path: Path):
    async with opened(servers.redis_with_search(), tmp_path) as (cache, plain):
        await cache.put(meant(1))
        await cache.used("cr_1", NOW)

        names = [name async for name in plain.scan_iter(match=f"{tmp_path}:*")]
        assert len(names) == 3
        lives = [await plain.pttl(name) for name in names]
        assert all(0 < life <= DAY.total_seconds() * 1000 for life in lives)


@full
async def test_it_keeps_to_its_prefix(tmp_path: Path):
    server = servers.redis()
    async with opened(server, f"{tmp_path}*") as (odd, plain), opened(server, tmp_path) as (own, _):
        await plain.set(f"{tmp_path}*:other", "kept")
        await odd.put(reply(1))
        await own.put(reply(2))

        assert await ids(odd) == ["cr_1"]
        assert await ids(own) == ["cr_2"]
        assert await odd.remove(EVERYTHING) == 1
        assert await own.get(reply(2).key, NOW) == reply(2)
        assert await plain.get(f"{tmp_path}*:other") == b"kept"


@full
async def test_a_reply_whose_id_was_evicted_can_be_removed(tmp_path: Path):
    async with opened(servers.redis(), tmp_path) as (cache, plain):
        for number in (1, 2):
            await cache.put(reply(number))
        await plain.delete(f"{tmp_path}:id:cr_1")

        assert await cache.remove(Selection(id="cr_1")) == 1
        assert await ids(cache) == ["cr_2"]


@full
async def test_an_index_that_was_lost_is_made_again(tmp_path: Path):
    async with opened(servers.redis_with_search(), tmp_path) as (cache, plain):
        await cache.put(meant(1))
        await plain.execute_command("FT.DROPINDEX", f"{tmp_path}:vectors:384")
        await cache.nearest("p1", vector(1), limit=1, now=NOW)
        await cache.put(meant(2))

        those = await cache.nearest("p1", vector(2), limit=1, now=NOW)
        assert found(those) == ["cr_2"]


@full
@pytest.mark.parametrize("policy", ["noeviction", "volatile-lfu"])
async def test_where_room_ends_the_server_decides(policy: str):
    server = RedisServer(options=["--maxmemory", "8mb", "--maxmemory-policy", policy])
    server.start()
    try:
        async with opened(server, "small") as (cache, _):
            taken = 0
            for number in range(200):
                try:
                    await cache.put(reply(number, body=b"x" * 100_000))
                except CacheUnavailable:
                    continue
                taken += 1
            assert (taken == 200) == (policy == "volatile-lfu")
            assert 0 < len(await ids(cache)) < 100
    finally:
        server.stop()


@full
async def test_what_somebody_else_wrote_is_no_reply(tmp_path: Path):
    async with opened(servers.redis(), tmp_path) as (cache, plain):
        await plain.hset(f"{tmp_path}:reply:1", mapping={"reply": b"?", "body": b"", "size": 1})
        with pytest.raises(CacheUnavailable, match="can't be kept or read"):
            await cache.get("1", NOW)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("redis://user:geheim@127.0.0.1:1/0", CacheUnavailable),
        ("redis://user:geh/eim@127.0.0.1:6379", ConfigError),
        ("http://user:geheim@127.0.0.1", ConfigError),
    ],
)
async def test_the_password_is_never_said(url: str, error: type[Exception]):
    cache = RedisCache(url)
    with pytest.raises(error) as caught:
        await cache.start()
    assert "geh" not in "".join(traceback.format_exception(caught.value))
    assert "geh" not in repr(cache)
    await cache.close()
