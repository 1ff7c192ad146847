"""What is read from the books in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from pointsman.storage import queries
from pointsman.storage.learning import LearningReader
from pointsman.storage.postgres_link import PostgresLink
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

#: Seconds for what no request waits for: reports, and what is forgotten.
PATIENCE_S = 30.0


class PostgresReads(LearningReader):
    """The reading half of the books' ports. Every method raises LedgerUnavailable."""

    _link: PostgresLink

    async def get(self, request_id: str, scope: Scope = EVERYWHERE) -> Entry | None:
        """See `ports.Books`."""
        return await self._link.read(partial(queries.entry, request_id=request_id, scope=scope))

    async def list(
        self, *, limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
    ) -> Sequence[Entry]:
        """See `ports.Books`."""
        work = partial(queries.newest, limit=limit, before=before, which=which)
        return await self._link.read(work, patience_s=PATIENCE_S)

    async def report(
        self, which: Filter = ALL_ENTRIES, by: Sequence[Dimension] = DIMENSIONS
    ) -> Sequence[ReportRow]:
        """See `ports.Books`."""
        return await self._link.read(
            partial(queries.report, which=which, by=by), patience_s=PATIENCE_S
        )

    async def series(self, step: timedelta, which: Filter = ALL_ENTRIES) -> Sequence[SeriesRow]:
        """See `ports.Charts`."""
        work = partial(queries.series, step=step, which=which)
        return await self._link.read(work, patience_s=PATIENCE_S)

    async def measures(self, limit: int, which: Filter = ALL_ENTRIES) -> Sequence[Measure]:
        """See `ports.Charts`."""
        work = partial(queries.measures, limit=limit, which=which)
        return await self._link.read(work, patience_s=PATIENCE_S)

    async def ratings(self, which: Filter = ALL_ENTRIES) -> Sequence[RatingRow]:
        """See `ports.Books`."""
        return await self._link.read(partial(queries.ratings, which=which), patience_s=PATIENCE_S)

    async def balances(self, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
        """See `ports.Books`."""
        return await self._link.read(partial(queries.balances, budgets=budgets, now=now))

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        """See `ports.PromptStore`."""
        return await self._link.read(partial(queries.prompt, request_id=request_id, scope=scope))

    async def keys(self) -> Sequence[StoredKey]:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._link.read(queries.keys)

    async def keys_stamp(self) -> str:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._link.read(queries.keys_stamp)

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        return await self._link.read(partial(queries.checks, route=route), patience_s=PATIENCE_S)

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """See `LearningReader`."""
        return await self._link.read(query, patience_s=PATIENCE_S)
