"""What many entries add to balances and rollups, in one statement each, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import (
    ARRAY,
    CompoundSelect,
    Connection,
    Dialect,
    Insert,
    ScalarSelect,
    Select,
    any_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    type_coerce,
)

from pointsman.storage import balances, rollups
from pointsman.storage.any_text import Text
from pointsman.storage.filters import Condition, is_open
from pointsman.storage.schema import Money, entries
from pointsman.storage.schema import balances as balances_table
from pointsman.storage.statements import Written, upsert

_Rows: TypeAlias = Select[*tuple[object, ...]] | CompoundSelect[*tuple[object, ...]]


class Sums:
    """Adds entries up: each once when it is new, and once when it is closed."""

    def __init__(self, dialect: Dialect) -> None:
        """Builds the statements."""
        new, closed, held = _is_among("new"), _is_among("closed"), _is_among("held")
        reserved, nothing = entries.c.reserved, literal_column("0", Money)
        more = func.coalesce(_more(), nothing)
        moved = balances.added(
            new | closed | held,
            spent=case((is_open, nothing), else_=balances.cost),
            reserved=case(
                (closed & ~new, more - reserved),
                (new & is_open, reserved),
                (held, more),
                else_=nothing,
            ),
        )
        summed = [(table, rollups.added(new | closed)) for table in rollups.TABLES]
        self._balances = _adding(balances_table, moved, dialect)
        self._rollups = [_adding(table, rows, dialect) for table, rows in summed]
        self._not_spent = _adding(balances_table, moved, dialect, sign=-1)
        self._not_summed = [_adding(table, rows, dialect, sign=-1) for table, rows in summed]

    def add(
        self,
        db: Connection,
        *,
        new: Sequence[str],
        closed: Sequence[str],
        held: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Ids of what was written, open or settled, and of what was open and now is settled.

        Those in both were never held back. `held` has what is held back for others than the new
        ones beyond what was, in US dollars.
        """
        ids, raised = {"new": list(new), "closed": list(closed)}, held or {}
        if new or closed or raised:
            db.execute(self._balances, {**ids, "held": [*raised], "more": [*raised.values()]})
        for statement in self._rollups if new or closed else ():
            db.execute(statement, ids)

    def take_back(self, db: Connection, ids: Sequence[str]) -> None:
        """Ids of settled entries that are about to be settled otherwise: see `add`."""
        these: dict[str, list[str]] = {"new": list(ids), "closed": []}
        db.execute(self._not_spent, {**these, "held": [], "more": []})
        for statement in self._not_summed:
            db.execute(statement, these)


def _is_among(ids: str) -> Condition:
    return entries.c.request_id == any_(bindparam(ids, type_=ARRAY(Text())))


def _more() -> ScalarSelect[Decimal]:
    """What is held back for an entry beyond what was: one of the parameter `more`, by its place."""
    columns = (column("request_id", Text()), column("more", Money()))
    given = (bindparam("held", type_=ARRAY(Text())), bindparam("more", type_=ARRAY(Money())))
    raised = func.unnest(*given).table_valued(*columns, name="raised").render_derived()
    more = type_coerce(raised.c.more, Money())
    return select(more).where(raised.c.request_id == entries.c.request_id).scalar_subquery()


def _adding(
    table: Written,
    added: _Rows,
    dialect: Dialect,
    *,
    sign: int = 1,
) -> Insert:
    """Add rows to those that are there for their keys, which are locked in the keys' order.

    With `sign` -1 they are subtracted.
    """
    rows = added.subquery()
    key = [rows.c[column.name] for column in table.primary_key]
    sums = [column.name for column in table.c if not column.primary_key]
    totals = (func.sum(rows.c[name]) for name in sums)
    summed = select(*key, *(each if sign > 0 else -each for each in totals))
    summed = summed.group_by(*key).order_by(*key)
    insert = upsert(table, dialect)
    inserted = insert.from_select([*(column.name for column in key), *sums], summed)
    return inserted.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={name: table.c[name] + insert.excluded[name] for name in sums},
    )
