"""Requests and tokens per minute, and requests that are open at the same time.

Each subject has a bucket of requests and one of tokens. It holds what may be used in a minute and
refills steadily, as at OpenAI and Anthropic: no window begins anew, so no crowd waits for one.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from pointsman.access.allowances import NO_LIMITS
from pointsman.access.buckets import Bucket
from pointsman.errors import RateLimited
from pointsman.ports import Clock
from pointsman.types import Allowance, Limits, Standing, Subject

_SECOND = 1_000_000_000
#: Subjects that are looked at with each request, to forget those that stand as if they were new:
#: more than can become known with it, so that their number falls.
_LOOKED_AT = 4
#: Seconds: nobody knows when an open request ends, so somebody who may have no more looks again.
_LOOK_AGAIN_S = 1.0


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
        more than a minute's pass where a minute's are there; the rest is owed. Raises RateLimited.
        """
        now = self._now()
        self._forget(now)
        counts = [
            self._count(allowance, now) for allowance in allowances if allowance.limits != NO_LIMITS
        ]
        refusals = [refusal for count in counts for refusal in count.refusals(tokens, now)]
        if refusals:
            longest = max(refusals, key=lambda refusal: refusal.wait_s)
            raise RateLimited(
                longest.message, retry_after=longest.wait_s, standing=_standing(counts, now)
            )
        for count in counts:
            count.begin(tokens, now)
        if counts:
            self._open[request_id] = _Held(counts, tokens)
        return _standing(counts, now)

    async def leave(self, request_id: str, tokens: int | None) -> None:
        """It has ended and took so many `tokens`; None: as many as were counted. Idempotent."""
        held = self._open.pop(request_id, None)
        if held is None:
            return
        more = 0 if tokens is None else tokens - held.tokens
        now = self._now()
        for count in held.counts:
            count.end(more, now)

    def _count(self, allowance: Allowance, now: int) -> _Count:
        count = self._counts.get(allowance.subject)
        if count is None:
            count = self._counts[allowance.subject] = _Count(str(allowance.subject))
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


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str
    wait_s: float


@dataclass(slots=True)
class _Count:
    """What one subject has used."""

    name: str
    requests: Bucket | None = None
    tokens: Bucket | None = None
    concurrent: int | None = None
    open: int = 0

    def follow(self, limits: Limits, now: int) -> None:
        """Take over the limits, which may be others than before."""
        self.requests = _sized(self.requests, limits.requests_per_minute, now)
        self.tokens = _sized(self.tokens, limits.tokens_per_minute, now)
        self.concurrent = limits.concurrent

    def refusals(self, tokens: int, now: int) -> list[_Refusal]:
        """What speaks against one more request."""
        found = []
        if self.concurrent is not None and self.open >= self.concurrent:
            found.append(
                _Refusal(
                    f"{self.name} may have {_number(self.concurrent, 'request')} open at the same "
                    "time: the next one passes when one has ended",
                    _LOOK_AGAIN_S,
                )
            )
        if self.requests is not None and (wait := self.requests.wait(1, now)):
            wait_s = wait / _SECOND
            found.append(
                _Refusal(
                    f"{self.name} may make {_number(self.requests.per_minute, 'request')} per minute: "
                    f"the next one passes in {_seconds(wait_s)}",
                    wait_s,
                )
            )
        if self.tokens is not None and (wait := self.tokens.wait(tokens, now)):
            wait_s = wait / _SECOND
            found.append(
                _Refusal(
                    f"{self.name} may use {_number(self.tokens.per_minute, 'token')} per minute: "
                    f"this request, of up to {tokens}, passes in {_seconds(wait_s)}",
                    wait_s,
                )
            )
        return found

    def begin(self, tokens: int, now: int) -> None:
        """Count a request."""
        self.open += 1
        if self.requests is not None:
            self.requests.take(1, now)
        if self.tokens is not None:
            self.tokens.take(tokens, now)

    def end(self, more: int, now: int) -> None:
        """It has ended, and took so many tokens `more` than were counted."""
        self.open -= 1
        if self.tokens is not None:
            self.tokens.take(more, now)

    def is_idle(self, now: int) -> bool:
        """Whether it stands as somebody who was never here."""
        buckets = (self.requests, self.tokens)
        return not self.open and not any(each and each.until_full(now) for each in buckets)


@dataclass(frozen=True, slots=True)
class _Held:
    """What an open request is counted in."""

    counts: Sequence[_Count]
    tokens: int


def _sized(bucket: Bucket | None, per_minute: int | None, now: int) -> Bucket | None:
    if per_minute is None:
        return None
    if bucket is None:
        return Bucket(per_minute, now)
    if bucket.per_minute != per_minute:
        bucket.resize(per_minute, now)
    return bucket


def _standing(counts: Sequence[_Count], now: int) -> Standing:
    requests = _tightest([count.requests for count in counts], now)
    tokens = _tightest([count.tokens for count in counts], now)
    return Standing(*_figures(requests, now), *_figures(tokens, now))


def _tightest(buckets: Sequence[Bucket | None], now: int) -> Bucket | None:
    limited = [bucket for bucket in buckets if bucket is not None]
    return min(limited, key=lambda bucket: bucket.left(now), default=None)


def _figures(bucket: Bucket | None, now: int) -> tuple[int | None, int | None, float | None]:
    """Limit, what remains of it, and seconds until all of it is there again."""
    if bucket is None:
        return None, None, None
    return bucket.per_minute, max(0, bucket.left(now)), bucket.until_full(now) / _SECOND


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _seconds(wait_s: float) -> str:
    """Rounded up, so that nobody comes too early."""
    return f"{math.ceil(wait_s * 10) / 10:g} s"
