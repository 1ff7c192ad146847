"""Group commit: what waits to be written goes into one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

import msgspec

from pointsman.errors import LedgerUnavailable
from pointsman.storage.journal import Journal, Noted
from pointsman.storage.ledger_postgres_budgets import Admission, Withdrawn
from pointsman.storage.ledger_postgres_writes import Hold, Mark, Reserve, Settle, Write, weight
from pointsman.storage.postgres_link import NotReached, Refused
from pointsman.types import Balance

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Writes what it is given, all or nothing; raises LedgerUnavailable. Doing it twice does it once.
#: Given nothing, it finds out whether the server takes writes.
Commit: TypeAlias = Callable[[Sequence[Write]], Awaitable[Sequence[Admission]]]

#: What is owed for a write that was given up; `doubtful`: it may be in the books all the same.
Withdrawal: TypeAlias = Callable[[Write, bool], Settle | None]

#: Writes in one transaction, and so the longest time for which others wait for its locks.
_MOST = 200
#: Bytes after which no more writes go into it, for the same reason.
_MOST_BYTES = 4_000_000
#: Seconds between two attempts to reach a server that is not there.
_PAUSE_S = 0.05
#: The same when it has been missed for so long that nobody waits for it any more.
_PROBE_S = 0.2


class JournalState(msgspec.Struct, frozen=True):
    """What waits on this machine for the server."""

    #: The server has been missed for so long that nobody waits for it any more.
    is_away: bool
    #: Seconds since it was first missed; 0 while it answers.
    missed_s: float
    #: Requests of which something waits.
    requests: int
    #: Of what waits.
    bytes: int
    #: Requests without a budget are served meanwhile: there is a journal, with room and in time.
    takes: bool


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
    been, is tried again for `patience_s`. From then on it goes to the journal, and from there to
    the server when that is back, once and in its order. What the journal does not take is refused;
    what must be settled all the same is owed, and goes with the next batch that succeeds.
    """

    def __init__(
        self,
        commit: Commit,
        withdrawal: Withdrawal,
        *,
        patience_s: float,
        capacity: int,
        journal: Journal | None = None,
        journal_s: float = 0.0,
    ) -> None:
        """`capacity` is how many may wait, and how many may be owed.

        When the server has been missed for `journal_s`, the journal takes settlements only.
        """
        self._commit = commit
        self._withdrawal = withdrawal
        self._patience_s = patience_s
        self._capacity = capacity
        self._journal = journal
        self._journal_s = journal_s
        self._waiting: deque[_Waiting] = deque()
        self._owed: dict[str, Settle] = {}
        self._running: asyncio.Task[None] | None = None
        #: When the server was first missed, by the event loop's clock; None while it answers.
        self._missed: float | None = None
        #: The journal can't be read or written, which is no fault of the server's.
        self._stuck = False
        self._closed = False

    @property
    def journal_state(self) -> JournalState:
        """For people, and programs that watch."""
        journal = self._journal
        if journal is None:
            return JournalState(self._is_away, self._missed_s, 0, 0, takes=False)
        takes = not journal.is_full and not self._is_late
        return JournalState(self._is_away, self._missed_s, len(journal), journal.size, takes)

    async def write(self, write: Write) -> Sequence[Balance]:
        """How its budgets stand, once it is durable. Raises BudgetExceeded and LedgerUnavailable.

        Where the caller is cancelled, it is written all the same.
        """
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        if isinstance(write, Reserve) and write.request_id in self._owed:
            raise LedgerUnavailable("what became of it is not known yet", retry_after=1)
        if await self._kept(write):
            return ()
        if len(self._waiting) >= self._capacity:
            raise LedgerUnavailable("the ledger can't keep up")
        waiting = _Waiting(write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake()
        return await waiting.done

    def pay(self) -> None:
        """Try again to write what is owed, and what is in the journal."""
        self._stuck = False
        if self._owed or self._journal:
            self._wake()

    async def close(self) -> None:
        """Try to write what waits and what is owed, once; the journal has the rest. Idempotent."""
        self._closed = True
        self.pay()
        if self._running:
            await self._running
        lost = 0
        for settle in self._owed.values():
            try:
                lost += not await self._kept(settle)
            except LedgerUnavailable:
                lost += 1
        self._owed.clear()
        if lost:
            logger.error("%d settlements could not be written", lost)

    @property
    def _backlog(self) -> Journal | None:
        """The journal, where something in it can be written to the server."""
        return self._journal if self._journal and not self._stuck else None

    @property
    def _is_missed(self) -> bool:
        return self._missed is not None

    @property
    def _missed_s(self) -> float:
        return 0.0 if self._missed is None else asyncio.get_running_loop().time() - self._missed

    @property
    def _is_late(self) -> bool:
        """The journal takes settlements only."""
        return self._missed_s > self._journal_s

    @property
    def _is_away(self) -> bool:
        """The server has been missed for so long that nobody waits for it any more."""
        return self._is_missed and (self._closed or self._missed_s >= self._patience_s)

    async def _kept(self, write: Write) -> bool:
        """Whether the journal has it: nobody waits for the server, or what it follows is there.

        Raises LedgerUnavailable where the journal should have it and can't.
        """
        journal = self._journal
        if journal is None or isinstance(write, Hold | Mark):
            return False
        if write.request_id not in journal:
            bound = isinstance(write, Reserve) and (write.budgets or self._is_late)
            if bound or not self._is_away:
                return False
        await journal.keep(write)
        if not self._closed:
            self._wake()
        return True

    def _wake(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Until nothing waits, and the server has all there is for it."""
        try:
            reached = True
            while self._waiting or self._is_missed or (reached and (self._owed or self._backlog)):
                reached = await self._round()
                if not reached and self._closed and not self._waiting:
                    break
                if not reached and not self._closed:
                    await asyncio.sleep(_PROBE_S if self._is_away else _PAUSE_S)
        finally:
            self._running = None

    async def _round(self) -> bool:
        """Whether the server was reached, with whatever there was for it."""
        owed = _portion(self._owed.values(), lambda each: each)
        batch = _portion(self._waiting, lambda each: each.write)
        for _ in batch:
            self._waiting.popleft()
        if self._journal:
            batch = [each for each in batch if not await self._goes_aside(each)]
        if (owed or batch or not self._backlog) and not await self._write(owed, batch):
            return False
        return not self._backlog or await self._replay(self._backlog)

    async def _goes_aside(self, each: _Waiting) -> bool:
        """Whether it is in the journal, or should be and is not: then the caller knows why."""
        try:
            if not await self._kept(each.write):
                return False
        except LedgerUnavailable as error:
            self._refuse(each, error)
        else:
            each.tell(())
        return True

    async def _replay(self, journal: Journal) -> bool:
        """Write what has waited longest; whether the server was reached."""
        try:
            noted = await journal.first(_MOST, _MOST_BYTES)
            written, refused = await self._replayed(noted)
            await journal.forget(written)
            await journal.forget(refused, refused=True)
        except _Unreached as error:
            self._miss(error.reason)
            return False
        except Exception:
            logger.exception("the journal can't be written to the ledger")
            self._stuck = True
        return True

    async def _replayed(self, noted: Sequence[Noted]) -> tuple[Sequence[Noted], Sequence[Noted]]:
        """What is in the books now, and what never will be. Raises _Unreached."""
        try:
            await self._commit([each.read() for each in noted])
        except (Refused, msgspec.DecodeError):
            fine = [await self._replay_one(each) for each in noted]
        except LedgerUnavailable as error:
            raise _Unreached(error) from error
        else:
            fine = [True] * len(noted)
        self._found()
        written = [each for each, is_fine in zip(noted, fine, strict=True) if is_fine]
        return written, [each for each, is_fine in zip(noted, fine, strict=True) if not is_fine]

    async def _replay_one(self, noted: Noted) -> bool:
        """Whether it is in the books; nobody will ever write it where not."""
        try:
            result = await self._write_one(noted.read())
        except msgspec.DecodeError as error:
            logger.error("the journal can't be read at %d: %s", noted.number, error)  # noqa: TRY400
            return False
        if isinstance(result, LedgerUnavailable) and not _is_final(result):
            raise _Unreached(result)
        return not isinstance(result, Refused)

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
            for each in batch:
                each.doubtful = True
            await self._give_up(batch, LedgerUnavailable("the ledger failed"))
            return False
        else:
            for settle in owed:
                self._owed.pop(settle.request_id, None)
            for each, result in zip(batch, results[len(owed) :], strict=True):
                each.tell(result)
        self._found()
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
                await self._give_up([each], result)
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
        self._miss(error)
        for each in batch:
            each.doubtful |= not isinstance(error, NotReached)
        if self._is_away:
            await self._give_up(batch, error)
        else:
            self._waiting.extendleft(reversed(batch))

    async def _give_up(self, batch: Sequence[_Waiting], error: LedgerUnavailable) -> None:
        await asyncio.gather(*(self._let_go(each, error) for each in batch))

    async def _let_go(self, each: _Waiting, error: LedgerUnavailable) -> None:
        """To the journal, or whoever waits is told."""
        if not await self._goes_aside(each):
            self._refuse(each, error)

    def _refuse(self, each: _Waiting, error: LedgerUnavailable) -> None:
        each.tell(error)
        owed = self._withdrawal(each.write, each.doubtful)
        if owed is not None and len(self._owed) < self._capacity:
            self._owed.setdefault(owed.request_id, owed)

    def _miss(self, error: LedgerUnavailable) -> None:
        if self._missed is None:
            logger.warning("the ledger can't be written: %s", error)
            self._missed = asyncio.get_running_loop().time()

    def _found(self) -> None:
        if self._missed is not None:
            logger.info("the ledger can be written again")
            self._missed = None


class _Unreached(Exception):
    """The server does not take what is in the journal."""

    def __init__(self, reason: LedgerUnavailable) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _portion(writes: Iterable[T], write_of: Callable[[T], Write]) -> list[T]:
    """What goes into one transaction: the first of them, one at least."""
    portion: list[T] = []
    room = _MOST_BYTES
    for each in islice(writes, _MOST):
        portion.append(each)
        room -= weight(write_of(each))
        if room <= 0:
            break
    return portion


def _is_final(result: Admission | LedgerUnavailable) -> bool:
    """Trying again would change nothing."""
    return isinstance(result, Refused | Withdrawn) or not isinstance(result, LedgerUnavailable)
