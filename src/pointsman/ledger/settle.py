"""The life of an entry: reserved before the call, settled once when it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from pointsman.errors import LedgerUnavailable
from pointsman.formats.one_line import one_line
from pointsman.ledger.pricing import Pricer
from pointsman.ports import Clock, Ledger, Observer
from pointsman.types import (
    NOT_LOOKED_UP,
    UNSCORED,
    Attempt,
    Balance,
    Budget,
    Call,
    Decision,
    Deployment,
    Entry,
    Lookup,
    Outcome,
    Progress,
    RowAnswer,
    RowPlace,
    Settlement,
    Usage,
)


class Hold(msgspec.Struct, frozen=True):
    """What is held back of which budgets while a request is open."""

    #: US dollars.
    amount: Decimal = Decimal(0)
    budgets: tuple[Budget, ...] = ()


NOTHING_HELD = Hold()
#: HTTP's status and the whole body of a reply.
Said: TypeAlias = tuple[int, bytes]
#: Settlements that are kept to be tried again: about 20 MB.
MOST_OWED = 10_000


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
        budgets: Sequence[Budget] = (),
        row: RowPlace | None = None,
    ) -> None:
        """`started` in monotonic seconds; `reserved`: the entry is in the books already.

        What it may cost is held back from the `budgets`.
        """
        self._reserved = reserved
        self._budgets = budgets
        self._row = row
        self._settled: Settlement | None = None
        self._recorder = recorder
        self._entry = entry
        self._started = started
        #: Filled as the plan is walked.
        self.attempts = attempts
        #: How the budgets stood when it was reserved.
        self.balances: Sequence[Balance] = ()

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self._entry.decision

    @property
    def is_settled(self) -> bool:
        """It has ended."""
        return self._settled is not None

    def elapsed_ms(self) -> float:
        """Milliseconds since the request was admitted."""
        return (self._recorder.clock.monotonic() - self._started) * 1000

    @property
    def is_bound(self) -> bool:
        """Whether budgets have to suffice for it."""
        return bool(self._budgets)

    async def hold(self, amount: Decimal) -> Sequence[Balance]:
        """Hold so many US dollars back for it in all; nothing happens where that is no more.

        Returns how its budgets stand, where something did. Raises BudgetExceeded,
        LedgerUnavailable: then no more may be spent on it.
        """
        if not self.is_bound or amount <= self._entry.reserved:
            return ()
        stand = await self._recorder.hold(self._entry, amount, self._budgets)
        self._entry = replace(self._entry, reserved=amount)
        return stand

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
        said: Said | None = None,
    ) -> Settlement:
        """Close the entry, once: as it was closed first. When this returns it is durable.

        What the client of a batch's row is `said` is written with it, all or nothing.

        A ledger that can't be written now does not take an answer away that was paid for: the
        entry stays open, the fault is reported, and `Recorder.pay` tries it again.
        A reply that was `given` was made for another request, whose books have its cost.
        """
        if self._settled is not None:
            return self._settled
        pricer, at = self._recorder.pricer, self._entry.time
        baseline_cost = None
        if usage is not None and deployment is not None:
            if self._entry.decision.scored.scorer != UNSCORED:  # no chat model embeds or draws
                baseline_cost = pricer.baseline_cost(usage, at)
        elif deployment is not None and pricer.goes_by_time(deployment.id):
            usage = Usage()  # of a refusal, of a picture: it took its time
        own = None if usage is None or given else _last_answer(self.attempts)
        attempts = tuple(each if each is own else pricer.priced(each, at) for each in self.attempts)
        costs = _costs(attempts)
        overhead = _total(costs) if costs else Decimal(0)
        if deployment is not None and usage is not None:
            seconds = None if own is None else own.occupied_s
            costs.append(Decimal(0) if given else pricer.cost(deployment.id, usage, at, seconds))
        elif given:
            costs.append(Decimal(0))
        settlement = self._settled = Settlement(
            outcome=outcome,
            attempts=attempts,
            served_tier=deployment.tier if deployment else None,
            deployment=deployment.id if deployment else None,
            reason=reason or self._entry.decision.reasoning,
            usage=_in_all(usage, attempts),
            cost=_total(costs),
            overhead=overhead if costs else None,
            baseline_cost=baseline_cost,
            latency_ms=self.elapsed_ms(),
            ttft_ms=ttft_ms,
            error=error,
            answer=self._answer(said),
        )
        await self._recorder.close(self._entry, settlement, reserved=self._reserved)
        return settlement

    def _answer(self, said: Said | None) -> RowAnswer | None:
        """What is kept of it."""
        if self._row is None or said is None:
            return None
        status, body = said
        return self._row.answer(status, one_line(body))

    async def mark(self, deployment: Deployment, usage: Usage, *, since: float) -> bool:
        """Write down how far its stream has come, for the case that the gateway dies.

        `since` is when its attempt was sent, in monotonic seconds. Returns whether the ledger took
        it, or needs it no more.
        """
        if self._settled is not None:
            return True
        pricer, at = self._recorder.pricer, self._entry.time
        costs = _costs(pricer.priced(attempt, at) for attempt in self.attempts)
        overhead = _total(costs) if costs else Decimal(0)
        seconds = self._recorder.clock.monotonic() - since
        cost = _total([*costs, pricer.cost(deployment.id, usage, at, seconds)])
        progress = Progress(deployment.id, deployment.tier, usage, cost, overhead)
        return await self._recorder.mark(self._entry.request_id, progress)


def _in_all(usage: Usage | None, attempts: Sequence[Attempt]) -> Usage | None:
    """The answer's, marked where any figure behind the cost is an estimate.

    Where there was no answer and something was used all the same, it is of no tokens: that there is
    a cost, known or not, must be seen.
    """
    others = [each.usage for each in attempts if each.usage is not None]
    if not others:
        return usage
    own = usage or Usage()
    return replace(own, estimated=own.estimated or any(each.estimated for each in others))


def _costs(attempts: Iterable[Attempt]) -> list[Decimal | None]:
    """Of those that used something."""
    return [attempt.cost for attempt in attempts if attempt.usage is not None]


def _last_answer(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt that answered: the entry has its usage and its cost. None where there was none."""
    return next((each for each in reversed(attempts) if each.purpose == "answer"), None)


