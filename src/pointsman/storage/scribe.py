"""What several statements write together into a SQLite ledger. Synchronous: see `Writer.run`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from pointsman.storage import balances, forgetting, key_rows, rollups, statements
from pointsman.storage.key_rows import key_row
from pointsman.storage.rows import SettlementRow
from pointsman.storage.schema import rounded
from pointsman.storage.statements import Prepared, Value
from pointsman.types import Balance, Budget, Entry, StoredKey

#: SQLite's dialect, for what is prepared.
DIALECT = sqlite_dialect(paramstyle="qmark")


class Scribe:
    """Keeps entries, rollups and balances together. Each method is one transaction's work."""

    def __init__(self) -> None:
        """Prepares its statements; does no I/O."""
        self._reserve = statements.reserve(DIALECT)
        self._settle = statements.settle(DIALECT)
        self._interrupt = statements.interrupt(DIALECT)
        self._open_entries = Prepared(statements.open_entries(), DIALECT)
        self._book = rollups.book(DIALECT)
        self._hold = balances.hold(DIALECT)
        self._spend = balances.spend(DIALECT)
        self._spend_held = balances.settle(DIALECT)
        self._standing = Prepared(balances.standing, DIALECT)
        self._put_key = key_rows.put(DIALECT)
        self._remove_key = key_rows.remove(DIALECT)
        self._count_key_change = key_rows.count_change(DIALECT)

    def reserve(
        self,
        entry: Entry,
        values: tuple[Value, ...],
        budgets: Sequence[Budget],
        db: sqlite3.Connection,
    ) -> Sequence[Balance]:
        """See `ports.Ledger`; the entry's `values` are those of `reserve_values`."""
        is_new = db.execute(self._reserve.sql, values).rowcount
        if is_new and entry.settlement is not None:
            spent = [self._spend] if entry.settlement.cost else []  # a cached reply costs nothing
            self._add_up(entry.request_id, spent, db)
        elif is_new and entry.reserved:
            _execute(db, self._hold, {"request_id": entry.request_id})
        stand = [self._stands(budget, entry.time, db) for budget in budgets]
        if is_new and entry.settlement is None:
            balances.check(stand, rounded(entry.reserved))
        return stand

    def reserve_values(self, row: Mapping[str, object]) -> tuple[Value, ...]:
        """An entry's row as the driver wants it."""
        return self._reserve.values(row)

    def settle(self, request_id: str, values: tuple[Value, ...], db: sqlite3.Connection) -> None:
        """See `ports.Ledger`; `values` are those of `settle_values`."""
        if db.execute(self._settle.sql, values).rowcount:
            self._add_up(request_id, [self._spend_held], db)

    def settle_values(self, request_id: str, row: SettlementRow) -> tuple[Value, ...]:
        """A settlement's row as the driver wants it."""
        return self._settle.values({"request_id": request_id, **row})

    def interrupt(self, now: datetime, db: sqlite3.Connection) -> int:
        """Close every open entry as interrupted; returns how many."""
        found = db.execute(self._open_entries.sql, self._open_entries.values({})).fetchall()
        for (request_id,) in found:
            _execute(db, self._interrupt, {"request_id": request_id, "settled_at": now})
            self._add_up(request_id, [self._spend_held], db)
        return len(found)

    def put_key(self, key: StoredKey, db: sqlite3.Connection) -> None:
        """See `ports.KeyStore`."""
        _execute(db, self._put_key, key_row(key))
        _execute(db, self._count_key_change, {})

    def remove_key(self, key_id: str, db: sqlite3.Connection) -> bool:
        """See `ports.KeyStore`."""
        was_there = _execute(db, self._remove_key, {"id": key_id}) > 0
        if was_there:
            _execute(db, self._count_key_change, {})
        return was_there

    def _add_up(self, request_id: str, spend: Sequence[Prepared], db: sqlite3.Connection) -> None:
        """Book an entry that is settled now."""
        for prepared in (*self._book, *spend):
            _execute(db, prepared, {"request_id": request_id})

    def _stands(self, budget: Budget, at: datetime, db: sqlite3.Connection) -> Balance:
        values = self._standing.values(balances.window(budget, at))
        spent, reserved = cast("tuple[int, int]", db.execute(self._standing.sql, values).fetchone())
        return balances.balance(budget, at, spent, reserved)


class Eraser:
    """Deletes a portion of the books each time that it is called; returns how many entries."""

    def __init__(self, organisation: str | None, before: datetime | None) -> None:
        """See `ports.Retention`."""
        self._portion = [
            Prepared(each, DIALECT) for each in forgetting.entries_with_all(organisation, before)
        ]
        self._at_last = (
            [Prepared(each, DIALECT) for each in forgetting.sums(organisation)]
            if before is None
            else []
        )

    def __call__(self, db: sqlite3.Connection) -> int:
        """With the last portion go the sums, where all of time is to be forgotten."""
        *_, erased = [_execute(db, each, {}) for each in self._portion]
        if erased < forgetting.PORTION:
            for each in self._at_last:
                _execute(db, each, {})
        return erased


class PromptEraser:
    """The same for prompts alone."""

    def __init__(self, organisation: str | None, before: datetime | None) -> None:
        """See `ports.PromptStore`."""
        self._portion = Prepared(forgetting.kept_prompts(organisation, before), DIALECT)

    def __call__(self, db: sqlite3.Connection) -> int:
        """Returns how many prompts."""
        return _execute(db, self._portion, {})


def _execute(db: sqlite3.Connection, prepared: Prepared, row: Mapping[str, object]) -> int:
    """Returns the number of rows changed."""
    return db.execute(prepared.sql, prepared.values(row)).rowcount
