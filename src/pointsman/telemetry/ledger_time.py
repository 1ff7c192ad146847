"""How long the books take."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from pointsman.ports import Ledger
from pointsman.types import Balance, Budget, Entry, Progress, Settlement

_T = TypeVar("_T")


class TimedLedger:
    """A `Ledger` in front of another."""

    def __init__(self, ledger: Ledger, tell: Callable[[str, float], None]) -> None:
        """`tell` hears each operation's name and its seconds, whatever became of it."""
        self._ledger = ledger
        self._tell = tell

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        """See `ports.Ledger`."""
        return await self._timed("reserve", self._ledger.reserve(entry, budgets))

    async def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget]
    ) -> Sequence[Balance]:
        """See `ports.Ledger`."""
        return await self._timed("hold", self._ledger.hold(entry, amount, budgets))

    async def mark(self, request_id: str, progress: Progress) -> None:
        """See `ports.Ledger`."""
        await self._timed("mark", self._ledger.mark(request_id, progress))

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`."""
        await self._timed("settle", self._ledger.settle(request_id, settlement))

    async def _timed(self, operation: str, work: Awaitable[_T]) -> _T:
        began = time.perf_counter()
        try:
            return await work
        finally:
            self._tell(operation, time.perf_counter() - began)
