"""Limits that hold for all gateways together, and for each by itself while nobody can be asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from pointsman.access.buckets import Bucket
from pointsman.access.limits import MemoryLimiter, with_limits
from pointsman.access.standing import refusals, refused, standing
from pointsman.errors import SharingUnavailable
from pointsman.ports import Clock, SharedCounts
from pointsman.types import UNLIMITED, Allowance, Limits, Standing, Subject, Tally

#: Seconds between two signs of life; an open request ends by itself where several are missed.
BEAT_S = 3.0
_SECOND = 1_000_000_000
#: Subjects of which it is remembered what they used while nobody could be asked.
_MOST_UNSAID = 10_000
#: Requests of which it is remembered that they ended while nobody could be told.
_MOST_UNLEFT = 10_000
#: What is caught up with at once.
_TOGETHER = 32

_log = logging.getLogger("pointsman.access")

_K = TypeVar("_K")
_V = TypeVar("_V")
_Admitted: TypeAlias = tuple[bool, Sequence[Tally]]


class SharedLimiter:
    """A `RateLimiter` over counts that all gateways share.

    What it lets in it also counts in memory, against this gateway's share: the limit divided by the
    gateways that lived when last seen. That share is what holds from the first answer that fails to
    come until a `beat` has one again, so no request waits twice for a server that is away. What was
    let in meanwhile is counted with the others' then.
    """

    def __init__(self, counts: SharedCounts, clock: Clock) -> None:
        """Counts by itself until the first `beat`."""
        self._counts = counts
        self._clock = clock
        self._own = MemoryLimiter(clock)
        self._unsaid: dict[Subject, _Unsaid] = {}
        self._open: dict[str, _Held] = {}
        self._unleft: dict[str, _Held] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._next_beat = 0.0
        self._alone = True
        #: It was said that nobody answers.
        self._told = False
        #: How many gateways there were when last seen.
        self.gateways = 1

    @property
    def is_shared(self) -> bool:
        """Whether all gateways count together now."""
        return not self._alone

    async def admit(
        self, request_id: str, allowances: Sequence[Allowance], tokens: int
    ) -> Standing:
        """See `ports.RateLimiter`."""
        limited = with_limits(allowances)
        if not limited:
            return UNLIMITED
        if not self._alone:
            try:
                return await self._admit_shared(request_id, limited, tokens)
            except SharingUnavailable as error:
                self._missed(error)
        shares = self._shares(limited)
        stands = await self._own.admit(request_id, shares, tokens)
        self._open[request_id] = held = _Held(limited, tokens, alone=True)
        self._use_unsaid(held.reserved, 1)
        return stands

    async def leave(self, request_id: str, tokens: int | None) -> None:
        """See `ports.RateLimiter`."""
        held = self._open.pop(request_id, None)
        if held is None:
            return
        await self._own.leave(request_id, tokens)
        ended = held if tokens is None else replace(held, took=tokens)
        if not self._alone:
            try:
                await self._say_left(request_id, ended)
            except SharingUnavailable as error:
                self._missed(error)
        elif held.alone:
            self._use_unsaid(ended.more, 0)
        else:
            self._keep_unleft(request_id, ended)

    async def beat(self) -> None:
        """Give a sign of life for this gateway and its open requests; to be called twice a second.

        While nobody answers, it is what asks again.
        """
        now = self._clock.monotonic()
        if not self._alone and now < self._next_beat:
            return
        renewed: dict[Subject, list[str]] = {}
        for request_id, held in self._open.items():
            for subject in held.bounded:
                renewed.setdefault(subject, []).append(request_id)
        before = dict(self._open)
        try:
            seen = max(1, await self._counts.renew(renewed))
            # After a time away the others may not be back yet.
            self.gateways = max(seen, self.gateways) if self._alone else seen
            self._found(now)
            await self._catch_up(before)
        except SharingUnavailable as error:
            self._missed(error)

    async def _admit_shared(
        self, request_id: str, limited: Sequence[Allowance], tokens: int
    ) -> Standing:
        asking = asyncio.ensure_future(self._counts.admit(request_id, limited, tokens))
        try:
            admitted, tallies = await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(
                partial(self._nobody_waits, request_id, _Held(limited, tokens))
            )
            raise
        if not admitted:
            found = [
                refusal
                for allowance, tally in zip(limited, tallies, strict=True)
                for refusal in refusals(allowance, tally, tokens)
            ]
            raise refused(found, tallies)
        self._own.count(request_id, self._shares(limited), tokens)
        self._open[request_id] = _Held(limited, tokens)
        return standing(tallies)

    def _nobody_waits(
        self, request_id: str, held: _Held, asking: asyncio.Future[_Admitted]
    ) -> None:
        """Who asked has gone meanwhile: what was counted is to be given back."""
        if asking.cancelled() or asking.exception() is not None or not asking.result()[0]:
            return
        self._open[request_id] = held
        leaving = asyncio.ensure_future(self.leave(request_id, 0))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def _use_unsaid(self, amounts: Iterable[tuple[Allowance, int]], requests: int) -> None:
        """So many requests, and with each of the allowances so many tokens."""
        now = self._now()
        for each, tokens in amounts:
            used = self._unsaid.get(each.subject)
            if used is None:
                share = _share(each.limits, self.gateways)
                used = self._unsaid[each.subject] = _Unsaid(
                    each,
                    Bucket(share.requests_per_minute or 1, now),
                    Bucket(share.tokens_per_minute or 1, now),
                )
            used.requests.take(requests, now)
            used.tokens.take(tokens, now)
        while len(self._unsaid) > _MOST_UNSAID:
            del self._unsaid[next(iter(self._unsaid))]

    async def _catch_up(self, before: Mapping[str, _Held]) -> None:
        """With what ended while it was renewed or nobody could be told, and was let in alone."""
        ended = [*(before.keys() - self._open.keys() - self._unleft.keys())]
        await _all(self._counts.leave(each, before[each].allowances, 0) for each in ended)
        await _all(self._say_left(*each) for each in _emptied(self._unleft))
        await _all(self._say(*each) for each in _emptied(self._unsaid))

    async def _say_left(self, request_id: str, ended: _Held) -> None:
        """It is said later where it can't be said now. Raises SharingUnavailable."""
        try:
            for more, those in ended.by_more.items():
                await self._counts.leave(request_id, those, more)
        except (SharingUnavailable, asyncio.CancelledError):
            self._keep_unleft(request_id, replace(ended, told=True))
            raise

    def _keep_unleft(self, request_id: str, ended: _Held) -> None:
        self._unleft[request_id] = ended
        while len(self._unleft) > _MOST_UNLEFT:
            del self._unleft[next(iter(self._unleft))]

    async def _say(self, subject: Subject, used: _Unsaid) -> None:
        """Likewise."""
        now = self._now()
        requests, tokens = (
            bucket.per_minute - bucket.left(now) for bucket in (used.requests, used.tokens)
        )
        if requests or tokens:
            try:
                await self._counts.charge(used.allowance, requests, tokens)
            except SharingUnavailable:
                self._unsaid.setdefault(subject, used)
                raise

    def _now(self) -> int:
        return round(self._clock.monotonic() * _SECOND)

    def _missed(self, error: SharingUnavailable) -> None:
        """This one is counted here; where the server is at fault, all are until it is back."""
        if not error.at_fault:
            return
        self._alone = True
        if not self._told:
            self._told = True
            _log.warning(
                "limits can't be counted together, each gateway has its share of 1/%d: %s",
                self.gateways,
                error,
            )

    def _found(self, now: float) -> None:
        """All count together from now on."""
        self._next_beat = now + BEAT_S
        if self._told:
            _log.info("limits are counted together again, by %d gateways", self.gateways)
        self._alone = self._told = False

    def _shares(self, allowances: Sequence[Allowance]) -> list[Allowance]:
        return [replace(each, limits=_share(each.limits, self.gateways)) for each in allowances]


