"""Counts that several gateways have in common, and what becomes of them when one is gone."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from tests.support import servers
from tests.support.limiters import ANN, KEY, counts, of_key, refusal

from pointsman.access.shared_limits import BEAT_S, SharedLimiter
from pointsman.clock import ManualClock
from pointsman.errors import RateLimited, SharingUnavailable
from pointsman.storage.limits_redis import LEASE_MS, RedisCounts
from pointsman.storage.redis_link import RedisLink
from pointsman.types import Allowance, Limits, Standing

pytestmark = pytest.mark.full

LEASE_S = LEASE_MS / 1000
_places = itertools.count()


@dataclass
class Team:
    """Gateways that count together."""

    clock: ManualClock
    stack: AsyncExitStack
    prefix: str
    server: RedisLink

    async def gateway(self, name: str) -> SharedLimiter:
        counting = await self.stack.enter_async_context(counts(self.clock, self.prefix, name))
        limiter = SharedLimiter(counting, self.clock)
        await limiter.beat()
        return limiter

    async def tell(self, *command: str) -> object:
        return await self.server.client.execute_command(*command)

    async def keys(self) -> list[bytes]:
        return await self.server.client.keys(f"{self.prefix}*")


@pytest.fixture
async def team() -> AsyncIterator[Team]:
    server = RedisLink(servers.redis().url, timeout_s=30)
    async with AsyncExitStack() as stack:
        yield Team(ManualClock(), stack, f"team{next(_places)}:", server)
    await server.close()


async def test_all_gateways_together_let_in_what_one_would(team: Team) -> None:
    gateways = [await team.gateway(f"g{i}") for i in range(3)]
    hundred = of_key(requests_per_minute=100, tokens_per_minute=5000)
    crowd = [gateways[i % 3].admit(f"r{i}", hundred, 40) for i in range(300)]
    ends = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(end, Standing) for end in ends) == 100
    assert sum(isinstance(end, RateLimited) for end in ends) == 200
    for i in range(300):
        await gateways[i % 3].leave(f"r{i}", 50)  # 10 more than was counted: all that there was
    assert (await refusal(gateways[0], hundred, 40)).standing.remaining_tokens == 0


async def test_gateways_know_how_many_they_are(team: Team) -> None:
    one = await team.gateway("one")
    two = await team.gateway("two")
    assert (one.gateways, two.gateways) == (1, 2)
    team.clock.advance(BEAT_S)
    await one.beat()
    assert one.gateways == 2
    team.clock.advance(LEASE_S)  # `two` is gone
    await one.beat()
    assert one.gateways == 1


async def test_what_a_dead_gateway_had_open_comes_free_and_what_lives_does_not(team: Team) -> None:
    dies, lives = await team.gateway("dies"), await team.gateway("lives")
    two = of_key(concurrent=2)
    await dies.admit("lost", two, 0)
    await lives.admit("long", two, 0)
    for _ in range(4):  # as long as a lease lasts
        assert "2 requests open" in str(await refusal(lives, two))
        team.clock.advance(BEAT_S)
        await lives.beat()
    await lives.admit("next", two, 0)
    assert "2 requests open" in str(await refusal(lives, two))


async def test_a_server_that_has_forgotten_everything_learns_what_is_open(team: Team) -> None:
    one, two = await team.gateway("one"), await team.gateway("two")
    single = of_key(concurrent=1, requests_per_minute=60)
    await one.admit("a", single, 0)
    await team.tell("SCRIPT", "FLUSH")
    for key in await team.keys():
        await team.server.client.delete(key)
    team.clock.advance(BEAT_S)
    await one.beat()
    assert "1 request open" in str(await refusal(two, single))
    await one.leave("a", None)
    await two.admit("b", single, 0)


async def test_a_clock_that_was_ahead_holds_nothing_for_long(team: Team) -> None:
    dies, lives = await team.gateway("dies"), await team.gateway("lives")
    both = (
        Allowance(KEY, Limits(concurrent=1)),
        Allowance(ANN, Limits(requests_per_minute=60)),
    )
    team.clock.advance(3600)
    await dies.beat()
    await dies.admit("ahead", both, 0)
    team.clock.advance(-3600)
    await lives.admit("back", both, 0)  # the lease of an hour ahead does not count
    for i in range(58):
        await lives.admit(f"r{i}", both[1:], 0)
    assert (await refusal(lives, both[1:])).retry_after == 1.0
    team.clock.advance(1)  # what was taken ahead of time comes back by the time that is now
    await lives.admit("on", both[1:], 0)


async def test_a_limit_that_was_used_up_then_is_free_a_minute_later(team: Team) -> None:
    one, limit = await team.gateway("one"), of_key(requests_per_minute=1)
    await one.admit("ahead", limit, 0)
    team.clock.advance(-600)  # as where Redis goes on at another machine
    assert (await refusal(one, limit)).retry_after == 60.0
    team.clock.advance(61)
    await one.admit("on", limit, 0)


async def test_nothing_stays_of_who_has_been_idle(team: Team) -> None:
    one = await team.gateway("one")
    every = of_key(requests_per_minute=60_000, tokens_per_minute=60_000, concurrent=5)
    for i in range(5):
        await one.admit(f"r{i}", every, 10)
        await one.leave(f"r{i}", 10)
    lives = [await team.server.client.pttl(key) for key in await team.keys()]
    assert all(0 < life <= LEASE_MS + 1000 for life in lives), lives
    team.clock.advance(1)
    await one.admit("last", every, 0)
    await one.leave("last", 0)
    assert len(await team.keys()) <= 3  # the bucket of requests, and who lives


async def test_a_url_may_ask_for_texts_and_gets_bytes() -> None:
    link = RedisLink(f"{servers.redis().url}?decode_responses=true", timeout_s=30)
    counting = RedisCounts(link, gateway="g1", prefix=f"texts{next(_places)}:")
    admitted, [tally] = await counting.admit("a", of_key(requests_per_minute=5), 1)
    assert admitted
    assert tally.requests
    assert tally.requests.left == 4
    await link.close()


async def test_a_request_is_in_time_or_not_at_all() -> None:
    link = RedisLink(servers.redis().url, timeout_s=0.5)
    await link.connect()
    with pytest.raises(SharingUnavailable) as late:
        await link.ask(link.client.execute_command("BLPOP", "nothing", "5"))
    assert late.value.at_fault
    with pytest.raises(SharingUnavailable):  # nobody waits for it again
        await link.ask(link.client.ping())
    await link.connect()
    assert await link.ask(link.client.ping())

    async def is_there() -> str:
        time.sleep(2.0)  # noqa: ASYNC251 - what a busy process is like
        return str(await link.client.ping())

    assert await link.ask(is_there()) == "True"

    async def blocked() -> None:
        time.sleep(2.0)  # noqa: ASYNC251 - what a busy process is like
        await link.client.execute_command("BLPOP", "nothing", "5")

    with pytest.raises(SharingUnavailable) as ours:
        await link.ask(blocked())
    assert not ours.value.at_fault
    await link.close()
