"""Decide and reserve: what is decided may be spent, or it is decided again with what is left."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from pointsman.access.admit import Admission
from pointsman.calling import faults
from pointsman.errors import BudgetExceeded, LedgerUnavailable, budget_exceeded
from pointsman.ledger.reservation import Reservations
from pointsman.ledger.settle import Hold, Record, Recorder
from pointsman.stages.decider import Decider, Seen
from pointsman.types import Attempt, Balance, Call, Decision, Lookup, Stay


class Reserving:
    """Opens the entry of a decision that its budgets allow."""

    def __init__(
        self,
        decider: Decider,
        recorder: Recorder,
        admission: Admission,
        reservations: Reservations,
    ) -> None:
        """The admission knows the budgets; the ledger, which the recorder writes, keeps them."""
        self._decider = decider
        self._recorder = recorder
        self._admission = admission
        self._reservations = reservations

    async def open(
        self,
        call: Call,
        seen: Seen,
        trail: list[Attempt],
        *,
        lookup: Lookup,
        stay: Stay | None,
    ) -> Record:
        """The record of a request that goes where it may; `Decider.served` is to follow.

        Raises LedgerUnavailable, BudgetExceeded; what the way here took is in the books even then.

        How a budget stands is known from the last request. Where that rules something out, the books
        are asked; where others have spent it meanwhile, it is decided again.
        """
        try:
            return await self._opened(call, seen, trail, lookup=lookup, stay=stay)
        except BudgetExceeded as refused:
            if any(each.usage is not None for each in trail):
                decision = self._decided(call, seen, stay)
                record = await self._recorder.open(call, decision, trail, lookup=lookup)
                await record.settle("refused", error=faults.recorded(refused))
                with suppress(LedgerUnavailable):
                    await self._admission.refresh(call.principal)
            raise

    async def go_on(self, call: Call, record: Record, deployment: str, beside: str) -> None:
        """Hold back what one more answer of a deployment may cost, beside what was called by now.

        `beside`: see `Errand.beside`. Raises BudgetExceeded and LedgerUnavailable: then it may not
        be called.
        """
        if not record.is_bound:
            return
        amount = self._reservations.another(
            deployment, call.request, record.attempts, call.time, beside=beside
        )
        try:
            self._admission.note(await record.hold(amount))
        except BudgetExceeded as refused:
            self._admission.note(refused.balances)
            raise

    async def _opened(
        self,
        call: Call,
        seen: Seen,
        trail: list[Attempt],
        *,
        lookup: Lookup,
        stay: Stay | None,
    ) -> Record:
        decision = self._decided(call, seen, stay)
        if any(drop.gate == "budget" for drop in decision.dropped):
            balances = await self._admission.refresh(call.principal)
            decision = self._decided(call, seen, stay)
            self._check(call, decision, balances)
        try:
            return await self._open(call, decision, trail, lookup)
        except BudgetExceeded as refused:
            self._admission.note(refused.balances)
            again = self._decided(call, seen, stay)
            if not again.plan.attempts:
                raise
            if again.plan.attempts != decision.plan.attempts:
                return await self._open(call, again, trail, lookup)
            if again.verify is None:
                raise
            # The answer can be paid for, a look at it can't.
            return await self._open(call, replace(again, verify=None), trail, lookup)

    def _decided(self, call: Call, seen: Seen, stay: Stay | None) -> Decision:
        return self._decider.decide(call, seen, stay=stay, live=True)

    def _check(self, call: Call, decision: Decision, balances: Sequence[Balance]) -> None:
        """Raises BudgetExceeded where money is missing, and waiting for others would not help."""
        over = [drop.deployment for drop in decision.dropped if drop.gate == "budget"]
        waits = any(drop.gate in faults.PASSING for drop in decision.dropped)
        if decision.plan.attempts or waits or not over:
            return
        worst = (self._reservations.worst(each, call.request, call.time) for each in over)
        raise budget_exceeded(balances, min(each for each in worst if each is not None))

    async def _open(
        self, call: Call, decision: Decision, trail: list[Attempt], lookup: Lookup
    ) -> Record:
        self._decider.carry_out(call, decision)
        try:
            record = await self._recorder.open(
                call, decision, trail, lookup=lookup, hold=self._hold(call, decision, trail)
            )
        except BaseException:
            self._decider.served(call, decision, None)
            raise
        self._admission.note(record.balances)
        return record

    def _hold(self, call: Call, decision: Decision, trail: Sequence[Attempt]) -> Hold:
        budgets = self._admission.budgets(call.principal)
        if not budgets:
            return Hold()
        return Hold(self._reservations.hold(decision, call.request, trail, call.time), budgets)
