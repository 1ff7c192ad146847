"""The limiter, told what comes in, and beside a model of it that is too simple to be wrong."""

import asyncio
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.access.buckets import Bucket
from pointsman.access.limits import MemoryLimiter
from pointsman.clock import ManualClock
from pointsman.errors import RateLimited
from pointsman.types import UNLIMITED, Allowance, Limits, Standing, Subject

KEY = Subject("key", "acme", "pm_aaaaaaaa")
ORGANISATION = Subject("organisation", "acme")
ANN, BOB = Subject("user", "acme", "ann"), Subject("user", "acme", "bob")


def of_key(**limits: int) -> tuple[Allowance, ...]:
    return (Allowance(KEY, Limits(**limits)),)


async def refusal(limiter: MemoryLimiter, allowances: tuple[Allowance, ...], tokens: int = 0):
    with pytest.raises(RateLimited) as refused:
        await limiter.admit("refused", allowances, tokens)
    return refused.value


async def test_requests_pass_until_the_minutes_are_used_and_again_as_it_refills() -> None:
    clock = ManualClock()
    limiter, twelve = MemoryLimiter(clock), of_key(requests_per_minute=12)
    left = [(await limiter.admit(f"r{i}", twelve, 0)).remaining_requests for i in range(12)]
    assert left == list(range(11, -1, -1))

    refused = await refusal(limiter, twelve)
    assert (refused.status, refused.code) == (429, "rate_limit_exceeded")
    assert str(refused) == (
        "key pm_aaaaaaaa may make 12 requests per minute: the next one passes in 5 s"
    )
    assert refused.retry_after == 5.0
    assert refused.standing == Standing(
        limit_requests=12, remaining_requests=0, reset_requests_s=60.0
    )

    clock.advance(4.999)
    assert (await refusal(limiter, twelve)).retry_after == pytest.approx(0.001)
    clock.advance(0.001)
    await limiter.admit("in time", twelve, 0)


async def test_tokens_are_counted_as_expected_and_put_right_at_the_end() -> None:
    clock = ManualClock()
    limiter, thousand = MemoryLimiter(clock), of_key(tokens_per_minute=1000)
    await limiter.admit("a", thousand, 700)
    refused = await refusal(limiter, thousand, 400)
    assert str(refused) == (
        "key pm_aaaaaaaa may use 1000 tokens per minute: this request, of up to 400, passes in 6 s"
    )
    await limiter.leave("a", 100)
    standing = await limiter.admit("b", thousand, 400)
    assert (standing.remaining_tokens, standing.reset_tokens_s) == (500, 30.0)

    await limiter.leave("b", 1900)  # 1000 more than there were: they are owed
    await limiter.leave("b", 0)  # it has left already
    assert (await refusal(limiter, thousand, 1)).retry_after == pytest.approx(60.06)
    clock.advance(60.06)
    await limiter.admit("c", thousand, 1)


async def test_a_request_of_more_than_a_minutes_tokens_waits_for_all_of_them() -> None:
    clock = ManualClock()
    limiter, hundred = MemoryLimiter(clock), of_key(tokens_per_minute=100)
    await limiter.admit("small", hundred, 10)
    assert (await refusal(limiter, hundred, 300)).retry_after == 6.0
    clock.advance(6)
    await limiter.admit("large", hundred, 300)
    await limiter.leave("large", None)  # it took them
    assert (await refusal(limiter, hundred, 1)).retry_after == pytest.approx(120.6)


async def test_open_requests_are_counted_until_they_end() -> None:
    limiter, two = MemoryLimiter(ManualClock()), of_key(concurrent=2)
    assert await limiter.admit("a", two, 5) == UNLIMITED
    await limiter.admit("b", two, 5)
    refused = await refusal(limiter, two)
    assert str(refused) == (
        "key pm_aaaaaaaa may have 2 requests open at the same time: "
        "the next one passes when one has ended"
    )
    assert refused.retry_after == 1.0
    await limiter.leave("a", None)
    await limiter.admit("c", two, 5)