class _Held(msgspec.Struct, frozen=True):
    """A request, open or just ended."""

    allowances: Sequence[Allowance]
    #: Those that it may take.
    tokens: int
    #: Those that it took; None: as many.
    took: int | None = None
    #: This gateway let it in by itself.
    alone: bool = False
    #: What it took more or less was said, and may have been heard: once more would count it twice.
    told: bool = False

    @property
    def reserved(self) -> list[tuple[Allowance, int]]:
        """The tokens that count until it has ended: a minute's at most."""
        return [(each, _at_most(each.limits, self.tokens)) for each in self.allowances]

    @property
    def more(self) -> list[tuple[Allowance, int]]:
        """The tokens that it took beyond those."""
        took = self.tokens if self.took is None else self.took
        return [(each, took - reserved) for each, reserved in self.reserved]

    @property
    def by_more(self) -> dict[int, list[Allowance]]:
        """Who is told of the same number."""
        if self.told:
            return {0: [*self.allowances]}
        found: dict[int, list[Allowance]] = {}
        for each, more in self.more:
            found.setdefault(more, []).append(each)
        return found

    @property
    def bounded(self) -> list[Subject]:
        """Who may have only so many open."""
        return [each.subject for each in self.allowances if each.limits.concurrent is not None]


class _Unsaid(msgspec.Struct, frozen=True):
    """What this gateway let in by itself, as far as it is not back yet."""

    allowance: Allowance
    requests: Bucket
    tokens: Bucket


def _emptied(kept: dict[_K, _V]) -> Iterator[tuple[_K, _V]]:
    """What is kept, none of it any more when it was taken."""
    while kept:
        yield kept.popitem()


async def _all(works: Iterator[Awaitable[None]]) -> None:
    """A few at once; none any more after one that fails. Raises what that raises."""
    while together := [*islice(works, _TOGETHER)]:
        await asyncio.gather(*together)


def _at_most(limits: Limits, tokens: int) -> int:
    per_minute = limits.tokens_per_minute
    return tokens if per_minute is None else min(tokens, per_minute)


def _share(limits: Limits, gateways: int) -> Limits:
    """At least one of what is limited."""
    return Limits(
        _part(limits.requests_per_minute, gateways),
        _part(limits.tokens_per_minute, gateways),
        _part(limits.concurrent, gateways),
    )


def _part(limit: int | None, gateways: int) -> int | None:
    return None if limit is None else max(1, limit // gateways)
