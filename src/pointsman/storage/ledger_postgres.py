"""The books in PostgreSQL, shared by all gateways that use the same database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Delete, Update, delete, func, select, text

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage import forgetting, key_rows, prompt_rows, queries, statements
from pointsman.storage.forgetting import PORTION
from pointsman.storage.key_rows import key_row
from pointsman.storage.learning import LearningStore, Step
from pointsman.storage.ledger_postgres_batches import Batches
from pointsman.storage.ledger_postgres_budgets import Admission
from pointsman.storage.ledger_postgres_writes import Mark, Reserve, Settle, Write, Writes
from pointsman.storage.migrate import upgrade
from pointsman.storage.observed_rows import participant_row
from pointsman.storage.postgres_link import AsidePostgresLink, NotAdmitted, PostgresLink
from pointsman.storage.prompt_rows import prompt_row
from pointsman.storage.rows import (
    check_row,
    entry_row,
    mark_row,
    settlement_row,
)
from pointsman.storage.schema import gateways
from pointsman.storage.statements import Prepared
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

#: A gateway that was not heard of for so long is gone.
SILENCE = timedelta(seconds=60)
#: Seconds for a change of the schema, which may go through all entries.
_UPGRADE_S = 600.0
#: Seconds for what no request waits for: reports, and what is forgotten.
_PATIENCE_S = 30.0
#: Stands for the schema among the server's locks: any number will do.
_SCHEMA_LOCK = 7_070_000_000_000_001

#: Of a request that was refused because nobody could tell whether its entry was written.
_WITHDRAWN = Settlement(outcome="refused", error="the ledger did not answer in time")


class PostgresStore(LearningStore):
    """All the books' ports on PostgreSQL >= 13; what returned is durable as the server has it.

    Reservations, marks and settlements go over one connection in batches (see `Batches`), the rest
    over a few others, on a thread of its own. A server that went away is used again when it is
    back. Every method but `close` raises LedgerUnavailable where it is not there, within one to
    three `timeout_s`.
    """

    def __init__(
        self,
        books: PostgresLink,
        rest: PostgresLink,
        *,
        timeout_s: float,
        capacity: int,
        now: Callable[[], datetime],
    ) -> None:
        """See `open`."""
        super().__init__(rest.dialect)
        #: Of this process, among those that share the books.
        self.gateway = uuid4().hex
        self._books = books
        self._link = rest
        self._now = now
        self._writes = Writes(books.dialect)
        self._batches = Batches(
            self._carry_out, self._withdrawal, patience_s=timeout_s, capacity=capacity
        )
        dialect = rest.dialect
        self._keep_prompt = prompt_rows.keep(dialect)
        self._add_check = statements.add_check(dialect)
        self._forget_checks = statements.forget_checks(dialect)
        self._put_key = key_rows.put(dialect)
        self._remove_key = key_rows.remove(dialect)
        self._count_key_change = key_rows.count_change(dialect)
        self._beat = statements.replacing(gateways, dialect)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        timeout_s: float = 1.0,
        max_connections: int = 8,
        capacity: int = 10_000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> PostgresStore:
        """Connect, bring the schema up to date, and close what gateways that are gone had open.

        Any number of gateways may do so at once. `url` as asyncpg takes it:
        postgresql://user:password@host/database. `timeout_s` bounds connecting, waiting for one of
        `max_connections` (two at least), and what a request waits for. `capacity` is how many
        writes may wait. Raises ConfigError where the address, the rights or the installation are at
        fault, or a newer version wrote the books; LedgerUnavailable where the server is not there.
        """
        books = PostgresLink(url, timeout_s=timeout_s, max_connections=1)
        others = max(1, max_connections - 1)
        rest = AsidePostgresLink(url, timeout_s=timeout_s, max_connections=others)
        store = cls(books, rest, timeout_s=timeout_s, capacity=capacity, now=now)
        try:
            await books.write(_prepare, patience_s=_UPGRADE_S)
            await store.beat(now())
            await store.sweep(now())
        except NotAdmitted as error:
            await store._give_back()
            raise ConfigError(str(error)) from error
        except BaseException:
            await store._give_back()
            raise
        return store

    async def close(self) -> None:
        """Write what waits, say that this gateway is gone, and disconnect. Idempotent."""
        await self._batches.close()
        with suppress(LedgerUnavailable):
            await self._link.write(
                lambda db: db.execute(delete(gateways).where(gateways.c.id == self.gateway))
            )
        await self._give_back()

    async def beat(self, now: datetime) -> None:
        """Say that this gateway is there, every few seconds; also tries what is still owed."""
        self._batches.pay()
        await self._change(self._beat, {"id": self.gateway, "beat": now})

    async def sweep(self, now: datetime) -> int:
        """Close what gateways had open that are gone for `SILENCE`; returns how many.

        At once where they said so themselves.
        """
        swept = await self._link.write(
            partial(self._writes.sweep, beaten_since=now - SILENCE, now=now),
            patience_s=_PATIENCE_S,
        )
        if swept:
            logger.warning("%d requests were open when their gateway stopped: interrupted", swept)
        return swept

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        """See `ports.Ledger`.

        Where the caller is cancelled the entry may be written all the same, so settle it. Where
        LedgerUnavailable is raised, what was written all the same is settled as refused.
        """
        row = entry_row(entry, settled_at=self._now(), gateway=self.gateway)
        return await self._batches.write(Reserve(row, tuple(budgets), participant_row(entry)))

    async def mark(self, request_id: str, progress: Progress) -> None:
        """See `ports.Ledger`."""
        await self._batches.write(Mark(request_id, mark_row(progress)))

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`. Where it raises LedgerUnavailable, it is settled when that is over."""
        row = settlement_row(settlement, settled_at=self._now())
        await self._batches.write(Settle(request_id, row))

    async def get(self, request_id: str, scope: Scope = EVERYWHERE) -> Entry | None:
        """See `ports.Books`."""
        return await self._link.read(partial(queries.entry, request_id=request_id, scope=scope))

    async def list(
        self, *, limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
    ) -> Sequence[Entry]:
        """See `ports.Books`."""
        work = partial(queries.newest, limit=limit, before=before, which=which)
        return await self._link.read(work, patience_s=_PATIENCE_S)

    async def report(
        self, which: Filter = ALL_ENTRIES, by: Sequence[Dimension] = DIMENSIONS
    ) -> Sequence[ReportRow]:
        """See `ports.Books`."""
        return await self._link.read(
            partial(queries.report, which=which, by=by), patience_s=_PATIENCE_S
        )

    async def series(self, step: timedelta, which: Filter = ALL_ENTRIES) -> Sequence[SeriesRow]:
        """See `ports.Charts`."""
        work = partial(queries.series, step=step, which=which)
        return await self._link.read(work, patience_s=_PATIENCE_S)

    async def measures(self, limit: int, which: Filter = ALL_ENTRIES) -> Sequence[Measure]:
        """See `ports.Charts`."""
        work = partial(queries.measures, limit=limit, which=which)
        return await self._link.read(work, patience_s=_PATIENCE_S)

    async def ratings(self, which: Filter = ALL_ENTRIES) -> Sequence[RatingRow]:
        """See `ports.Books`."""
        return await self._link.read(partial(queries.ratings, which=which), patience_s=_PATIENCE_S)

    async def balances(self, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
        """See `ports.Books`."""
        return await self._link.read(partial(queries.balances, budgets=budgets, now=now))

    async def forget_entries(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.Retention`. A portion at a time, so that others can write in between."""
        forgotten = await self._portions(forgetting.entries_with_all(organisation, before))
        if before is None:
            sums = forgetting.sums(organisation)
            await self._link.write(partial(_erase, statements=sums), patience_s=_PATIENCE_S)
            # Those whose entries were never written, or went before.
            await self.forget_prompts(organisation=organisation)
        return forgotten

    async def keep_prompt(self, prompt: StoredPrompt) -> None:
        """See `ports.PromptStore`."""
        await self._change(self._keep_prompt, prompt_row(prompt))

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        """See `ports.PromptStore`."""
        return await self._link.read(partial(queries.prompt, request_id=request_id, scope=scope))

    async def forget_prompts(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.PromptStore`."""
        return await self._portions([forgetting.kept_prompts(organisation, before)])

    async def keys(self) -> Sequence[StoredKey]:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._link.read(queries.keys)

    async def put_key(self, key: StoredKey) -> None:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        await self._link.write(partial(self._change_key, self._put_key, key_row(key)))

    async def remove_key(self, key_id: str) -> bool:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        work = partial(self._change_key, self._remove_key, {"id": key_id})
        return await self._link.write(work) > 0

    async def keys_stamp(self) -> str:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        return await self._link.read(queries.keys_stamp)

    async def add_check(self, check: Check) -> None:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        await self._change(self._add_check, check_row(check))

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        return await self._link.read(partial(queries.checks, route=route), patience_s=_PATIENCE_S)

    async def forget_checks(self, route: str) -> int:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        return await self._change(self._forget_checks, {"route": route})

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """See `LearningReader`."""
        return await self._link.read(query, patience_s=_PATIENCE_S)

    async def carry_out(self, steps: Sequence[Step]) -> Sequence[int]:
        """See `LearningStore`."""
        return await self._link.write(partial(_each, steps=steps))

    async def _carry_out(self, writes: Sequence[Write]) -> Sequence[Admission]:
        return await self._books.write(partial(self._writes.carry_out, writes=writes))

    def _withdrawal(self, write: Write, doubtful: bool) -> Settle | None:  # noqa: FBT001
        """What has to be written when the server is back."""
        match write:
            case Settle():
                return write
            case Reserve(row=row) if doubtful and row["outcome"] == "open":
                return Settle(row["request_id"], settlement_row(_WITHDRAWN, settled_at=self._now()))
            case _:
                return None

    async def _change(self, prepared: Prepared, row: Mapping[str, object]) -> int:
        """One statement; returns the number of rows changed."""
        return await self._link.write(partial(_execute, prepared=prepared, row=row))

    def _change_key(self, prepared: Prepared, row: Mapping[str, object], db: Connection) -> int:
        changed = _execute(db, prepared, row)
        if changed:
            _execute(db, self._count_key_change, {})
        return changed

    async def _portions(self, portion: Sequence[Delete]) -> int:
        """Erase until there is no whole portion any more; returns how many in all."""
        work = partial(_erase, statements=portion)
        erased = [await self._link.write(work, patience_s=_PATIENCE_S, snapshot=True)]
        while erased[-1] == PORTION:
            erased.append(await self._link.write(work, patience_s=_PATIENCE_S, snapshot=True))
        return sum(erased)

    async def _give_back(self) -> None:
        await self._books.close()
        await self._link.close()


def _prepare(db: Connection) -> None:
    """The schema; one gateway after the other, and as long as it takes."""
    db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    db.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
    upgrade(db)
    if db.scalar(text("SHOW synchronous_commit")) == "off":
        logger.warning("PostgreSQL has synchronous_commit = off: a crash of it may lose entries")


def _erase(db: Connection, statements: Sequence[Update | Delete]) -> int:
    """Returns how many rows the last of them touched."""
    *_, erased = [db.execute(each).rowcount for each in statements]
    return erased


def _each(db: Connection, steps: Sequence[Step]) -> Sequence[int]:
    """Returns how many rows each of them changed."""
    return [_execute(db, prepared, row) for prepared, row in steps]


def _execute(db: Connection, prepared: Prepared, row: Mapping[str, object]) -> int:
    """Returns the number of rows changed."""
    return db.exec_driver_sql(prepared.sql, prepared.values(row)).rowcount
