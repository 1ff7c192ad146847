"""The books in PostgreSQL, shared by all gateways that use the same database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection, Delete, Update, delete

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage import forgetting, key_rows, prompt_rows, statements
from pointsman.storage.forgetting import PORTION
from pointsman.storage.journal import Journal
from pointsman.storage.key_rows import key_row
from pointsman.storage.learning import Step
from pointsman.storage.ledger_postgres_batches import Batches, JournalState
from pointsman.storage.ledger_postgres_budgets import Admission, Whose
from pointsman.storage.ledger_postgres_reads import PATIENCE_S, PostgresReads
from pointsman.storage.ledger_postgres_writes import (
    WITHDRAWN,
    Hold,
    Mark,
    Reserve,
    Settle,
    Write,
    Writes,
    weight,
)
from pointsman.storage.observed_rows import participant_row
from pointsman.storage.postgres_link import AsidePostgresLink, NotAdmitted, PostgresLink
from pointsman.storage.postgres_room import NAME, room
from pointsman.storage.postgres_upgrade import bring_up_to_date
from pointsman.storage.prompt_rows import prompt_row
from pointsman.storage.rows import (
    check_row,
    entry_row,
    mark_row,
    settlement_row,
)
from pointsman.storage.schema import gateways
from pointsman.storage.statements import Prepared
from pointsman.storage.tenants import TenantsStore
from pointsman.types import (
    Balance,
    Budget,
    Check,
    Entry,
    Progress,
    Settlement,
    StoredKey,
    StoredPrompt,
)

logger = logging.getLogger(__name__)

#: A gateway that was not heard of for so long is gone.
SILENCE = timedelta(seconds=60)
#: Who could not be heard for so long does not judge others by their silence before `SILENCE` is over.
_GAP = timedelta(seconds=20)
#: What a server writes in a second at least: a batch with long answers gets longer.
_BYTES_S = 2_000_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_WITHDRAWN = Settlement(outcome="refused", error=WITHDRAWN)


class PostgresStore(PostgresReads, TenantsStore):
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
        gateway: str,
        connections: int,
        timeout_s: float,
        capacity: int,
        now: Callable[[], datetime],
        journal: Journal | None = None,
        journal_s: float = 0.0,
    ) -> None:
        """See `open`."""
        super().__init__(rest.dialect)
        #: Of this process, among those that share the books.
        self.gateway = gateway
        self._connections = connections
        self._fits = True
        self._timeout_s = timeout_s
        self._books = books
        self._link = rest
        self._now = now
        self._writes = Writes(books.dialect)
        self._batches = Batches(
            self._carry_out,
            self._withdrawal,
            patience_s=timeout_s,
            capacity=capacity,
            journal=journal,
            journal_s=journal_s,
        )
        self._journal = journal
        #: The first and the last of the signs of life that came through without a gap.
        self._heard: tuple[datetime, datetime] | None = None
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
        beside: int = 0,
        capacity: int = 10_000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        journal: Journal | None = None,
        journal_s: float = 900.0,
    ) -> PostgresStore:
        """Connect, bring the schema up to date, and close what gateways that are gone had open.

        Any number of gateways may do so at once. `url` as asyncpg takes it:
        postgresql://user:password@host/database. `timeout_s` bounds connecting, waiting for one of
        `max_connections` (two at least), and what a request waits for. `beside` these the gateway
        may take more of the same server's. `capacity` is how many writes may wait. While the server is away, what needs no budget goes to the `journal`, for
        `journal_s` seconds; the store closes it. Raises ConfigError where the address, the rights or the installation are at
        fault, or a newer version wrote the books; LedgerUnavailable where the server is not there.
        """
        gateway = uuid4().hex
        name, others = f"{NAME} {gateway}", max(1, max_connections - 1)
        books = PostgresLink(url, timeout_s=timeout_s, max_connections=1, name=name)
        rest = AsidePostgresLink(url, timeout_s=timeout_s, max_connections=others, name=name)
        store = cls(
            books,
            rest,
            gateway=gateway,
            connections=1 + others + beside,
            timeout_s=timeout_s,
            capacity=capacity,
            now=now,
            journal=journal,
            journal_s=journal_s,
        )
        try:
            await bring_up_to_date(books)
            await store._check_room()
            await store._show(now())
            await store.sweep(now())
            store._batches.pay()
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

    @property
    def journal_state(self) -> JournalState:
        """What waits for the server now."""
        return self._batches.journal_state

    async def beat(self, now: datetime) -> None:
        """Say that this gateway is there, every few seconds; also tries what is still owed."""
        self._batches.pay()
        await self._show(now)

    async def sweep(self, now: datetime) -> int:
        """Close what gateways had open that are gone for `SILENCE`; returns how many.

        At once where they said so themselves. A server that was away heard nobody: then all get
        as long again to show that they are there.
        """
        heard, last = self._heard or (now, now)
        listened = now - heard >= SILENCE and now - last <= _GAP
        swept = await self._link.write(
            partial(
                self._writes.sweep, beaten_since=now - SILENCE if listened else _LONG_AGO, now=now
            ),
            patience_s=PATIENCE_S,
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

    async def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget]
    ) -> Sequence[Balance]:
        """See `ports.Ledger`.

        Where LedgerUnavailable is raised, it may be held back all the same: until the entry is
        settled.
        """
        who = entry.principal
        whose = Whose(who.organisation, who.key, entry.time)
        return await self._batches.write(Hold(entry.request_id, whose, amount, tuple(budgets)))

    async def mark(self, request_id: str, progress: Progress) -> None:
        """See `ports.Ledger`."""
        await self._batches.write(Mark(request_id, mark_row(progress)))

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`. Where it raises LedgerUnavailable, it is settled when that is over."""
        row = settlement_row(settlement, settled_at=self._now())
        await self._batches.write(Settle(request_id, row, settlement.answer))

    async def forget_entries(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.Retention`. A portion at a time, so that others can write in between."""
        forgotten = await self._portions(forgetting.entries_with_all(organisation, before))
        if before is None:
            sums = forgetting.sums(organisation)
            await self._link.write(partial(_erase, statements=sums), patience_s=PATIENCE_S)
            # Those whose entries were never written, or went before.
            await self.forget_prompts(organisation=organisation)
        return forgotten

    async def keep_prompt(self, prompt: StoredPrompt) -> None:
        """See `ports.PromptStore`."""
        await self._change(self._keep_prompt, prompt_row(prompt))

    async def forget_prompts(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """See `ports.PromptStore`."""
        return await self._portions([forgetting.kept_prompts(organisation, before)])

    async def put_key(self, key: StoredKey) -> None:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        await self._link.write(partial(self._change_key, self._put_key, key_row(key)))

    async def remove_key(self, key_id: str) -> bool:
        """See `ports.KeyStore`. Raises LedgerUnavailable."""
        work = partial(self._change_key, self._remove_key, {"id": key_id})
        return await self._link.write(work) > 0

    async def add_check(self, check: Check) -> None:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        await self._change(self._add_check, check_row(check))

    async def forget_checks(self, route: str) -> int:
        """See `ports.CheckStore`. Raises LedgerUnavailable."""
        return await self._change(self._forget_checks, {"route": route})

    async def carry_out(self, steps: Sequence[Step]) -> Sequence[int]:
        """See `LearningStore`."""
        return await self._link.write(partial(_each, steps=steps))

    async def carry_out_many(
        self, statement: Prepared, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """See `LearningStore`."""
        if rows:
            work = partial(_execute_many, prepared=statement, rows=rows)
            await self._link.write(work, patience_s=PATIENCE_S)

    async def _show(self, now: datetime) -> None:
        await self._change(self._beat, {"id": self.gateway, "beat": now})
        found = await self._link.read(partial(room, each=self._connections))
        if self._fits and not found.suffices:
            logger.warning("%s", found)
        self._fits = found.suffices
        first, last = self._heard or (now, now)
        self._heard = (first if now - last <= _GAP else now), now

    async def _check_room(self) -> None:
        found = await self._books.read(partial(room, each=self._connections))
        if not found.suffices:
            raise ConfigError(str(found))

    async def _carry_out(self, writes: Sequence[Write]) -> Sequence[Admission]:
        if not writes:
            sign = {"id": self.gateway, "beat": self._now()}
            await self._books.write(partial(_execute, prepared=self._beat, row=sign))
        return await self._books.write(
            partial(self._writes.carry_out, writes=writes),
            patience_s=self._timeout_s + sum(map(weight, writes)) / _BYTES_S,
        )

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
        erased = [await self._link.write(work, patience_s=PATIENCE_S, snapshot=True)]
        while erased[-1] == PORTION:
            erased.append(await self._link.write(work, patience_s=PATIENCE_S, snapshot=True))
        return sum(erased)

    async def _give_back(self) -> None:
        await self._books.close()
        await self._link.close()
        if self._journal is not None:
            await asyncio.to_thread(self._journal.close)


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


def _execute_many(db: Connection, prepared: Prepared, rows: Sequence[Mapping[str, object]]) -> None:
    db.exec_driver_sql(prepared.sql, [prepared.values(row) for row in rows])
