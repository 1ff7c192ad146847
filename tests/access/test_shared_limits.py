"""Limits that gateways count together, while what counts is there and while it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import pytest
from tests.support.limiters import ANN, KEY, of_key, refusal

from pointsman.access.shared_limits import BEAT_S, SharedLimiter
from pointsman.clock import ManualClock
from pointsman.errors import SharingUnavailable
from pointsman.types import Allowance, Level, Limits, Subject, Tally


class Counts:
    """`SharedCounts` that lets in what it is told to, and writes down what it was asked."""

    def __init__(self, gateways: int = 3) -> None:
        self.gateways = gateways
        self.fault: SharingUnavailable | None = None
        self.admits = True
        self.asked: list[str] = []
        self.left: list[tuple[str, int]] = []
        self.charged: list[tuple[Subject, int, int]] = []
        self.renewed: list[Mapping[Subject, Sequence[str]]] = []

    async def admit(
        self,
        request_id: str,  # noqa: ARG002
        allowances: Sequence[Allowance],
        tokens: int,  # noqa: ARG002
    ) -> tuple[bool, Sequence[Tally]]:
        self._note("admit")
        wait_s = 0.0 if self.admits else 7.0
        level = Level(per_minute=100, left=50, wait_s=wait_s, full_s=30.0)
        return self.admits, [Tally(requests=level) for _ in allowances]

    async def leave(
        self,
        request_id: str,
        allowances: Sequence[Allowance],  # noqa: ARG002
        more: int,
    ) -> None:
        self._note("leave")
        self.left.append((request_id, more))

    async def charge(self, allowance: Allowance, requests: int, tokens: int) -> None:
        self._note("charge")
        self.charged.append((allowance.subject, requests, tokens))

    async def renew(self, open_requests: Mapping[Subject, Sequence[str]]) -> int:
        self._note("renew")
        self.renewed.append(dict(open_requests))
        return self.gateways

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.fault:
            raise self.fault


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
async def limiter(counts: Counts, clock: ManualClock) -> SharedLimiter:
    limiter = SharedLimiter(counts, clock)
    await limiter.beat()
    return limiter


async def test_what_is_said_is_what_all_gateways_have_left(
    limiter: SharedLimiter, counts: Counts
) -> None:
    hundred = of_key(requests_per_minute=100)
    assert (await limiter.admit("a", hundred, 10)).remaining_requests == 50
    await limiter.leave("a", 4)
    await limiter.leave("a", 4)
    assert counts.left == [("a", -6)]
    counts.admits = False
    assert (await refusal(limiter, hundred)).retry_after == 7.0
    await limiter.leave("refused", None)
    assert counts.left == [("a", -6)]


async def test_without_limits_nobody_is_asked(limiter: SharedLimiter, counts: Counts) -> None:
    await limiter.admit("a", of_key(), 10)
    await limiter.leave("a", 4)
    assert counts.asked == ["renew"]


async def test_away_it_is_a_share_of_the_limit_and_nobody_waits_twice(
    limiter: SharedLimiter,
    counts: Counts,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    thirty = of_key(requests_per_minute=30)
    counts.asked.clear()
    counts.fault = SharingUnavailable("away")
    left = [(await limiter.admit(f"r{i}", thirty, 0)).remaining_requests for i in range(10)]
    assert left == list(range(9, -1, -1))
    assert "may make 10 requests per minute" in str(await refusal(limiter, thirty))
    assert counts.asked == ["admit"]  # the first one only
    assert not limiter.is_shared

    for _ in range(4):  # each look asks once
        clock.advance(0.5)
        await limiter.beat()
    assert counts.asked == ["admit", "renew", "renew", "renew", "renew"]

    caplog.set_level(logging.INFO)
    counts.fault = None
    await limiter.beat()
    assert limiter.is_shared
    assert (await limiter.admit("back", thirty, 0)).limit_requests == 100
    assert [record.message for record in caplog.records] == [
        "limits can't be counted together, each gateway has its share of 1/3: away",
        "limits are counted together again, by 3 gateways",
    ]


async def test_what_was_let_in_before_counts_against_the_share(
    limiter: SharedLimiter, counts: Counts, clock: ManualClock
) -> None:
    thirty = of_key(requests_per_minute=30)
    for i in range(25):  # more than a share: this gateway had most of the traffic
        await limiter.admit(f"r{i}", thirty, 0)
    counts.fault = SharingUnavailable("away")
    assert (await refusal(limiter, thirty)).retry_after == 6.0  # not 25 - 10 more
    clock.advance(6)
    await limiter.admit("next", thirty, 0)


async def test_what_was_let_in_alone_is_counted_with_the_others_later(
    limiter: SharedLimiter, counts: Counts, clock: ManualClock
) -> None:
    limits = of_key(requests_per_minute=180, tokens_per_minute=18_000)  # a share: 60 and 6,000
    await limiter.admit("before", limits, 1000)
    counts.fault = SharingUnavailable("away")
    for number in range(30):
        await limiter.admit(f"r{number}", limits, 100)
    await limiter.leave("r0", 50)
    await limiter.leave("before", 500)  # what is put back, too
    clock.advance(5)  # five of them are back
    counts.fault = None
    await limiter.beat()
    assert counts.charged == [(KEY, 25, 2450)]
    assert counts.left == [("before", -500)]
    clock.advance(BEAT_S)
    await limiter.beat()
    assert len(counts.charged) == 1


async def test_after_a_long_time_away_no_more_than_a_share_is_owed(
    limiter: SharedLimiter, counts: Counts, clock: ManualClock
) -> None:
    limits = of_key(requests_per_minute=180)
    counts.fault = SharingUnavailable("away")
    for number in range(600):  # ten minutes, all that the share allows
        await limiter.admit(f"r{number}", limits, 100)
        await limiter.leave(f"r{number}", 100)
        clock.advance(1)
    counts.fault = None
    await limiter.beat()
    [(subject, requests, _)] = counts.charged
    assert subject == KEY
    assert requests <= 60


async def test_everybody_has_at_least_one(limiter: SharedLimiter, counts: Counts) -> None:
    counts.fault = SharingUnavailable("away")
    one = of_key(requests_per_minute=2, tokens_per_minute=1, concurrent=1)
    await limiter.admit("a", one, 1)
    assert (await refusal(limiter, one)).standing.limit_requests == 1


async def test_an_answer_that_came_late_because_of_us_is_no_fault_of_the_server(
    limiter: SharedLimiter, counts: Counts
) -> None:
    counts.fault = SharingUnavailable("late", at_fault=False)
    await limiter.admit("a", of_key(requests_per_minute=30), 0)
    counts.fault = None
    assert limiter.is_shared
    await limiter.leave("a", None)
    assert counts.left == [("a", 0)]


async def test_open_requests_are_renewed_also_those_let_in_meanwhile(
    limiter: SharedLimiter, counts: Counts, clock: ManualClock
) -> None:
    bounded = (
        Allowance(KEY, Limits(concurrent=9)),
        Allowance(ANN, Limits(requests_per_minute=50)),
    )
    await limiter.admit("shared", bounded, 0)
    counts.fault = SharingUnavailable("away")
    await limiter.leave("unknown", None)
    await limiter.beat()  # not due
    clock.advance(BEAT_S)
    await limiter.beat()
    await limiter.admit("own", bounded, 7)
    counts.fault = None
    await limiter.beat()
    assert counts.renewed[-1] == {KEY: ["shared", "own"]}
    await limiter.leave("own", 3)
    assert counts.left == [("own", -4)]
    clock.advance(BEAT_S)
    await limiter.beat()
    assert counts.renewed[-1] == {KEY: ["shared"]}


async def test_what_ends_while_it_is_renewed_stays_ended(clock: ManualClock) -> None:
    class Slow(Counts):
        async def renew(self, open_requests: Mapping[Subject, Sequence[str]]) -> int:
            if open_requests:
                await limiter.leave("a", None)
            return await super().renew(open_requests)

    counts = Slow()
    limiter = SharedLimiter(counts, clock)
    await limiter.beat()
    await limiter.admit("a", of_key(concurrent=1), 5)
    clock.advance(BEAT_S)
    await limiter.beat()
    assert counts.asked[-3:] == ["leave", "renew", "leave"]
    assert counts.left == [("a", 0), ("a", 0)]


async def test_an_end_that_nobody_heard_is_said_again_until_somebody_does(
    limiter: SharedLimiter, counts: Counts
) -> None:
    limits = of_key(tokens_per_minute=1000)
    for name in ("a", "b"):
        await limiter.admit(name, limits, 50_000)
    counts.fault = SharingUnavailable("away")
    await limiter.leave("a", 40)  # finds out
    await limiter.leave("b", 50_000)  # while it is known
    counts.left.clear()
    await limiter.beat()
    counts.fault = None
    await limiter.beat()
    # Of `a` it may have been heard what came back: nobody has it twice. A minute's were counted.
    assert sorted(counts.left) == [("a", 0), ("b", 49_000)]
    await limiter.beat()
    assert len(counts.left) == 2


async def test_each_of_several_limits_is_told_what_it_was_short_of(
    limiter: SharedLimiter, counts: Counts
) -> None:
    both = (
        Allowance(KEY, Limits(tokens_per_minute=100)),
        Allowance(ANN, Limits(tokens_per_minute=500)),
    )
    await limiter.admit("a", both, 300)
    await limiter.leave("a", None)
    assert counts.left == [("a", 200), ("a", 0)]


async def test_who_goes_while_they_are_let_in_leaves_nothing_behind(clock: ManualClock) -> None:
    asked, answers = asyncio.Event(), asyncio.Event()

    class Slow(Counts):
        async def admit(
            self, request_id: str, allowances: Sequence[Allowance], tokens: int
        ) -> tuple[bool, Sequence[Tally]]:
            asked.set()
            await answers.wait()
            return await super().admit(request_id, allowances, tokens)

        async def leave(self, request_id: str, allowances: Sequence[Allowance], more: int) -> None:
            await super().leave(request_id, allowances, more)
            left.set()

    counts, left = Slow(), asyncio.Event()
    limiter = SharedLimiter(counts, clock)
    await limiter.beat()
    asking = asyncio.create_task(limiter.admit("a", of_key(tokens_per_minute=1000), 300))
    await asked.wait()
    asking.cancel()
    answers.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await left.wait()
    assert counts.left == [("a", -300)]


async def test_after_a_time_away_the_others_are_taken_to_be_there(
    limiter: SharedLimiter, counts: Counts, clock: ManualClock
) -> None:
    counts.fault = SharingUnavailable("away")
    clock.advance(BEAT_S)
    await limiter.beat()
    counts.fault, counts.gateways = None, 1  # the first that is back
    await limiter.beat()
    assert limiter.gateways == 3
    clock.advance(BEAT_S)
    await limiter.beat()
    assert limiter.gateways == 1
