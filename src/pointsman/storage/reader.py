"""Reading a SQLite ledger, from the process that owns it or from any other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine, Select
from sqlalchemy.exc import SQLAlchemyError

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage import statements
from pointsman.storage.connection import blank, engine
from pointsman.storage.migrate import HEAD, revision
from pointsman.storage.rows import CheckRow, EntryRow, FeedbackRow, read_entry
from pointsman.storage.schema import metadata
from pointsman.types import Check, Entry, ReportRow

T = TypeVar("T")

#: Reads at a time: a long report leaves one free.
_READERS = 2


class SqliteReader:
    """The reading half of a ledger: `get`, `list` and `report`, each over one snapshot.

    It takes no lock and never changes the file, so the command line may use one at any time.
    Reads run on threads of its own and raise LedgerUnavailable where the file can't be read.
    """

    def __init__(self, source: Engine) -> None:
        self._engine = source
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-reader")

    @classmethod
    def open(cls, path: Path) -> SqliteReader:
        """Over the ledger at `path`; where there is none yet, over an empty one.

        Raises ConfigError where the file can't be read or is of another version.
        """
        if not path.exists():
            return cls(_nothing())
        source = engine(path, read_only=True, size=_READERS)
        try:
            with source.begin() as db:
                found = revision(db)
        except SQLAlchemyError as error:
            source.dispose()
            raise ConfigError(f"the ledger {path} can't be read: {error.__cause__}") from error
        if found == HEAD:
            return cls(source)
        source.dispose()
        if found is None:
            return cls(_nothing())
        raise ConfigError(
            f"another version of Pointsman wrote the ledger {path} (revision {found}, this one"
            f" reads {HEAD}); start the newest gateway on it once"
        )

    async def get(self, request_id: str) -> Entry | None:
        """See `ports.Ledger`."""
        found = await self._run(lambda db: _entries(db, statements.entry(request_id)))
        return found[0] if found else None

    async def list(self, *, limit: int, before: datetime | None = None) -> Sequence[Entry]:
        """See `ports.Ledger`."""
        return await self._run(lambda db: _entries(db, statements.newest(limit, before)))

    async def report(self, *, since: datetime | None = None) -> Sequence[ReportRow]:
        """See `ports.Ledger`."""
        return await self._run(lambda db: _report(db, since))

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`."""
        return await self._run(lambda db: _checks(db, route))

    async def close(self) -> None:
        """Wait for reads under way, then give back threads and connections. Idempotent."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    async def _run(self, query: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as db:
                return query(db)
        except SQLAlchemyError as error:
            raise LedgerUnavailable("the ledger can't be read") from error


def _nothing() -> Engine:
    """A ledger without entries, in memory."""
    source = blank()
    metadata.create_all(source)
    return source


def _entries(db: Connection, page: Select[tuple[object, ...]]) -> Sequence[Entry]:
    """The entries on a page, with what was said of them."""
    rows = cast("Sequence[EntryRow]", db.execute(page).mappings().all())
    said: defaultdict[str, list[FeedbackRow]] = defaultdict(list)
    for row in cast("Sequence[FeedbackRow]", db.execute(statements.feedback_of(page)).mappings()):
        said[row["request_id"]].append(row)
    return [read_entry(row, said[row["request_id"]]) for row in rows]


def _checks(db: Connection, route: str | None) -> Sequence[Check]:
    rows = cast("Sequence[CheckRow]", db.execute(statements.checks(route)).mappings().all())
    return [Check(**row) for row in rows]


def _report(db: Connection, since: datetime | None) -> Sequence[ReportRow]:
    return [ReportRow(**row) for row in db.execute(statements.report(since)).mappings()]
