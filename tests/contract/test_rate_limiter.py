"""What every limiter does, told what comes in and beside a model that is too simple to be wrong."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.limiters import (
    ANN,
    BOB,
    KEY,
    LIMITERS,
    ORGANISATION,
    Beside,
    LimiterAdapter,
    of_key,
    refusal,
)

from pointsman.clock import ManualClock
from pointsman.errors import RateLimited
from pointsman.ports import RateLimiter
from pointsman.types import UNLIMITED, Allowance, Limits, Standing, Subject

ALL = [
    pytest.param(each, id=each.name, marks=[pytest.mark.full] if each.server else [])
    for each in LIMITERS
]


@dataclass
class House:
    limiter: RateLimiter
    clock: ManualClock
    tick_s: float

    async def admit(self, request_id: str, allowances: tuple[Allowance, ...], tokens: int = 0):
        return await self.limiter.admit(request_id, allowances, tokens)

    def about(self, seconds: float):
        return pytest.approx(seconds, abs=self.tick_s)


@pytest.fixture(params=ALL)
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Each limiter in turn."""
    adapter: LimiterAdapter = request.param
    clock = ManualClock()
    async with adapter.open(clock) as limiter:
        yield House(limiter, clock, adapter.tick_s)


async def test_requests_pass_until_the_minutes_are_used_and_again_as_it_refills(house: House):
    twelve = of_key(requests_per_minute=12)
    left = [(await house.admit(f"r{i}", twelve)).remaining_requests for i in range(12)]
    assert left == list(range(11, -1, -1))

    refused = await refusal(house.limiter, twelve)
    assert (refused.status, refused.code) == (429, "rate_limit_exceeded")
    assert str(refused) == (
        "key pm_aaaaaaaa may make 12 requests per minute: the next one passes in 5 s"
    )
    assert refused.retry_after == 5.0
    assert refused.standing == Standing(
        limit_requests=12, remaining_requests=0, reset_requests_s=60.0
    )

    house.clock.advance(4.999)
    assert (await refusal(house.limiter, twelve)).retry_after == house.about(0.001)
    house.clock.advance(0.001)
    await house.admit("in time", twelve)


async def test_tokens_are_counted_as_expected_and_put_right_at_the_end(house: House):
    thousand = of_key(tokens_per_minute=1000)
    await house.admit("a", thousand, 700)
    refused = await refusal(house.limiter, thousand, 400)
    assert str(refused) == (
        "key pm_aaaaaaaa may use 1000 tokens per minute: this request, of up to 400, passes in 6 s"
    )
    await house.limiter.leave("a", 100)
    standing = await house.admit("b", thousand, 400)
    assert (standing.remaining_tokens, standing.reset_tokens_s) == (500, 30.0)

    await house.limiter.leave("b", 1900)  # 1000 more than there were: they are owed
    await house.limiter.leave("b", 0)  # it has left already
    assert (await refusal(house.limiter, thousand, 1)).retry_after == house.about(60.06)
    house.clock.advance(60.06)
    await house.admit("c", thousand, 1)


async def test_a_request_of_more_than_a_minutes_tokens_waits_for_all_of_them(house: House):
    hundred = of_key(tokens_per_minute=100)
    await house.admit("small", hundred, 10)
    assert (await refusal(house.limiter, hundred, 300)).retry_after == 6.0
    house.clock.advance(6)
    await house.admit("large", hundred, 300)
    # Whoever claims much and is never heard of again does not lock the others out.
    assert (await refusal(house.limiter, hundred, 100)).retry_after == 60.0
    await house.limiter.leave("large", None)  # it took them
    assert (await refusal(house.limiter, hundred, 1)).retry_after == house.about(120.6)


async def test_what_a_client_claims_beyond_all_measure_is_put_right_like_anything(house: House):
    limits = of_key(tokens_per_minute=10**12, requests_per_minute=10**12)
    await house.admit("a", limits, 10**18)
    await house.limiter.leave("a", 5)
    house.clock.advance(60)
    assert (await house.admit("b", limits, 10)).remaining_tokens


async def test_open_requests_are_counted_until_they_end(house: House):
    two = of_key(concurrent=2)
    assert await house.admit("a", two, 5) == UNLIMITED
    await house.admit("b", two, 5)
    refused = await refusal(house.limiter, two)
    assert str(refused) == (
        "key pm_aaaaaaaa may have 2 requests open at the same time: "
        "the next one passes when one has ended"
    )
    assert refused.retry_after == 1.0
    await house.limiter.leave("a", None)
    await house.admit("c", two, 5)


