"""What only the embedded cache can do: last, be owned, begin anew, fail and recover."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.caches import DAY, EVERYTHING, NOW, SECOND, found, ids, meant, reply, vector

from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.storage.cache_sqlite import SqliteCache
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Selection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache.db"


@pytest.fixture
async def cache(path: Path) -> AsyncIterator[SqliteCache]:
    made = SqliteCache.open(path, gather_s=0)
    yield made
    await made.close()


async def test_what_is_still_to_be_written_is_forgotten_and_listed_too(path: Path):
    """Writes wait for others for a while."""
    cache = SqliteCache.open(path, gather_s=30)
    putting = [asyncio.ensure_future(cache.put(reply(number))) for number in range(3)]
    await asyncio.sleep(0)

    assert (await cache.list(EVERYTHING, limit=9)).count == 3
    putting.append(asyncio.ensure_future(cache.put(reply(3))))
    await asyncio.sleep(0)
    assert await cache.remove(EVERYTHING) == 4
    await asyncio.gather(*putting)
    assert await ids(cache) == []
    await cache.close()


# The file


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
async def test_only_its_owner_may_read_it(path: Path, cache: SqliteCache):
    await cache.put(reply(1))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert {"cache.db", "cache.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


async def test_a_second_process_is_refused_and_told_who_has_it(path: Path):
    first = SqliteCache.open(path, address="http://127.0.0.1:7070")
    with pytest.raises(ConfigError, match=rf"the cache .* in use by process {os.getpid()} at http"):
        SqliteCache.open(path)
    await first.close()
    await SqliteCache.open(path).close()


async def test_a_cache_of_another_version_begins_anew(path: Path):
    before = SqliteCache.open(path, gather_s=0)
    await before.put(reply(1))
    await before.close()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA user_version = 9999")

    after = SqliteCache.open(path)
    assert await ids(after) == []
    await after.put(reply(2))
    assert await ids(after) == ["cr_2"]
    await after.close()


async def test_a_damaged_cache_begins_anew(path: Path):
    before = SqliteCache.open(path, gather_s=0)
    for number in range(200):
        await before.put(meant(number))
    await before.close()
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(100 * 4096))

    after = SqliteCache.open(path)
    await after.put(reply(1))
    assert await after.get(reply(1).key, NOW) == reply(1)
    await after.close()


def test_what_is_no_cache_is_left_alone(path: Path):
    asyncio.run(SqliteStore.open(path).close())  # the books
    with pytest.raises(ConfigError, match="it is no cache of Pointsman"):
        SqliteCache.open(path)
    asyncio.run(SqliteStore.open(path).close())

    path.write_bytes(b"my notes, not a database" * 100)
    with pytest.raises(ConfigError, match="not a database"):
        SqliteCache.open(path)
    assert path.read_bytes().startswith(b"my notes")


def test_a_place_that_can_not_be_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be used"):
        SqliteCache.open(tmp_path / "file" / "cache.db")


# Opening again


async def test_until_it_is_loaded_the_exact_tier_answers(path: Path):
    before = SqliteCache.open(path, gather_s=0)
    for number in range(200):
        await before.put(meant(number))
    await before.close()

    after = SqliteCache.open(path)
    assert await after.get(reply(7).key, NOW) == meant(7)
    assert found(await after.nearest("p1", vector(7), limit=1, now=NOW)) == []
    await after.remove(Selection(id="cr_9"))
    await after.load()
    assert found(await after.nearest("p1", vector(7), limit=1, now=NOW)) == ["cr_7"]
    assert found(await after.nearest("p1", vector(9), limit=1, now=NOW)) != ["cr_9"]
    await after.close()


async def test_with_less_room_the_most_valuable_stay(path: Path):
    before = SqliteCache.open(path, gather_s=0)
    for number in range(20):
        await before.put(reply(number, stored=NOW + number * SECOND))
    await before.used("cr_3", NOW)
    await before.close()

    after = SqliteCache.open(path, max_replies=2)
    assert await after.get(reply(3).key, NOW) is not None
    await after.sweep(NOW)
    assert await ids(after) == ["cr_19", "cr_3"]
    await after.close()


async def test_what_expired_meanwhile_is_swept(path: Path):
    before = SqliteCache.open(path, gather_s=0)
    for number in range(150):
        await before.put(meant(number))
    await before.put(reply(999, expires=NOW + 3 * DAY))
    await before.close()

    after = SqliteCache.open(path)
    await after.load()
    assert await after.nearest("p1", vector(7), limit=1, now=NOW + DAY) == ()
    assert await after.sweep(NOW + DAY) == 150
    assert await ids(after) == ["cr_999"]
    await after.close()


# In memory and on the disk


@pytest.mark.parametrize("front_bytes", [0, 5_000, 10_000_000])
async def test_it_is_the_same_from_memory_and_from_the_disk(path: Path, front_bytes: int):
    cache = SqliteCache.open(path, front_bytes=front_bytes, gather_s=0)
    for number in range(20):
        await cache.put(meant(number))
    for number in (3, 3, 5):
        await cache.used(f"cr_{number}", NOW)

    for number in range(20):
        hits = {3: 2, 5: 1}.get(number, 0)
        assert await cache.get(reply(number).key, NOW) == replace(meant(number), hits=hits)
        [near] = await cache.nearest("p1", vector(number), limit=1, now=NOW)
        assert near.reply == replace(meant(number), hits=hits)
    await cache.close()


async def test_what_is_removed_is_not_in_the_file_either(path: Path, cache: SqliteCache):
    for number in range(100):
        await cache.put(reply(number, body=b"a secret of theirs " * 50))
    await cache.remove(EVERYTHING)
    await cache.close()

    left = b"".join(each.read_bytes() for each in path.parent.glob("cache.db*"))
    assert b"a secret of theirs" not in left


# Failing


async def test_what_can_not_be_stored_fails_alone_and_is_not_there(cache: SqliteCache):
    odd = replace(meant(2), turn="\ud800")
    ends = await asyncio.gather(
        cache.put(meant(1)), cache.put(odd), cache.put(meant(3)), return_exceptions=True
    )

    assert [type(end) for end in ends if end] == [CacheUnavailable]
    assert await cache.get(odd.key, NOW) is None
    assert found(await cache.nearest("p1", vector(2), limit=1, now=NOW)) != ["cr_2"]
    assert set(await ids(cache)) == {"cr_1", "cr_3"}
    await cache.put(meant(2))
    assert await cache.get(odd.key, NOW) == meant(2)


async def test_after_closing_it_is_unavailable(cache: SqliteCache):
    await cache.close()
    for call in (
        cache.get(reply(1).key, NOW),
        cache.put(reply(1)),
        cache.used("cr_1", NOW),
        cache.remove(EVERYTHING),
        cache.list(EVERYTHING, limit=1),
        cache.nearest("p1", vector(1), limit=1, now=NOW),
        cache.sweep(NOW),
    ):
        with pytest.raises(CacheUnavailable, match="closed"):
            await call


async def test_a_file_damaged_under_way_is_unavailable(path: Path, cache: SqliteCache):
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("DROP TABLE replies")
    with pytest.raises(CacheUnavailable, match="can't be read"):
        await cache.list(EVERYTHING, limit=1)
    with pytest.raises(CacheUnavailable, match="can't be written"):
        await cache.put(reply(1))
    assert await cache.get(reply(1).key, NOW) is None


async def test_closing_writes_what_waits(path: Path):
    cache = SqliteCache.open(path)
    puts = [asyncio.create_task(cache.put(reply(number))) for number in range(50)]
    await asyncio.sleep(0)
    await cache.close()
    await asyncio.gather(*puts)

    after = SqliteCache.open(path)
    assert len(await ids(after)) == 50
    await after.close()
