"""The limiters that the contract suite runs over, and a model that is too simple to be wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction

import pytest
from tests.support import servers

from pointsman.access.limits import MemoryLimiter
from pointsman.access.shared_limits import SharedLimiter
from pointsman.clock import ManualClock
from pointsman.errors import RateLimited
from pointsman.ports import RateLimiter
from pointsman.storage.limits_redis import RedisCounts
from pointsman.storage.redis_link import RedisLink
from pointsman.types import Allowance, Limits, Standing, Subject

KEY = Subject("key", "acme", "pm_aaaaaaaa")
ORGANISATION = Subject("organisation", "acme")
ANN, BOB = Subject("user", "acme", "ann"), Subject("user", "acme", "bob")

_places = itertools.count()


@dataclass(frozen=True)
class LimiterAdapter:
    """How to open one kind of limiter."""

    name: str
    open: Callable[[ManualClock], AbstractAsyncContextManager[RateLimiter]]
    #: Seconds by which what it says of times may be too long.
    tick_s: float
    #: The real server that it needs; None where it needs none.
    server: str | None = None


@asynccontextmanager
async def memory(clock: ManualClock) -> AsyncIterator[RateLimiter]:
    yield MemoryLimiter(clock)


@asynccontextmanager
async def redis(clock: ManualClock) -> AsyncIterator[RateLimiter]:
    """Patient: it is not about patience. The clock stands in for the server's."""
    async with counts(clock, f"{next(_places)}:") as counting:
        limiter = SharedLimiter(counting, clock)
        await limiter.beat()
        yield limiter
        assert limiter.is_shared


@asynccontextmanager
async def counts(
    clock: ManualClock, prefix: str, gateway: str = "g1"
) -> AsyncIterator[RedisCounts]:
    link = RedisLink(servers.redis().url, timeout_s=30, connections=2)
    now = lambda: round(clock.monotonic() * 1000)  # noqa: E731
    try:
        yield RedisCounts(link, gateway=gateway, prefix=prefix, now=now)
    finally:
        await link.close()


LIMITERS = (
    LimiterAdapter("memory", memory, tick_s=1e-8),
    LimiterAdapter("redis", redis, tick_s=0.00101, server="redis"),
)


def of_key(**limits: int) -> tuple[Allowance, ...]:
    return (Allowance(KEY, Limits(**limits)),)


async def refusal(
    limiter: RateLimiter, allowances: Sequence[Allowance], tokens: int = 0
) -> RateLimited:
    with pytest.raises(RateLimited) as refused:
        await limiter.admit("refused", allowances, tokens)
    return refused.value


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
        self.tokens -= self.reserved(tokens)

    def reserved(self, tokens: int) -> int:
        return min(tokens, self.limits.tokens_per_minute or tokens)

    def end(self, request: str, tokens: int | None) -> None:
        counted = self.open.pop(request)
        more = (counted if tokens is None else tokens) - self.reserved(counted)
        self.tokens = min(self.tokens - more, Fraction(self.limits.tokens_per_minute or 0))


class Beside:
    """The limiter and the model, told the same."""

    def __init__(
        self, limiter: RateLimiter, clock: ManualClock, limits: Sequence[Limits], tick_s: float
    ) -> None:
        self.clock = clock
        self.limiter = limiter
        self.tick_s = tick_s
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
            assert refused.value.retry_after == pytest.approx(float(wait_s), abs=self.tick_s)
            self._check(refused.value.standing, models)
            return
        standing = await admitting
        for model in models:
            model.begin(request, tokens)
        self.opened.append((request, models))
        self._check(standing, models)

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
        if isinstance(self.limiter, SharedLimiter):
            await self.limiter.beat()  # as a gateway that lives does

    @staticmethod
    def _check(standing: Standing, models: list[Model]) -> None:
        left = [max(0, math.floor(m.requests)) for m in models if m.limits.requests_per_minute]
        assert standing.remaining_requests == min(left, default=None)
        left = [max(0, math.floor(m.tokens)) for m in models if m.limits.tokens_per_minute]
        assert standing.remaining_tokens == min(left, default=None)