async def test_a_request_counts_against_all_of_its_limits_or_none(house: House):
    both = (
        Allowance(KEY, Limits(requests_per_minute=100, concurrent=9)),
        Allowance(ORGANISATION, Limits(requests_per_minute=2)),
    )
    await house.admit("a", both)
    standing = await house.admit("b", both)
    assert (standing.limit_requests, standing.remaining_requests) == (2, 0)  # the tightest
    for _ in range(20):
        assert "organisation acme" in str(await refusal(house.limiter, both))
    assert (await house.admit("c", both[:1])).remaining_requests == 97


async def test_subjects_are_counted_apart(house: House):
    strange = [
        Subject("user", "acme", "ann:tokens"),
        Subject("user", "acme}:user:x", "ann"),
        Subject("user", "acme", "x}:user:ann"),
        Subject("user", "acme", "\udc80 Ännchen"),
        Subject("key", "acme", "ann"),
        Subject("user", "other", "ann"),
    ]
    for subject in (KEY, ORGANISATION, ANN, BOB, *strange):
        await house.admit(repr(subject), (Allowance(subject, Limits(requests_per_minute=1)),))
    refused = await refusal(house.limiter, (Allowance(ANN, Limits(requests_per_minute=1)),))
    assert str(refused).startswith("user ann may make 1 request")


async def test_changed_limits_hold_from_the_next_request_on(house: House):
    for i in range(10):
        await house.admit(f"r{i}", of_key(requests_per_minute=10))
    house.clock.advance(30)  # five are there again
    standing = await house.admit("more", of_key(requests_per_minute=20))
    assert (standing.limit_requests, standing.remaining_requests) == (20, 14)
    assert await house.admit("any", of_key()) == UNLIMITED


async def test_of_a_crowd_exactly_as_many_pass_as_may(house: House):
    crowd = [house.admit(f"r{i}", of_key(requests_per_minute=60)) for i in range(200)]
    results = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(result, Standing) for result in results) == 60
    assert sum(isinstance(result, RateLimited) for result in results) == 140


MAYBE = st.none() | st.integers(1, 8)
LIMITS = st.builds(
    Limits,
    requests_per_minute=MAYBE,
    tokens_per_minute=st.none() | st.integers(1, 2000),
    concurrent=MAYBE,
)
TOKENS = st.integers(0, 3000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), st.sets(st.integers(0, 2), min_size=1), TOKENS),
        st.tuples(st.just("leave"), st.integers(0, 30), st.none() | TOKENS),
        st.tuples(st.just("pass"), st.integers(1, 90_000), st.none()),
    ),
    max_size=60,
)


@pytest.mark.parametrize("adapter", ALL)
@given(limits=st.tuples(LIMITS, LIMITS, LIMITS), steps=STEPS)
@settings(deadline=None)
def test_it_does_what_the_simple_model_does(
    adapter: LimiterAdapter,
    limits: tuple[Limits, Limits, Limits],
    steps: list[tuple[str, object, object]],
):
    async def run() -> None:
        clock = ManualClock()
        async with adapter.open(clock) as limiter:
            beside = Beside(limiter, clock, limits, adapter.tick_s)
            actions = {"admit": beside.admit, "leave": beside.leave, "pass": beside.pass_time}
            for action, first, second in steps:
                await actions[action](first, second)

    asyncio.run(run())


@pytest.mark.parametrize("adapter", ALL)
@given(
    limits=LIMITS.filter(lambda limits: limits.concurrent is None),
    requests=st.lists(st.tuples(TOKENS, st.none() | TOKENS), min_size=1, max_size=30),
)
@settings(deadline=None)
def test_whoever_comes_back_when_told_passes(
    adapter: LimiterAdapter, limits: Limits, requests: list[tuple[int, int | None]]
):
    async def run() -> None:
        clock, allowance = ManualClock(), [Allowance(KEY, limits)]
        async with adapter.open(clock) as limiter:
            for number, (tokens, took) in enumerate(requests):
                try:
                    await limiter.admit(f"r{number}", allowance, tokens)
                except RateLimited as refused:
                    clock.advance(math.ceil(refused.retry_after))  # as `Retry-After` says it
                    await limiter.admit(f"r{number}", allowance, tokens)
                await limiter.leave(f"r{number}", took)

    asyncio.run(run())
