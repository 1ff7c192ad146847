"""Scripts that many ask for at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support import servers

from pointsman.errors import SharingUnavailable
from pointsman.storage.redis_link import RedisLink
from pointsman.storage.redis_scripts import RedisScripts, Script

pytestmark = pytest.mark.full

#: What it is asked for, and a note of it.
ECHO = Script("redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]")
FAILS = Script("return redis.error_reply('OOM no room')")
SLOW = Script("local n = 0 for i = 1, 5e6 do n = n + i end return 1")


@pytest.fixture
async def link() -> AsyncIterator[RedisLink]:
    link = RedisLink(servers.redis().url, timeout_s=30, connections=2)
    await link.connect()
    yield link
    await link.client.delete("asked")
    await link.close()


async def test_a_crowd_gets_each_its_own_answer_in_a_few_trips(link: RedisLink) -> None:
    scripts = RedisScripts(link)
    await link.client.script_flush()  # the server knows none of them
    before = (await link.client.info("stats"))["total_reads_processed"]
    crowd = (scripts.run(ECHO, ["asked"], str(number)) for number in range(200))
    answers = await asyncio.gather(*crowd)
    after = (await link.client.info("stats"))["total_reads_processed"]
    assert answers == [str(number).encode() for number in range(200)]
    assert await link.client.lrange("asked", 0, -1) == answers  # each once
    assert after - before < 40


async def test_what_one_of_them_meets_is_its_own(link: RedisLink) -> None:
    scripts = RedisScripts(link)
    ends = await asyncio.gather(
        scripts.run(ECHO, ["asked"], "a"),
        scripts.run(FAILS, []),
        scripts.run(ECHO, ["asked"], "b"),
        return_exceptions=True,
    )
    assert (ends[0], ends[2]) == (b"a", b"b")
    assert isinstance(ends[1], SharingUnavailable)
    assert str(ends[1]) == "Redis can't be asked: OutOfMemoryError"


async def test_who_has_given_up_is_not_asked_for(link: RedisLink) -> None:
    scripts = RedisScripts(link)
    first = asyncio.create_task(scripts.run(SLOW, []))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it is under way
    gone = asyncio.create_task(scripts.run(ECHO, ["asked"], "gone"))
    stays = asyncio.create_task(scripts.run(ECHO, ["asked"], "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await first == 1
    assert await stays == b"stays"
    assert await link.client.lrange("asked", 0, -1) == [b"stays"]


async def test_one_that_breaks_leaves_the_next_alone(link: RedisLink) -> None:
    scripts = RedisScripts(link)
    await scripts.run(ECHO, ["asked"], "a")
    for client in await link.client.client_list():
        if client["id"] != str(await link.client.client_id()):
            await link.client.client_kill_filter(_id=client["id"])
    ends = await asyncio.gather(
        *(scripts.run(ECHO, ["asked"], "b") for _ in range(3)), return_exceptions=True
    )
    assert {type(end) for end in ends} <= {bytes, SharingUnavailable}
    await link.connect()
    assert await scripts.run(ECHO, ["asked"], "c") == b"c"
