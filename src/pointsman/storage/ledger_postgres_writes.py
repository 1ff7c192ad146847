"""Many writes to the books in one transaction on PostgreSQL.

What several gateways may want at the same time they take in one order, so that they never wait for
one another in a circle: budgets, then entries by their ids, then balances and rollups by their keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec
from sqlalchemy import (
    ARRAY,
    Connection,
    Dialect,
    any_,
    bindparam,
    column,
    delete,
    func,
    select,
    update,
)

from pointsman.errors import BudgetExceeded
from pointsman.storage import observed_rows, statements
from pointsman.storage.any_text import Text
from pointsman.storage.batches import add_answer, answer_row
from pointsman.storage.filters import is_open
from pointsman.storage.ledger_postgres_budgets import Admission, Purse, Whose, Withdrawn
from pointsman.storage.ledger_postgres_sums import Sums
from pointsman.storage.rows import EntryRow, MarkRow, SettlementRow
from pointsman.storage.schema import entries, gateways, rounded
from pointsman.storage.statements import Prepared
from pointsman.types import Budget, RowAnswer


class Reserve(msgspec.Struct, frozen=True):
    """See `ports.Ledger.reserve`."""

    row: EntryRow
    budgets: tuple[Budget, ...] = ()
    #: Where it takes part in an experiment: see `observed_rows.take_part`.
    part: Mapping[str, str] | None = None

    @property
    def request_id(self) -> str:
        """Of its entry."""
        return self.row["request_id"]

    @property
    def time(self) -> datetime:
        """Of its entry."""
        return self.row["time"]


class Hold(msgspec.Struct, frozen=True):
    """See `ports.Ledger.hold`."""

    request_id: str
    whose: Whose
    amount: Decimal
    budgets: tuple[Budget, ...]

    @property
    def time(self) -> datetime:
        """Of its entry."""
        return self.whose.time


class Mark(msgspec.Struct, frozen=True):
    """See `ports.Ledger.mark`."""

    request_id: str
    row: MarkRow


class Settle(msgspec.Struct, frozen=True):
    """See `ports.Ledger.settle`."""

    request_id: str
    row: SettlementRow
    #: Of a batch's row: written with it, where the entry was open.
    answer: RowAnswer | None = None


Write: TypeAlias = Reserve | Hold | Mark | Settle


def weight(write: Write) -> int:
    """Bytes of what may be large about it."""
    return len(write.answer.body) if isinstance(write, Settle) and write.answer else 0


#: The error of an entry that was refused because nobody could tell whether it was written.
WITHDRAWN = "the ledger did not answer in time"
_is_among = entries.c.request_id == any_(bindparam("ids", type_=ARRAY(Text())))
_KNOWN = select(entries.c.request_id).where(_is_among)
_HELD = (
    select(entries.c.request_id, entries.c.reserved)
    .where(_is_among, is_open)
    .order_by(entries.c.request_id)
    .with_for_update()
)
_LOCKED = (
    select(entries.c.request_id)
    .where(_is_among, is_open)
    .order_by(entries.c.request_id)
    .with_for_update()
)
#: Closed for a gateway that was taken for gone, which knows better.
_is_presumed = (entries.c.outcome == "interrupted") & (entries.c.error == statements.INTERRUPTED)
_TO_CLOSE = (
    select(entries.c.request_id, is_open)
    .where(_is_among, is_open | _is_presumed)
    .order_by(entries.c.request_id)
    .with_for_update()
)
_WITHDRAWN = select(entries.c.request_id).where(
    _is_among, entries.c.outcome == "refused", entries.c.error == WITHDRAWN
)
_REOPEN = update(entries).where(_is_among).values(outcome="open", error=None)


class Writes:
    """Carries out writes, in the caller's transaction. What was done before is not done again."""

    def __init__(self, dialect: Dialect) -> None:
        """Builds the statements."""
        columns = list(entries.c)
        given = func.unnest(*(bindparam(c.name, type_=ARRAY(c.type)) for c in columns))
        rows = given.table_valued(*(column(c.name, c.type) for c in columns)).render_derived()
        self._insert = (
            statements.upsert(entries, dialect)
            .from_select(columns, select(*rows.c))
            .on_conflict_do_nothing()
            .returning(entries.c.request_id)
        )
        self._take_part = observed_rows.take_part(dialect)
        self._hold = statements.hold(dialect)
        self._mark = statements.mark(dialect)
        self._settle = statements.settle(dialect)
        self._add_answer = add_answer(dialect)
        self._interrupt = statements.interrupt(dialect, statements.the_entry)
        self._sums = Sums(dialect)

    def carry_out(self, db: Connection, writes: Sequence[Write]) -> Sequence[Admission]:
        """Reservations first, then holds, marks, settlements; returns what came of each write.

        That is nothing for marks and settlements, and `Withdrawn` for a reservation that is settled
        as that.
        """
        purse = _purse(db, writes)
        admitted = _admitted(db, purse, [each for each in writes if isinstance(each, Reserve)])
        asked = [row for row, how in admitted if not isinstance(how, BudgetExceeded)]
        new = self._reserve(db, asked)
        gone = _withdrawn(db, {row["request_id"] for row in asked} - {*new})
        parts = {e.row["request_id"]: e.part for e in writes if isinstance(e, Reserve) and e.part}
        _many(db, self._take_part, (parts[each] for each in sorted(parts.keys() & new)))
        holds, raised = self._hold_more(db, purse, [e for e in writes if isinstance(e, Hold)])
        marks = {each.request_id: each.row for each in writes if isinstance(each, Mark)}
        _many(db, self._mark, ({"request_id": each, **marks[each]} for each in sorted(marks)))
        ends = {each.request_id: each.row for each in reversed(writes) if isinstance(each, Settle)}
        closed, anew = self._close(db, ends)
        self._keep_answers(db, [each for each in writes if isinstance(each, Settle)], closed)
        self._sums.add(db, new=[*new, *anew], closed=closed, held=raised)
        stand = {row["request_id"]: how for row, how in admitted}
        stand |= {each: Withdrawn("this request was withdrawn") for each in gone}
        return [_result(each, stand, holds) for each in writes]

    def sweep(self, db: Connection, *, beaten_since: datetime, now: datetime) -> int:
        """Close what gateways that fell silent had open; returns how many."""
        open_ones = db.execute(statements.open_entries(beaten_since)).scalars().all()
        ids = db.execute(_LOCKED, {"ids": open_ones}).scalars().all() if open_ones else ()
        _many(db, self._interrupt, ({"request_id": each, "settled_at": now} for each in ids))
        self._sums.add(db, new=(), closed=ids)
        db.execute(delete(gateways).where(gateways.c.beat < beaten_since))
        return len(ids)

    def _reserve(self, db: Connection, rows: Sequence[EntryRow]) -> Sequence[str]:
        """Ids of those that were not there yet."""
        if not rows:
            return ()
        columns = zip(*(row.values() for row in rows), strict=True)
        values = {name: list(column) for name, column in zip(rows[0], columns, strict=True)}
        return db.execute(self._insert, values).scalars().all()

    def _hold_more(
        self, db: Connection, purse: Purse, holds: Sequence[Hold]
    ) -> tuple[Mapping[str, Admission], Mapping[str, Decimal]]:
        """How the budgets of each stand, or that they don't suffice: then it is as before.

        And what is held back more; to be added to the sums with the rest, for the order of locks.
        """
        if not holds:
            return {}, {}
        ids = [each.request_id for each in holds]
        before = dict(db.execute(_HELD, {"ids": ids}).all())
        stand: dict[str, Admission] = {}
        raised: dict[str, Decimal] = {}
        amounts: dict[str, Decimal] = {}
        for each in holds:
            amount = rounded(each.amount)
            more = max(Decimal(0), amount - before.get(each.request_id, amount))
            stand[each.request_id] = how = purse.hold_more(each.whose, each.budgets, more)
            if more and not isinstance(how, BudgetExceeded):
                raised[each.request_id], amounts[each.request_id] = more, amount
        rows = ({"request_id": each, "amount": amounts[each]} for each in sorted(amounts))
        _many(db, self._hold, rows)
        return stand, raised

    def _keep_answers(
        self, db: Connection, settles: Sequence[Settle], closed: Sequence[str]
    ) -> None:
        """Of rows of batches whose entries are closed now: the first one said of each."""
        said = {each.request_id: each.answer for each in reversed(settles)}
        answers = {each: said[each] for each in closed}
        _many(db, self._add_answer, (answer_row(i, each) for i, each in answers.items() if each))

    def _close(
        self, db: Connection, ends: Mapping[str, SettlementRow]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Ids of those that are closed now; and of those that had been for a gateway given up.

        What these added up to is taken back: they are to be counted anew.
        """
        if not ends:
            return (), ()
        found = db.execute(_TO_CLOSE, {"ids": list(ends)}).all()
        presumed = [request_id for request_id, was_open in found if not was_open]
        if presumed:
            self._sums.take_back(db, presumed)
            db.execute(_REOPEN, {"ids": presumed})
        ids = [request_id for request_id, _ in found]
        _many(db, self._settle, ({"request_id": each, **ends[each]} for each in ids))
        return ids, presumed


def _purse(db: Connection, writes: Sequence[Write]) -> Purse:
    """The budgets that they ask for."""
    asking = [each for each in writes if isinstance(each, Reserve | Hold)]
    return Purse.look(db, [(budget, each.time) for each in asking for budget in each.budgets])


def _admitted(
    db: Connection, purse: Purse, reserves: Sequence[Reserve]
) -> Sequence[tuple[EntryRow, Admission]]:
    """Who gets what is left of the budgets: first come, first served."""
    if purse.is_empty or not reserves:
        return [(each.row, ()) for each in reserves]
    ids = [each.request_id for each in reserves if each.budgets]
    known = set(db.execute(_KNOWN, {"ids": ids}).scalars())
    return [
        (e.row, purse.admit(e.row, e.budgets, known=e.row["request_id"] in known)) for e in reserves
    ]


def _result(
    write: Write, reserved: Mapping[str, Admission], held: Mapping[str, Admission]
) -> Admission:
    if isinstance(write, Reserve):
        return reserved[write.request_id]
    return held[write.request_id] if isinstance(write, Hold) else ()


def _withdrawn(db: Connection, ids: Collection[str]) -> Sequence[str]:
    """Which of them were reserved without anybody being told."""
    return db.execute(_WITHDRAWN, {"ids": list(ids)}).scalars().all() if ids else ()


def _many(db: Connection, statement: Prepared, rows: Iterable[Mapping[str, object]]) -> None:
    """Execute it for each row, in their order; all in one go."""
    if values := [statement.values(row) for row in rows]:
        db.exec_driver_sql(statement.sql, values)
