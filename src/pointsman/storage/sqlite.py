"""The embedded ledger: one SQLite file, owned by one process."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from pointsman.errors import ConfigError
from pointsman.storage import prompt_rows, statements
from pointsman.storage.connection import connect, engine
from pointsman.storage.forgetting import PORTION
from pointsman.storage.learning import Step
from pointsman.storage.migrate import upgrade
from pointsman.storage.observed_rows import participant_row
from pointsman.storage.owner import Claim
from pointsman.storage.prompt_rows import prompt_row
from pointsman.storage.reader import SqliteReader
from pointsman.storage.rows import check_row, entry_row, mark_row, settlement_row
from pointsman.storage.scribe import DIALECT, Eraser, PromptEraser, Scribe
from pointsman.storage.statements import Prepared
from pointsman.storage.tenants import TenantsStore
from pointsman.storage.writer import Writer
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
    Progress,
    RatingRow,
    ReportRow,
    Scope,
    SeriesRow,
    Settlement,
    StoredKey,
    StoredPrompt,
)

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Writes that may wait: about a second's work, and 30 MB.
_CAPACITY = 10_000


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class SqliteStore(TenantsStore):
    """All the books' ports over one SQLite file; what returned survives a power cut.

    Writes go through one thread (see `Writer`), reads through others (see `SqliteReader`);
    none of them holds up the event loop. `open` is synchronous, everything else is not.
    """

    def __init__(
        self,
        claim: Claim,
        writer: Writer,
        reader: SqliteReader,
        scribe: Scribe,
        now: Callable[[], datetime],
    ) -> None:
        """See `open`."""
        super().__init__(DIALECT)
        self._scribe = scribe
        self._claim = claim
        self._writer = writer
        self._reader = reader
        self._now = now
        self._reserve = statements.reserve(DIALECT)
        self._mark = statements.mark(DIALECT)
        self._settle = statements.settle(DIALECT)
        self._keep_prompt = prompt_rows.keep(DIALECT)
        self._add_check = statements.add_check(DIALECT)
        self._forget_checks = statements.forget_checks(DIALECT)

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
            scribe = Scribe()
            _prepare(path, scribe, now())
            reader = SqliteReader.open(path)
            writer = Writer(lambda: scribe.prepare(connect(path)), capacity=capacity)
        except (OSError, sqlite3.Error, SQLAlchemyError, ConfigError) as error:
            claim.release()
            raise ConfigError(f"the ledger {path} can't be used: {_reason(error)}") from error
        return cls(claim, writer, reader, scribe, now)

    async def close(self) -> None:
        """Write what waits, checkpoint, and give the file back. Idempotent."""
        await self._reader.close()
        await asyncio.to_thread(self._writer.stop)
        self._claim.release()

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        """See `ports.Ledger`.

        Where the caller is cancelled the entry may be written all the same, so settle it.
        """
        values = self._reserve.values(entry_row(entry, settled_at=self._now()))
        if budgets or participant_row(entry):
            return await self._writer.run(partial(self._scribe.reserve, entry, values, budgets))
        await self._writer.write(self._reserve.sql, values)
        return ()

    async def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget]
    ) -> Sequence[Balance]:
        """See `ports.Ledger`."""
        return await self._writer.run(partial(self._scribe.hold, entry, amount, budgets))

    async def mark(self, request_id: str, progress: Progress) -> None:
        """See `ports.Ledger`."""
        await self._change(self._mark, {"request_id": request_id, **mark_row(progress)})

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`. Where it raises LedgerUnavailable, it may be tried again."""
        row = {"request_id": request_id, **settlement_row(settlement, settled_at=self._now())}
        if settlement.answer is None:
            await self._change(self._settle, row)
        else:
            work = partial(self._scribe.answer, request_id, row, settlement.answer)
            await self._writer.run(work)

    async def get(self, request_id: str, scope: Scope = EVERYWHERE) -> Entry | None:
        """See `ports.Books`."""
        return await self._reader.get(request_id, scope)

    async def list(
        self, *, limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
    ) -> Sequence[Entry]:
        """See `ports.Books`."""
        return await self._reader.list(limit=limit, before=before, which=which)

    async def report(
        self, which: Filter = ALL_ENTRIES, by: Sequence[Dimension] = DIMENSIONS
    ) -> Sequence[ReportRow]:
        """See `ports.Books`."""
        return await self._reader.report(which, by)

    async def series(self, step: timedelta, which: Filter = ALL_ENTRIES) -> Sequence[SeriesRow]:
        """See `ports.Charts`."""
        return await self._reader.series(step, which)

    async def measures(self, limit: int, which: Filter = ALL_ENTRIES) -> Sequence[Measure]:
        """See `ports.Charts`."""
        return await self._reader.measures(limit, which)

    async def ratings(self, which: Filter = ALL_ENTRIES) -> Sequence[RatingRow]:
        """See `ports.Books`."""
        return await self._reader.ratings(which)

    async def balances(self, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
        """See `ports.Books`."""
        return await self._reader.balances(budgets, now)

    async def forget_entries(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.Retention`. A portion at a time, so that others can write in between."""
        forgotten = await self._portions(Eraser(organisation, before))
        if before is None:  # those whose entries were never written, or went before
            await self.forget_prompts(organisation=organisation)
        return forgotten

    async def keep_prompt(self, prompt: StoredPrompt) -> None:
        """See `ports.PromptStore`."""
        await self._change(self._keep_prompt, prompt_row(prompt))

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        """See `ports.PromptStore`."""
        return await self._reader.prompt(request_id, scope)

    async def forget_prompts(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.PromptStore`."""
        return await self._portions(PromptEraser(organisation, before))

    async def keys(self) -> Sequence[StoredKey]:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._reader.keys()

    async def put_key(self, key: StoredKey) -> None:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        await self._writer.run(partial(self._scribe.put_key, key))

    async def remove_key(self, key_id: str) -> bool:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._writer.run(partial(self._scribe.remove_key, key_id))

    async def keys_stamp(self) -> str:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._reader.keys_stamp()

    async def add_check(self, check: Check) -> None:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        await self._change(self._add_check, check_row(check))

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        return await self._reader.checks(route=route)

    async def forget_checks(self, route: str) -> int:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        return await self._change(self._forget_checks, {"route": route})

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """See `LearningReader`."""
        return await self._reader.ask(query)

    async def carry_out(self, steps: Sequence[Step]) -> Sequence[int]:
        """See `LearningStore`."""
        return await self._writer.run(partial(self._scribe.carry_out, steps))

    async def _change(self, prepared: Prepared, row: Mapping[str, object]) -> int:
        """One statement; returns the number of rows changed."""
        return await self._writer.write(prepared.sql, prepared.values(row))

    async def _portions(self, erase: Callable[[sqlite3.Connection], int]) -> int:
        """Erase until there is no whole portion any more; returns how many in all."""
        erased = [await self._writer.run(erase)]
        while erased[-1] == PORTION:
            erased.append(await self._writer.run(erase))
        return sum(erased)


def _prepare(path: Path, scribe: Scribe, now: datetime) -> None:
    """The schema, then the sweep, in one transaction: all of it or nothing."""
    source = engine(path)
    try:
        with source.begin() as db:
            upgrade(db)
            plain = cast("sqlite3.Connection", db.connection.driver_connection)
            swept = scribe.interrupt(now, scribe.prepare(plain))
    finally:
        source.dispose()
    if swept:
        logger.warning("%d requests were open when the gateway stopped: interrupted", swept)


def _reason(error: Exception) -> BaseException:
    """The database's own words, without SQLAlchemy's link to its manual."""
    return error.__cause__ if isinstance(error, SQLAlchemyError) and error.__cause__ else error
