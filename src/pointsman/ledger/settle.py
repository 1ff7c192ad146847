"""The life of an entry: reserved before the call, settled once when it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from pointsman.errors import LedgerUnavailable
from pointsman.ledger.pricing import Pricer
from pointsman.ports import Clock, Ledger, Observer
from pointsman.types import (
    NOT_LOOKED_UP,
    UNSCORED,
    Attempt,
    Call,
    Decision,
    Deployment,
    Entry,
    Lookup,
    Outcome,
    Settlement,
    Usage,
)


class Record:
    """The open entry of one request."""

    def __init__(
        self,
        recorder: Recorder,
        entry: Entry,
        started: float,
        attempts: list[Attempt],
        *,
        reserved: bool,
    ) -> None:
        """`started` in monotonic seconds; `reserved`: the entry is in the books already."""
        self._reserved = reserved
        self._settled: Settlement | None = None
        self._recorder = recorder
        self._entry = entry
        self._started = started
        #: Filled as the plan is walked.
        self.attempts = attempts

    def elapsed_ms(self) -> float:
        """Milliseconds since the request was admitted."""
        return (self._recorder.clock.monotonic() - self._started) * 1000

    async def settle(
        self,
        outcome: Outcome,
        *,
        deployment: Deployment | None = None,
        usage: Usage | None = None,
        reason: str = "",
        ttft_ms: float | None = None,
        error: str | None = None,
        given: bool = False,
    ) -> Settlement:
        """Close the entry, once: as it was closed first. When this returns it is durable.

        A ledger that can't be written now does not take an answer away that was paid for: the
        entry stays open, the fault is reported, and the next start settles it as interrupted.
        A reply that was `given` was made for another request, whose books have its cost.
        """
        if self._settled is not None:
            return self._settled
        pricer, at = self._recorder.pricer, self._entry.time
        attempts = tuple(_priced(attempt, pricer, at) for attempt in self.attempts)
        costs = [attempt.cost for attempt in attempts if attempt.usage is not None]
        baseline_cost = None
        if deployment is not None and usage is not None:
            costs.append(Decimal(0) if given else pricer.cost(deployment.id, usage, at))
            if self._entry.decision.scored.scorer != UNSCORED:  # no chat model embeds or draws
                baseline_cost = pricer.baseline_cost(usage, at)
        settlement = self._settled = Settlement(
            outcome=outcome,
            attempts=attempts,
            served_tier=deployment.tier if deployment else None,
            deployment=deployment.id if deployment else None,
            reason=reason or self._entry.decision.reasoning,
            usage=usage,
            cost=_total(costs),
            baseline_cost=baseline_cost,
            latency_ms=self.elapsed_ms(),
            ttft_ms=ttft_ms,
            error=error,
        )
        await self._recorder.close(self._entry, settlement, reserved=self._reserved)
        return settlement


def _priced(attempt: Attempt, pricer: Pricer, at: datetime) -> Attempt:
    """With what it cost, where it used something that is not the answer's."""
    if attempt.usage is None:
        return attempt
    return replace(attempt, cost=pricer.cost(attempt.deployment, attempt.usage, at))


def _total(costs: Sequence[Decimal | None]) -> Decimal | None:
    """The sum; None where there is nothing to add or a price is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None


class Recorder:
    """Opens entries and closes them."""

    def __init__(self, ledger: Ledger, pricer: Pricer, clock: Clock, observer: Observer) -> None:
        """The observer is told of every settled entry."""
        self._ledger = ledger
        self._observer = observer
        self.pricer = pricer
        self.clock = clock

    async def open(
        self,
        call: Call,
        decision: Decision,
        attempts: Sequence[Attempt] = (),
        *,
        lookup: Lookup = NOT_LOOKED_UP,
        reserve: bool = True,
    ) -> Record:
        """Reserve the entry. Raises LedgerUnavailable: then nothing more may be spent.

        `attempts` are calls that deciding took: the judge's. `lookup` is what the cache said.
        Without `reserve` the entry is written when it is settled: for what is answered at once, and
        costs nothing.
        """
        started = self.clock.monotonic()
        entry = Entry(
            request_id=call.request_id,
            time=call.time,
            principal=call.principal,
            model_asked=call.force_route or call.request.model,
            stream=call.request.stream,
            decision=decision,
            client_request_id=call.client_request_id,
            lookup=lookup,
        )
        record = Record(self, entry, started, list(attempts), reserved=reserve)
        if not reserve:
            return record
        try:
            await self._ledger.reserve(entry)
        except asyncio.CancelledError:
            await record.settle("client_left")
            raise
        return record

    async def close(self, entry: Entry, settlement: Settlement, *, reserved: bool = True) -> None:
        """Write the settlement and tell the observer. What was not reserved raises LedgerUnavailable."""
        if not reserved:
            await self._ledger.reserve(replace(entry, settlement=settlement))
            self._observer.settled(replace(entry, settlement=settlement))
            return
        try:
            await self._ledger.settle(entry.request_id, settlement)
        except LedgerUnavailable as error:
            self._observer.fault("record", error)
        finally:  # also where the client leaves in the middle of the write, which goes on
            self._observer.settled(replace(entry, settlement=settlement))
