"""Group commit: what waits to be written goes into one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pointsman.errors import LedgerUnavailable
from pointsman.storage.ledger_postgres_budgets import Admission
from pointsman.storage.ledger_postgres_writes import Settle, Write
from pointsman.storage.postgres_link import NotReached, Refused
from pointsman.types import Balance

logger = logging.getLogger(__name__)

#: Writes what it is given, all or nothing; raises LedgerUnavailable. Doing it twice does it once.
Commit: TypeAlias = Callable[[Sequence[Write]], Awaitable[Sequence[Admission]]]

#: What is owed for a write that was given up; `doubtful`: it may be in the books all the same.
Withdrawal: TypeAlias = Callable[[Write, bool], Settle | None]

#: Writes in one transaction, and so the longest time for which others wait for its locks.
_MOST = 200
#: Seconds between two attempts to reach a server that is not there.
_PAUSE_S = 0.05


@dataclass(slots=True, eq=False)
class _Waiting:
    """One write that somebody awaits."""

    write: Write
    done: asyncio.Future[Sequence[Balance]]
    #: It may be in the books although nobody said so.
    doubtful: bool = False

    def tell(self, result: Admission | LedgerUnavailable) -> None:
        """Wake whoever waits, unless they are gone."""
        if self.done.done():
            return
        if isinstance(result, Exception):
            self.done.set_exception(result)
        else:
            self.done.set_result(result)


class Batches:
    """One transaction at a time; while one is committed, the next gathers.

    A transaction has the balance that it changed to itself until it is on the disk: one by one, the
    requests of an organisation would queue up for the disk. What was not written, or may not have
    been, is tried again for `patience_s`. Then whoever waits is told, and what must be settled all
    the same is owed: it goes with the next batch that succeeds.
    """

    def __init__(
        self, commit: Commit, withdrawal: Withdrawal, *, patience_s: float, capacity: int
    ) -> None:
        """`capacity` is how many may wait, and how many may be owed."""
        self._commit = commit
        self._withdrawal = withdrawal
        self._patience_s = patience_s
        self._capacity = capacity
        self._waiting: deque[_Waiting] = deque()
        self._owed: dict[str, Settle] = {}
        self._running: asyncio.Task[None] | None = None
        #: When the server was first missed, by the event loop's clock; None while it answers.
        self._missed: float | None = None
        self._closed = False

    async def write(self, write: Write) -> Sequence[Balance]:
        """How its budgets stand, once it is durable. Raises BudgetExceeded and LedgerUnavailable.

        Where the caller is cancelled, it is written all the same.
        """
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        if len(self._waiting) >= self._capacity:
            raise LedgerUnavailable("the ledger can't keep up")
        waiting = _Waiting(write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake()
        return await waiting.done

    def pay(self) -> None:
        """Try again to write what is owed."""
        if self._owed:
            self._wake()

    async def close(self) -> None:
        """Try to write what waits and what is owed, once. Idempotent."""
        self._closed = True
        self.pay()
        if self._running:
            await self._running
        if self._owed:
            logger.error("%d settlements could not be written", len(self._owed))
            self._owed.clear()

    def _wake(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Until nothing waits and nothing is owed, or the server is not there."""
        try:
            reached = True
            while self._waiting or (self._owed and reached):
                owed = list(self._owed.values())[:_MOST]
                batch = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
                reached = await self._write(owed, batch)
        finally:
            self._running = None

    async def _write(self, owed: Sequence[Settle], batch: Sequence[_Waiting]) -> bool:
        """Whether the server was reached; then everybody knows how it went."""
        try:
            results = await self._commit([*owed, *(each.write for each in batch)])
        except Refused:
            await self._write_singly(owed, batch)
        except LedgerUnavailable as error:
            await self._put_off(batch, error)
            return False
        except Exception:  # whatever it is, nobody waits for ever
            logger.exception("%d writes failed", len(batch))
            self._give_up(batch, LedgerUnavailable("the ledger failed"))
            return False
        else:
            for settle in owed:
                self._owed.pop(settle.request_id, None)
            for each, result in zip(batch, results[len(owed) :], strict=True):
                each.tell(result)
        if self._missed is not None:
            logger.info("the ledger can be written again")
            self._missed = None
        return True

    async def _write_singly(self, owed: Sequence[Settle], batch: Sequence[_Waiting]) -> None:
        """One of them has values that the database can't store: it fails alone."""
        for settle in owed:
            if _is_final(await self._write_one(settle)):
                self._owed.pop(settle.request_id, None)
        for each in batch:
            result = await self._write_one(each.write)
            if isinstance(result, LedgerUnavailable) and not _is_final(result):
                each.doubtful = True
                self._give_up([each], result)
            else:
                each.tell(result)

    async def _write_one(self, write: Write) -> Admission | LedgerUnavailable:
        try:
            [result] = await self._commit([write])
        except LedgerUnavailable as error:
            if _is_final(error):
                logger.error("the ledger refused a write: %s", error)  # noqa: TRY400 - values are no one's business
            return error
        return result

    async def _put_off(self, batch: Sequence[_Waiting], error: LedgerUnavailable) -> None:
        """To the next attempt, or for good where the server has been missed for too long."""
        now = asyncio.get_running_loop().time()
        if self._missed is None:
            logger.warning("the ledger can't be written: %s", error)
            self._missed = now
        for each in batch:
            each.doubtful |= not isinstance(error, NotReached)
        if self._closed or now - self._missed >= self._patience_s:
            self._give_up(batch, error)
        else:
            self._waiting.extendleft(reversed(batch))
            await asyncio.sleep(_PAUSE_S)

    def _give_up(self, batch: Sequence[_Waiting], error: LedgerUnavailable) -> None:
        for each in batch:
            each.tell(error)
            owed = self._withdrawal(each.write, each.doubtful)
            if owed is not None and len(self._owed) < self._capacity:
                self._owed.setdefault(owed.request_id, owed)


def _is_final(result: Admission | LedgerUnavailable) -> bool:
    """Trying again would change nothing."""
    return isinstance(result, Refused) or not isinstance(result, LedgerUnavailable)
