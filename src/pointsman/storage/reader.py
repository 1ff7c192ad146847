"""Reading a SQLite ledger, from the process that owns it or from any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage import queries
from pointsman.storage.connection import blank, engine
from pointsman.storage.learning import LearningReader
from pointsman.storage.migrate import HEAD, revision
from pointsman.storage.schema import metadata
from pointsman.types import (
    ALL_ENTRIES,
    DIMENSIONS,
    EVERYWHERE,
    Balance,
    Budget,
    Check,
    Dimension,
    Entry,
    Filter,
    Measure,
    RatingRow,
    ReportRow,
    Scope,
    SeriesRow,
    StoredKey,
    StoredPrompt,
)

T = TypeVar("T")

#: Reads at a time: a long report leaves one free.
_READERS = 2


class SqliteReader(LearningReader):
    """The reading half of a ledger: `ports.Books`, and what the other stores read.

    Each read is of one snapshot.

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

    async def get(self, request_id: str, scope: Scope = EVERYWHERE) -> Entry | None:
        """See `ports.Books`."""
        return await self.ask(lambda db: queries.entry(db, request_id, scope))

    async def list(
        self, *, limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
    ) -> Sequence[Entry]:
        """See `ports.Books`."""
        return await self.ask(lambda db: queries.newest(db, limit, before, which))

    async def report(
        self, which: Filter = ALL_ENTRIES, by: Sequence[Dimension] = DIMENSIONS
    ) -> Sequence[ReportRow]:
        """See `ports.Books`."""
        return await self.ask(lambda db: queries.report(db, which, by))

    async def series(self, step: timedelta, which: Filter = ALL_ENTRIES) -> Sequence[SeriesRow]:
        """See `ports.Charts`."""
        return await self.ask(lambda db: queries.series(db, step, which))

    async def measures(self, limit: int, which: Filter = ALL_ENTRIES) -> Sequence[Measure]:
        """See `ports.Charts`."""
        return await self.ask(lambda db: queries.measures(db, limit, which))

    async def ratings(self, which: Filter = ALL_ENTRIES) -> Sequence[RatingRow]:
        """See `ports.Books`."""
        return await self.ask(lambda db: queries.ratings(db, which))

    async def balances(self, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
        """See `ports.Books`."""
        return await self.ask(lambda db: queries.balances(db, budgets, now))

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        """See `ports.PromptStore`."""
        return await self.ask(lambda db: queries.prompt(db, request_id, scope))

    async def keys(self) -> Sequence[StoredKey]:
        """See `ports.KeyStore`."""
        return await self.ask(queries.keys)

    async def keys_stamp(self) -> str:
        """See `ports.KeyStore`."""
        return await self.ask(queries.keys_stamp)

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`."""
        return await self.ask(lambda db: queries.checks(db, route))

    async def close(self) -> None:
        """Wait for reads under way, then give back threads and connections. Idempotent."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """What a query finds, all of it of one moment."""
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
