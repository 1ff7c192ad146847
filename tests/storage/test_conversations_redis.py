"""A conversation that one gateway answered is continued by any other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support import servers

from pointsman.clock import ManualClock
from pointsman.ids import new_request_id
from pointsman.server.kept import MOST_SHARED_BYTES, KeptReplies
from pointsman.storage.conversations_redis import RedisConversations
from pointsman.storage.redis_link import RedisLink
from pointsman.types import Principal

ALICE, BOB = Principal("acme", "alice"), Principal("acme", "bob")


@pytest.fixture
async def gateways() -> AsyncIterator[tuple[KeptReplies, KeptReplies]]:
    link = RedisLink(servers.redis().url, timeout_s=5)
    shared = RedisConversations(link, prefix=f"{new_request_id()}:")
    one, other = (KeptReplies(ManualClock(), 60, shared=shared) for _ in range(2))
    yield one, other
    await link.close()


async def test_it_is_there_at_every_gateway_for_who_asked(
    gateways: tuple[KeptReplies, KeptReplies],
) -> None:
    one, other = gateways
    await one.keep("resp_1", ALICE, b"said")

    assert await other.find("resp_1", ALICE) == b"said"
    assert await other.find("resp_1", BOB) is None
    assert await other.find("resp_1", Principal("acme", "alice", "a user")) is None
    assert await other.find("resp_2", ALICE) is None


async def test_a_very_long_one_is_continued_where_it_was(
    gateways: tuple[KeptReplies, KeptReplies],
) -> None:
    one, other = gateways
    long = bytes(MOST_SHARED_BYTES + 1)
    await one.keep("resp_1", ALICE, long)

    assert await one.find("resp_1", ALICE) == long
    assert await other.find("resp_1", ALICE) is None


async def test_it_is_forgotten_in_time() -> None:
    link = RedisLink(servers.redis().url, timeout_s=5)
    prefix = f"{new_request_id()}:"
    shared = RedisConversations(link, prefix=prefix)

    await shared.put("a", b"said", 60)

    [name] = await link.client.keys(f"{prefix}*")
    assert 50_000 < await link.client.pttl(name) <= 60_000
    await shared.put("a", b"said", 0.0001)
    while await shared.get("a") is not None:
        pass
    await link.close()


async def test_without_the_server_each_continues_its_own() -> None:
    link = RedisLink("unix:///nowhere")
    shared = RedisConversations(link)
    one, other = (KeptReplies(ManualClock(), 60, shared=shared) for _ in range(2))

    await one.keep("resp_1", ALICE, b"said")

    assert await one.find("resp_1", ALICE) == b"said"
    assert await other.find("resp_1", ALICE) is None
    await link.close()
