"""Requests and tokens per minute, and requests that are open at the same time.

Each subject has a bucket of requests and one of tokens. It holds what may be used in a minute and
refills steadily, as at OpenAI and Anthropic: no window begins anew, so no crowd waits for one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pointsman.access.allowances import NO_LIMITS
from pointsman.access.buckets import Bucket
from pointsman.access.standing import refusals, refused, standing
from pointsman.ports import Clock
from pointsman.types import Allowance, Level, Limits, Standing, Subject, Tally

_SECOND = 1_000_000_000
#: Subjects that are looked at with each request, to forget those that stand as if they were new:
#: more than can become known with it, so that their number falls.
_LOOKED_AT = 4


class MemoryLimiter:
    """A `RateLimiter` in this process's memory, for one event loop.

    Nothing in it waits, so no two requests are ever looked at at once.
    """

    def __init__(self, clock: Clock) -> None:
        """Knows nobody yet."""
        self._clock = clock
        #: The one whose turn it is to be looked at comes first.
        self._counts: OrderedDict[Subject, _Count] = OrderedDict()
        self._open: dict[str, _Held] = {}

    def __len__(self) -> int:
        """Subjects that are remembered."""
        return len(self._counts)

    async def admit(
        self, request_id: str, allowances: Sequence[Allowance], tokens: int
    ) -> Standing:
        """Count a request and the `tokens` that it may take against all of them, or none.

        Each request has an id of its own, and each allowance a subject of its own. Tokens that are
        more than a minute's pass where a minute's are there, and count as those until it has
        ended: what it really took is owed then. Raises RateLimited.
        """
        now, limited = self._now(), with_limits(allowances)
        counts = self._those(limited, now)
        tallies = [count.tally(tokens, now) for count in counts]
        found = [
            refusal
            for allowance, tally in zip(limited, tallies, strict=True)
            for refusal in refusals(allowance, tally, tokens)
        ]
        if found:
            raise refused(found, tallies)
        self._begin(request_id, counts, tokens, now)
        return standing([count.tally(0, now) for count in counts])

    def count(self, request_id: str, allowances: Sequence[Allowance], tokens: int) -> None:
        """Count a request that somebody else has admitted; what is not there is not owed."""
        now = self._now()
        counts = self._those(with_limits(allowances), now)
        self._begin(request_id, counts, tokens, now)
        for each in counts:
            each.forgive(now)

    async def leave(self, request_id: str, tokens: int | None) -> None:
        """It has ended and took so many `tokens`; None: as many as were counted. Idempotent."""
        held = self._open.pop(request_id, None)
        if held is None:
            return
        took, now = held.tokens if tokens is None else tokens, self._now()
        for count, reserved in held.counts:
            count.end(took - reserved, now)

    def _those(self, limited: Sequence[Allowance], now: int) -> list[_Count]:
        self._forget(now)
        return [self._count(allowance, now) for allowance in limited]

    def _begin(self, request_id: str, counts: Sequence[_Count], tokens: int, now: int) -> None:
        if counts:
            reserved = [(count, count.begin(tokens, now)) for count in counts]
            self._open[request_id] = _Held(reserved, tokens)

    def _count(self, allowance: Allowance, now: int) -> _Count:
        count = self._counts.get(allowance.subject)
        if count is None:
            count = self._counts[allowance.subject] = _Count()
        count.follow(allowance.limits, now)
        return count

    def _forget(self, now: int) -> None:
        for _ in range(min(_LOOKED_AT, len(self._counts))):
            subject, count = next(iter(self._counts.items()))
            if count.is_idle(now):
                del self._counts[subject]
            else:
                self._counts.move_to_end(subject)

    def _now(self) -> int:
        return round(self._clock.monotonic() * _SECOND)


@dataclass(slots=True)
class _Count:
    """What one subject has used."""

    requests: Bucket | None = None
    tokens: Bucket | None = None
    open: int = 0

    def follow(self, limits: Limits, now: int) -> None:
        """Take over the limits, which may be others than before."""
        self.requests = _sized(self.requests, limits.requests_per_minute, now)
        self.tokens = _sized(self.tokens, limits.tokens_per_minute, now)

    def tally(self, tokens: int, now: int) -> Tally:
        """How it stands before a request of so many tokens."""
        return Tally(_level(self.requests, 1, now), _level(self.tokens, tokens, now), self.open)

    def begin(self, tokens: int, now: int) -> int:
        """Count a request; how many of the tokens count until it has ended."""
        self.open += 1
        if self.requests is not None:
            self.requests.take(1, now)
        if self.tokens is None:
            return tokens
        reserved = min(tokens, self.tokens.per_minute)
        self.tokens.take(reserved, now)
        return reserved

    def end(self, more: int, now: int) -> None:
        """It has ended, and took so many tokens `more` than were counted."""
        self.open -= 1
        if self.tokens is not None:
            self.tokens.take(more, now)

    def forgive(self, now: int) -> None:
        """Nothing is owed."""
        for bucket in (self.requests, self.tokens):
            if bucket is not None:
                bucket.take(min(0, bucket.left(now)), now)

    def is_idle(self, now: int) -> bool:
        """Whether it stands as somebody who was never here."""
        buckets = (self.requests, self.tokens)
        return not self.open and not any(each and each.until_full(now) for each in buckets)


class _Held(msgspec.Struct, frozen=True):
    """What an open request is counted in."""

    #: With the tokens that count in each until it has ended.
    counts: Sequence[tuple[_Count, int]]
    #: Those that it may take.
    tokens: int


def with_limits(allowances: Sequence[Allowance]) -> list[Allowance]:
    """Those of them that say anything."""
    return [allowance for allowance in allowances if allowance.limits != NO_LIMITS]


def _sized(bucket: Bucket | None, per_minute: int | None, now: int) -> Bucket | None:
    if per_minute is None:
        return None
    if bucket is None:
        return Bucket(per_minute, now)
    if bucket.per_minute != per_minute:
        bucket.resize(per_minute, now)
    return bucket


def _level(bucket: Bucket | None, amount: int, now: int) -> Level | None:
    if bucket is None:
        return None
    wait, full = bucket.wait(amount, now), bucket.until_full(now)
    return Level(bucket.per_minute, bucket.left(now), wait / _SECOND, full / _SECOND)
