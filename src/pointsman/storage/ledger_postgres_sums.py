"""What many entries add to balances and rollups, in one statement each, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import (
    ARRAY,
    CompoundSelect,
    Connection,
    Dialect,
    Insert,
    Select,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    select,
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
        new, closed = _is_among("new"), _is_among("closed")
        reserved, nothing = entries.c.reserved, literal_column("0", Money)
        moved = balances.added(
            new | closed,
            spent=case((is_open, nothing), else_=balances.cost),
            reserved=case((closed & ~new, -reserved), (is_open, reserved), else_=nothing),
        )
        every: list[tuple[Written, _Rows]] = [
            (balances_table, moved),
            *((table, rollups.added(new | closed)) for table in rollups.TABLES),
        ]
        self._statements = [_adding(table, rows, dialect) for table, rows in every]
        self._reversed = [_adding(table, rows, dialect, sign=-1) for table, rows in every]

    def add(self, db: Connection, *, new: Sequence[str], closed: Sequence[str]) -> None:
        """Ids of what was written, open or settled, and of what was open and now is settled.

        Those in both were never held back.
        """
        for statement in self._statements if new or closed else ():
            db.execute(statement, {"new": list(new), "closed": list(closed)})

    def take_back(self, db: Connection, ids: Sequence[str]) -> None:
        """Ids of entries, open or settled, that are about to be written otherwise: see `add`."""
        for statement in self._reversed:
            db.execute(statement, {"new": list(ids), "closed": []})


def _is_among(ids: str) -> Condition:
    return entries.c.request_id == any_(bindparam(ids, type_=ARRAY(Text())))


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