async def test_a_request_counts_against_all_of_its_limits_or_none() -> None:
    clock = ManualClock()
    limiter = MemoryLimiter(clock)
    both = (
        Allowance(KEY, Limits(requests_per_minute=100, concurrent=9)),
        Allowance(ORGANISATION, Limits(requests_per_minute=2)),
    )
    await limiter.admit("a", both, 0)
    standing = await limiter.admit("b", both, 0)
    assert (standing.limit_requests, standing.remaining_requests) == (2, 0)  # the tightest
    for _ in range(20):
        assert "organisation acme" in str(await refusal(limiter, both))
    assert (await limiter.admit("c", both[:1], 0)).remaining_requests == 97


async def test_subjects_are_counted_apart() -> None:
    limiter = MemoryLimiter(ManualClock())
    for subject in (KEY, ORGANISATION, ANN, BOB):
        await limiter.admit(str(subject), [Allowance(subject, Limits(requests_per_minute=1))], 0)
    refused = await refusal(limiter, (Allowance(ANN, Limits(requests_per_minute=1)),))
    assert str(refused).startswith("user ann may make 1 request")


async def test_changed_limits_hold_from_the_next_request_on() -> None:
    clock = ManualClock()
    limiter = MemoryLimiter(clock)
    for i in range(10):
        await limiter.admit(f"r{i}", of_key(requests_per_minute=10), 0)
    clock.advance(30)  # five are there again
    standing = await limiter.admit("more", of_key(requests_per_minute=20), 0)
    assert (standing.limit_requests, standing.remaining_requests) == (20, 14)
    assert await limiter.admit("any", of_key(), 0) == UNLIMITED


async def test_of_a_crowd_exactly_as_many_pass_as_may() -> None:
    limiter, sixty = MemoryLimiter(ManualClock()), of_key(requests_per_minute=60)
    crowd = [limiter.admit(f"r{i}", sixty, 0) for i in range(200)]
    results = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(result, Standing) for result in results) == 60


async def test_who_has_been_idle_is_forgotten() -> None:
    clock = ManualClock()
    limiter = MemoryLimiter(clock)
    await limiter.admit("open", [Allowance(ANN, Limits(concurrent=1))], 0)
    for i in range(5000):
        user = Subject("user", "acme", f"user {i}")
        await limiter.admit(f"r{i}", [Allowance(user, Limits(requests_per_minute=60))], 0)
        await limiter.leave(f"r{i}", None)
        clock.advance(0.01)
        assert len(limiter) <= 150  # a hundred in the second until their request is there again
    clock.advance(3600)
    for i in range(100):
        await limiter.admit(f"s{i}", of_key(requests_per_minute=600), 0)
    assert len(limiter) == 2  # the key, and who still has a request open
    await refusal(limiter, (Allowance(ANN, Limits(concurrent=1)),))


@given(per_minute=st.integers(1, 10**7), taken=st.integers(0, 10**8), amount=st.integers(0, 10**8))
def test_a_bucket_says_to_the_nanosecond_when_so_much_is_there(
    per_minute: int, taken: int, amount: int
) -> None:
    bucket = Bucket(per_minute, 0)
    bucket.take(taken, 0)
    wait = bucket.wait(amount, 0)
    enough = min(amount, per_minute)
    if wait:
        assert bucket.left(wait - 1) < enough
    assert bucket.left(wait) >= enough
    assert bucket.wait(amount, wait) == 0


