"""The one thread that writes to a SQLite file."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar, cast

import msgspec

from pointsman.errors import LedgerUnavailable, PointsmanError, Unavailable
from pointsman.storage.statements import Value

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: What is wrong with one write's own values, or with what it says: the others are not concerned.
_OWN_FAULTS = (
    sqlite3.IntegrityError,  # a constraint
    sqlite3.DataError,  # too big
    sqlite3.InterfaceError,  # not a type it stores
    sqlite3.ProgrammingError,  # the same, since Python 3.12
    OverflowError,  # more than 64 bits
    UnicodeEncodeError,  # half of a surrogate pair
)


@dataclass(slots=True, eq=False)
class _Write:
    """Something that somebody awaits."""

    work: Callable[[sqlite3.Connection], object]
    #: More than one statement, to be done or undone together.
    several: bool
    #: What the work returned, once that is on the disk.
    done: asyncio.Future[object]
    result: object = None
    fault: Exception | None = None


class Writer:
    """Group commit: whatever waits is written in one transaction, as soon as the last is on disk.

    A lone write is committed at once, and while a commit waits for the disk the next batch gathers
    by itself. Nobody is woken before the commit that holds their row returned.
    A write that the database refuses fails alone; a fault of the disk fails the batch, and the
    next one starts on a fresh connection.

    Each statement takes the interpreter's lock from the event loop and gives it back, which under
    load costs more than the statement: the fewer there are, the better. Writes that are in no
    hurry therefore wait `gather_s` for others.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        capacity: int,
        gather_s: float = 0.0,
        what: str = "ledger",
        unavailable: type[Unavailable] = LedgerUnavailable,
    ) -> None:
        """Connect and start; `capacity` is how many writes may wait. Raises sqlite3.Error.

        `what` it writes to and what `write` raises are for the callers to know it by.
        """
        self._gather_s = gather_s
        self._hurry = threading.Event()
        self._connect = connect
        self._connection: sqlite3.Connection | None = connect()
        self._capacity = capacity
        self._what = what
        self._unavailable = unavailable
        #: None is the end.
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"{what}-writer", daemon=True)
        self._thread.start()

    async def write(self, sql: str, values: tuple[Value, ...]) -> int:
        """Execute one statement; returns the number of rows it changed, once they are durable.

        Raises `unavailable`. Where the caller is cancelled, the write may still happen.
        """
        return await self.submit(sql, values)

    def submit(
        self, sql: str, values: tuple[Value, ...], *, hurry: bool = True
    ) -> asyncio.Future[int]:
        """As `write`, but it is in the queue when this returns, whoever is cancelled then.

        Without `hurry` it waits for others for a while.
        """
        done = self._submit(partial(_change, sql, values), several=False, hurry=hurry)
        return cast("asyncio.Future[int]", done)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do several statements in one transaction; returns what `work` does, once it is durable.

        All of it or nothing. The work runs on the writer's thread, shares its transaction with
        others, and is short. A PointsmanError that it raises undoes it and reaches the caller.
        Raises `unavailable`. Where the caller is cancelled, it may still happen.
        """
        return cast("T", await self._submit(work, several=True))

    def _submit(
        self, work: Callable[[sqlite3.Connection], object], *, several: bool, hurry: bool = True
    ) -> asyncio.Future[object]:
        if self._stopped:
            raise self._unavailable(f"the {self._what} is closed")
        if self._queue.qsize() >= self._capacity:
            raise self._unavailable(f"the {self._what} can't keep up")
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(work, several, done))
        if hurry:
            self._hurry.set()
        return done

    def stop(self) -> None:
        """Write what waits, then close; blocks until that is done. Idempotent."""
        if not self._stopped:
            self._stopped = True
            self._queue.put(None)
            self._hurry.set()
        self._thread.join()

    def _run(self) -> None:
        """Batch by batch, until the end is in one."""
        running = True
        while running:
            taken = [self._queue.get()]
            if self._gather_s:
                self._hurry.wait(self._gather_s)
                self._hurry.clear()
            taken += [self._queue.get() for _ in range(self._queue.qsize())]
            batch = [write for write in taken if write is not None]
            running = len(batch) == len(taken)
            if batch:
                self._commit(batch)
                self._wake(batch)
        if self._connection:
            self._connection.close()

    def _commit(self, batch: list[_Write]) -> None:
        """One transaction; afterwards each write knows its result or why it failed."""
        recovering = self._connection is None
        try:
            connection = self._connection = self._connection or self._connect()
            if len(batch) == 1:
                self._execute(connection, batch[0], _ALONE)
            else:
                connection.execute("BEGIN IMMEDIATE")
                for write in batch:
                    self._execute(connection, write, _AMONG_OTHERS)
                connection.execute("COMMIT")
        except Exception as fault:  # whatever it is, the thread lives and the callers are told
            if not recovering:
                logger.exception("the %s can't be written; %d failed", self._what, len(batch))
            for write in batch:
                write.fault = fault
            if self._connection:
                self._connection.close()
            self._connection = None
        else:
            if recovering:
                logger.info("the %s can be written again", self._what)

    def _execute(self, connection: sqlite3.Connection, write: _Write, bounds: _Bounds) -> None:
        """Execute one write; what is only its own fault undoes only it.

        SQLite by itself does one statement or nothing of it, and keeps the transaction around it.
        """
        try:
            write.result = (
                bounds.undoable(connection, write.work) if write.several else write.work(connection)
            )
        except PointsmanError as refusal:
            write.fault = refusal
        except _OWN_FAULTS as fault:
            logger.exception("the %s refused a write", self._what)
            write.fault = fault

    def _wake(self, batch: Iterable[_Write]) -> None:
        """Tell the callers: one call into the event loop, however many wait."""
        for loop, writes in groupby(batch, lambda write: write.done.get_loop()):
            try:
                loop.call_soon_threadsafe(self._resolve, list(writes))
            except RuntimeError:
                logger.debug("the event loop is closed, and with it whoever waited for a write")

    def _resolve(self, writes: Iterable[_Write]) -> None:
        for write in writes:
            if write.done.done():  # cancelled
                continue
            if write.fault is None:
                write.done.set_result(write.result)
            elif isinstance(write.fault, PointsmanError):
                write.done.set_exception(write.fault)
            else:
                error = self._unavailable(f"the {self._what} can't be written")
                error.__cause__ = write.fault
                write.done.set_exception(error)


def _change(sql: str, values: tuple[Value, ...], connection: sqlite3.Connection) -> int:
    return connection.execute(sql, values).rowcount


class _Bounds(msgspec.Struct, frozen=True):
    """What several statements are put between, so that all or nothing of them is done."""

    begin: str
    end: str
    undo: tuple[str, ...]

    def undoable(
        self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], object]
    ) -> object:
        """Do the work; undo all of it where it raises."""
        connection.execute(self.begin)
        try:
            result = work(connection)
        except BaseException:
            if connection.in_transaction:  # faults of the disk end it themselves
                for each in self.undo:
                    connection.execute(each)
            raise
        connection.execute(self.end)
        return result


_ALONE = _Bounds("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_AMONG_OTHERS = _Bounds("SAVEPOINT work", "RELEASE work", ("ROLLBACK TO work", "RELEASE work"))
