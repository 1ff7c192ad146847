"""The embedded ledger: one SQLite file, owned by one process."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import SQLAlchemyError

from pointsman.errors import ConfigError, NotFound
from pointsman.storage import statements
from pointsman.storage.connection import connect, engine
from pointsman.storage.migrate import upgrade
from pointsman.storage.owner import Claim
from pointsman.storage.reader import SqliteReader
from pointsman.storage.rows import check_row, entry_row, feedback_row, settlement_row
from pointsman.storage.writer import Writer
from pointsman.types import Check, Entry, Feedback, ReportRow, Settlement

logger = logging.getLogger(__name__)

#: Writes that may wait: about a second's work, and 30 MB.
_CAPACITY = 10_000


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class SqliteStore:
    """Ledger, FeedbackStore and CheckStore over one SQLite file; what returned survives a power cut.

    Writes go through one thread (see `Writer`), reads through others (see `SqliteReader`);
    none of them holds up the event loop. `open` is synchronous, everything else is not.
    """

    def __init__(
        self, claim: Claim, writer: Writer, reader: SqliteReader, now: Callable[[], datetime]
    ) -> None:
        """See `open`."""
        self._claim = claim
        self._writer = writer
        self._reader = reader
        self._now = now
        dialect = sqlite_dialect(paramstyle="qmark")
        self._reserve = statements.reserve(dialect)
        self._settle = statements.settle(dialect)
        self._add = statements.add_feedback(dialect)
        self._add_check = statements.add_check(dialect)
        self._forget_checks = statements.forget_checks(dialect)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        address: str | None = None,
        capacity: int = _CAPACITY,
        now: Callable[[], datetime] = utc_now,
    ) -> SqliteStore:
        """Own the ledger at `path`: create it or bring it up to date, and close what is open.

        `address` is where this process listens, for others to find (see `owner`). `capacity` is
        how many writes may wait before LedgerUnavailable. Blocks; call it before serving.
        Raises ConfigError where another process owns it, a newer version wrote it, or the file
        can't be used.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            claim = Claim(path, address=address)
        except OSError as error:
            raise ConfigError(f"the ledger {path} can't be used: {error}") from error
        try:
            path.touch(mode=0o600)
            _prepare(path, now())
            reader = SqliteReader.open(path)
            writer = Writer(partial(connect, path), capacity=capacity)
        except (OSError, sqlite3.Error, SQLAlchemyError, ConfigError) as error:
            claim.release()
            raise ConfigError(f"the ledger {path} can't be used: {_reason(error)}") from error
        return cls(claim, writer, reader, now)

    async def close(self) -> None:
        """Write what waits, checkpoint, and give the file back. Idempotent."""
        await self._reader.close()
        await asyncio.to_thread(self._writer.stop)
        self._claim.release()

    async def reserve(self, entry: Entry) -> None:
        """See `ports.Ledger`. Reserving an entry that is there changes nothing.

        An entry that comes with its settlement is written settled. Where the caller is
        cancelled the entry may be written all the same, so settle it.
        """
        row = entry_row(entry, settled_at=self._now())
        await self._writer.write(self._reserve.sql, self._reserve.values(row))

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`. Raises LedgerUnavailable; then it may be tried again."""
        row = {"request_id": request_id, **settlement_row(settlement, settled_at=self._now())}
        await self._writer.write(self._settle.sql, self._settle.values(row))

    async def add(self, feedback: Feedback) -> None:
        """See `ports.FeedbackStore`. Raises LedgerUnavailable."""
        values = self._add.values(feedback_row(feedback))
        if not await self._writer.write(self._add.sql, values):
            raise NotFound(f"there is no entry {feedback.request_id!r}", param="request_id")

    async def add_check(self, check: Check) -> None:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        await self._writer.write(self._add_check.sql, self._add_check.values(check_row(check)))

    async def forget_checks(self, route: str) -> int:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        values = self._forget_checks.values({"route": route})
        return await self._writer.write(self._forget_checks.sql, values)

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`."""
        return await self._reader.checks(route=route)

    async def get(self, request_id: str) -> Entry | None:
        """See `ports.Ledger`."""
        return await self._reader.get(request_id)

    async def list(self, *, limit: int, before: datetime | None = None) -> Sequence[Entry]:
        """See `ports.Ledger`."""
        return await self._reader.list(limit=limit, before=before)

    async def report(self, *, since: datetime | None = None) -> Sequence[ReportRow]:
        """See `ports.Ledger`."""
        return await self._reader.report(since=since)


def _prepare(path: Path, now: datetime) -> None:
    """The schema, then the sweep, in one transaction: all of it or nothing."""
    source = engine(path)
    try:
        with source.begin() as db:
            upgrade(db)
            swept = db.execute(statements.interrupt(now)).rowcount
    finally:
        source.dispose()
    if swept:
        logger.warning("%d requests were open when the gateway stopped: interrupted", swept)


def _reason(error: Exception) -> BaseException:
    """The database's own words, without SQLAlchemy's link to its manual."""
    return error.__cause__ if isinstance(error, SQLAlchemyError) and error.__cause__ else error
