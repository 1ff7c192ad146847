"""How budgets stood when they were last seen: enough to decide by, without asking the books. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from pointsman.types import Balance, Budget, Period, Subject

_Purse: TypeAlias = tuple[Subject, Period]


class Budgeting:
    """Remembers the last known balance of each budget.

    What it says may be old, so it only helps to choose: `Ledger.reserve` decides what is spent, and
    says anew how the budgets stand.
    """

    def __init__(self) -> None:
        """Nothing is known: every budget is taken to be full."""
        self._balances: dict[_Purse, Balance] = {}
        #: When the first of the windows ends.
        self._first_end: datetime | None = None

    def __len__(self) -> int:
        """Balances that are remembered."""
        return len(self._balances)

    def note(self, balances: Sequence[Balance]) -> None:
        """Remember how they stand: the last word counts."""
        for balance in balances:
            self._balances[balance.budget.subject, balance.budget.period] = balance
            self._first_end = min(self._first_end or balance.until, balance.until)

    def left(self, budgets: Sequence[Budget], now: datetime) -> Decimal | None:
        """US dollars that may be reserved, as far as is known; None where there is no budget."""
        self._forget(now)
        return min((self._left(budget, now) for budget in budgets), default=None)

    def _left(self, budget: Budget, now: datetime) -> Decimal:
        known = self._balances.get((budget.subject, budget.period))
        if known is None or known.until <= now:
            return budget.limit
        return budget.limit - known.spent - known.reserved

    def _forget(self, now: datetime) -> None:
        """Windows that have ended."""
        if self._first_end is None or now < self._first_end:
            return
        self._balances = {
            purse: balance for purse, balance in self._balances.items() if balance.until > now
        }
        ends = (balance.until for balance in self._balances.values())
        self._first_end = min(ends, default=None)