class Model:
    """One subject, with fractions and without any cleverness."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = Fraction(limits.requests_per_minute or 0)
        self.tokens = Fraction(limits.tokens_per_minute or 0)
        self.open: dict[str, int] = {}

    def pass_time(self, ms: int) -> None:
        per_minute = self.limits.requests_per_minute or 0
        self.requests = min(self.requests + Fraction(per_minute * ms, 60_000), Fraction(per_minute))
        per_minute = self.limits.tokens_per_minute or 0
        self.tokens = min(self.tokens + Fraction(per_minute * ms, 60_000), Fraction(per_minute))

    def wait_s(self, tokens: int) -> Fraction:
        """Seconds until it passes, as far as time helps; 0 where it does at once."""
        waits = [Fraction(0)]
        if per_minute := self.limits.requests_per_minute:
            waits.append((1 - self.requests) * 60 / per_minute)
        if per_minute := self.limits.tokens_per_minute:
            waits.append((min(tokens, per_minute) - self.tokens) * 60 / per_minute)
        if self.limits.concurrent is not None and len(self.open) >= self.limits.concurrent:
            waits.append(Fraction(1))
        return max(waits)

    def begin(self, request: str, tokens: int) -> None:
        self.open[request] = tokens
        self.requests -= 1
        self.tokens -= tokens

    def end(self, request: str, tokens: int | None) -> None:
        counted = self.open.pop(request)
        more = 0 if tokens is None else tokens - counted
        self.tokens = min(self.tokens - more, Fraction(self.limits.tokens_per_minute or 0))


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


class Beside:
    """The limiter and the model, told the same."""

    def __init__(self, limits: tuple[Limits, ...]) -> None:
        self.clock = ManualClock()
        self.limiter = MemoryLimiter(self.clock)
        self.allowances = [
            Allowance(subject, each)
            for subject, each in zip((KEY, ORGANISATION, ANN), limits, strict=True)
        ]
        self.models = [Model(each) for each in limits]
        self.opened: list[tuple[str, list[Model]]] = []

    async def admit(self, which: set[int], tokens: int) -> None:
        request = f"r{len(self.opened)}"
        models = [self.models[i] for i in which if self.models[i].limits != Limits()]
        wait_s = max((model.wait_s(tokens) for model in models), default=Fraction(0))
        admitting = self.limiter.admit(request, [self.allowances[i] for i in which], tokens)
        if wait_s:
            with pytest.raises(RateLimited) as refused:
                await admitting
            assert refused.value.retry_after == pytest.approx(float(wait_s), abs=1e-8)
            check(refused.value.standing, models)
            return
        standing = await admitting
        for model in models:
            model.begin(request, tokens)
        self.opened.append((request, models))
        check(standing, models)

    async def leave(self, which: int, tokens: int | None) -> None:
        """May have left before."""
        if which < len(self.opened):
            request, models = self.opened[which]
            await self.limiter.leave(request, tokens)
            for model in models:
                if request in model.open:
                    model.end(request, tokens)

    async def pass_time(self, ms: int, _: None) -> None:
        self.clock.advance(ms / 1000)
        for model in self.models:
            model.pass_time(ms)


@given(limits=st.tuples(LIMITS, LIMITS, LIMITS), steps=STEPS)
def test_it_does_what_the_simple_model_does(
    limits: tuple[Limits, Limits, Limits], steps: list[tuple[str, object, object]]
) -> None:
    async def run() -> None:
        beside = Beside(limits)
        actions = {"admit": beside.admit, "leave": beside.leave, "pass": beside.pass_time}
        for action, first, second in steps:
            await actions[action](first, second)

    asyncio.run(run())


def check(standing: Standing, models: list[Model]) -> None:
    left = [max(0, math.floor(m.requests)) for m in models if m.limits.requests_per_minute]
    assert standing.remaining_requests == min(left, default=None)
    left = [max(0, math.floor(m.tokens)) for m in models if m.limits.tokens_per_minute]
    assert standing.remaining_tokens == min(left, default=None)


@given(
    limits=LIMITS.filter(lambda limits: limits.concurrent is None),
    requests=st.lists(st.tuples(TOKENS, st.none() | TOKENS), min_size=1, max_size=30),
)
def test_whoever_comes_back_when_told_passes(
    limits: Limits, requests: list[tuple[int, int | None]]
) -> None:
    async def run() -> None:
        clock = ManualClock()
        limiter = MemoryLimiter(clock)
        allowance = [Allowance(KEY, limits)]
        for number, (tokens, took) in enumerate(requests):
            try:
                await limiter.admit(f"r{number}", allowance, tokens)
            except RateLimited as refused:
                clock.advance(math.ceil(refused.retry_after))  # as `Retry-After` says it
                await limiter.admit(f"r{number}", allowance, tokens)
            await limiter.leave(f"r{number}", took)

    asyncio.run(run())
