"""The one thread that writes to a SQLite file."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from pointsman.errors import LedgerUnavailable, Unavailable
from pointsman.storage.statements import Value

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Write:
    """One statement that somebody awaits."""

    sql: str
    values: tuple[Value, ...]
    #: The number of rows changed, once that is on the disk.
    done: asyncio.Future[int]
    changed: int = 0
    fault: Exception | None = None


class Writer:
    """Group commit: whatever waits is written in one transaction, as soon as the last is on disk.

    No timer: a lone write is committed at once, and while a commit waits for the disk the next
    batch gathers by itself. Nobody is woken before the commit that holds their row returned.
    A write that the database refuses fails alone; a fault of the disk fails the batch, and the
    next one starts on a fresh connection.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        capacity: int,
        what: str = "ledger",
        unavailable: type[Unavailable] = LedgerUnavailable,
    ) -> None:
        """Connect and start; `capacity` is how many writes may wait. Raises sqlite3.Error.

        `what` it writes to and what `write` raises are for the callers to know it by.
        """
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

    def submit(self, sql: str, values: tuple[Value, ...]) -> asyncio.Future[int]:
        """As `write`, but it is in the queue when this returns, whoever is cancelled then."""
        if self._stopped:
            raise self._unavailable(f"the {self._what} is closed")
        if self._queue.qsize() >= self._capacity:
            raise self._unavailable(f"the {self._what} can't keep up")
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(sql, values, done))
        return done

    def stop(self) -> None:
        """Write what waits, then close; blocks until that is done. Idempotent."""
        if not self._stopped:
            self._stopped = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        """Batch by batch, until the end is in one."""
        running = True
        while running:
            taken = [self._queue.get()]
            taken += [self._queue.get() for _ in range(self._queue.qsize())]
            batch = [write for write in taken if write is not None]
            running = len(batch) == len(taken)
            if batch:
                self._commit(batch)
                self._wake(batch)
        if self._connection:
            self._connection.close()

    def _commit(self, batch: list[_Write]) -> None:
        """One transaction; afterwards each write knows what it changed or why it failed."""
        recovering = self._connection is None
        try:
            connection = self._connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            for write in batch:
                self._execute(connection, write)
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

    def _execute(self, connection: sqlite3.Connection, write: _Write) -> None:
        """Execute one write of a transaction; where only its own values are at fault, it fails alone.

        SQLite undoes the failed statement and keeps the transaction.
        """
        try:
            write.changed = connection.execute(write.sql, write.values).rowcount
        except (
            sqlite3.IntegrityError,  # a constraint
            sqlite3.DataError,  # too big
            sqlite3.InterfaceError,  # not a type it stores
            sqlite3.ProgrammingError,  # the same, since Python 3.12
            OverflowError,  # more than 64 bits
            UnicodeEncodeError,  # half of a surrogate pair
        ) as fault:
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
                write.done.set_result(write.changed)
            else:
                error = self._unavailable(f"the {self._what} can't be written")
                error.__cause__ = write.fault
                write.done.set_exception(error)