def _total(costs: Sequence[Decimal | None]) -> Decimal | None:
    """The sum; None where there is nothing to add or a price is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None


class Recorder:
    """Opens entries and closes them."""

    def __init__(
        self,
        ledger: Ledger,
        pricer: Pricer,
        clock: Clock,
        observer: Observer,
        ended: Callable[[Entry], Awaitable[None]],
        *,
        most_owed: int = MOST_OWED,
    ) -> None:
        """The observer is told of every settled entry; before that, `ended` is awaited.

        `most_owed` settlements that could not be written are kept for `pay`; what comes on top
        stays open until the next start, which settles it as interrupted.
        """
        self._ledger = ledger
        self._most_owed = most_owed
        self._owed: dict[str, Settlement] = {}
        self._ended = ended
        self._observer = observer
        self.pricer = pricer
        self.clock = clock

    async def open(
        self,
        call: Call,
        decision: Decision,
        attempts: list[Attempt] | None = None,
        *,
        lookup: Lookup = NOT_LOOKED_UP,
        hold: Hold = NOTHING_HELD,
        reserve: bool = True,
    ) -> Record:
        """Reserve the entry, and hold back what it may cost.

        Raises LedgerUnavailable and BudgetExceeded: then nothing more may be spent.

        `attempts` are calls that deciding took: the judge's. What the record has taken over is in
        that list no more. `lookup` is what the cache said.
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
            reserved=hold.amount,
        )
        trail = [] if attempts is None else attempts
        record = Record(
            self,
            entry,
            started,
            list(trail),
            reserved=reserve,
            budgets=hold.budgets,
            row=call.row,
        )
        try:
            if reserve:
                record.balances = await self._ledger.reserve(entry, hold.budgets)
        except asyncio.CancelledError:
            trail.clear()
            await record.settle("client_left")
            raise
        trail.clear()
        return record

    async def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget]
    ) -> Sequence[Balance]:
        """See `ports.Ledger.hold`."""
        return await self._ledger.hold(entry, amount, budgets)

    async def close(self, entry: Entry, settlement: Settlement, *, reserved: bool = True) -> None:
        """Write the settlement and tell the observer. What was not reserved raises LedgerUnavailable."""
        if not reserved:
            await self._ledger.reserve(replace(entry, settlement=settlement))
            await self._tell(replace(entry, settlement=settlement))
            return
        try:
            await self._ledger.settle(entry.request_id, settlement)
        except LedgerUnavailable as error:
            self._observer.fault("record", error)
            if len(self._owed) < self._most_owed:
                self._owed[entry.request_id] = settlement
        finally:  # also where the client leaves in the middle of the write, which goes on
            await self._tell(replace(entry, settlement=settlement))

    @property
    def owes(self) -> int:
        """How many settlements could not be written yet."""
        return len(self._owed)

    async def pay(self) -> None:
        """Write the settlements that could not be written. Raises LedgerUnavailable.

        The first that can't be written now, either, is the last to be tried the next time.
        """
        for request_id in tuple(self._owed):
            settlement = self._owed.pop(request_id)
            try:
                await self._ledger.settle(request_id, settlement)
            except BaseException:
                self._owed[request_id] = settlement
                raise

    async def mark(self, request_id: str, progress: Progress) -> bool:
        """Write how far a stream has come; whether the ledger could. That is no fault of its."""
        try:
            await self._ledger.mark(request_id, progress)
        except LedgerUnavailable as error:
            self._observer.fault("mark", error)
            return False
        return True

    async def _tell(self, entry: Entry) -> None:
        try:
            await self._ended(entry)
        finally:
            self._observer.settled(entry)
