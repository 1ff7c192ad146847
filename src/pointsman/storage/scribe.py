"""What several statements write together into a SQLite ledger. Synchronous: see `Writer.run`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import cast

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from pointsman.storage import balances, forgetting, key_rows, observed_rows, statements
from pointsman.storage.batch_queries import is_awaited
from pointsman.storage.batches import add_answer, answer_row
from pointsman.storage.filters import is_open
from pointsman.storage.key_rows import key_row
from pointsman.storage.learning import Step
from pointsman.storage.schema import dollars, entries, rounded
from pointsman.storage.statements import Prepared, Value
from pointsman.storage.triggers import triggers
from pointsman.types import Balance, Budget, Entry, RowAnswer, StoredKey

#: SQLite's dialect, for what is prepared.
DIALECT = sqlite_dialect(paramstyle="qmark")


class Scribe:
    """Says to the ledger what is more than one statement. Each method is one transaction's work.

    What entries add up to is kept in step by the connection itself: see `triggers`.
    """

    def __init__(self) -> None:
        """Prepares its statements; does no I/O."""
        self._triggers = tuple(triggers(DIALECT))
        self._reserve = statements.reserve(DIALECT)
        self._take_part = observed_rows.take_part(DIALECT)
        self._held = Prepared(
            select(entries.c.reserved).where(statements.the_entry, is_open), DIALECT
        )
        self._hold = statements.hold(DIALECT)
        self._settle = statements.settle(DIALECT)
        self._add_answer = add_answer(DIALECT)
        self._interrupt = statements.interrupt(DIALECT, ~is_awaited)
        self._put_key = key_rows.put(DIALECT)
        self._remove_key = key_rows.remove(DIALECT)
        self._count_key_change = key_rows.count_change(DIALECT)

    def prepare(self, db: sqlite3.Connection) -> sqlite3.Connection:
        """Make it a connection that may write entries; returns it."""
        for each in self._triggers:
            db.execute(each)
        return db

    def reserve(
        self,
        entry: Entry,
        values: tuple[Value, ...],
        budgets: Sequence[Budget],
        db: sqlite3.Connection,
    ) -> Sequence[Balance]:
        """See `ports.Ledger`; the entry's `values` are those of `statements.reserve`."""
        is_new = db.execute(self._reserve.sql, values).rowcount
        stand = self._stand(budgets, entry.time, db)
        if is_new and entry.settlement is None:
            balances.check(stand, rounded(entry.reserved))
        if is_new and (part := observed_rows.participant_row(entry)):
            _execute(db, self._take_part, part)
        return stand

    def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget], db: sqlite3.Connection
    ) -> Sequence[Balance]:
        """See `ports.Ledger`."""
        one = {"request_id": entry.request_id}
        found = db.execute(self._held.sql, self._held.values(one)).fetchone()
        more = rounded(amount) - dollars(found[0]) if found else Decimal(0)
        if more > 0:
            _execute(db, self._hold, {**one, "amount": amount})
        stand = self._stand(budgets, entry.time, db)
        if more > 0:
            balances.check(stand, more, is_more=True)
        return stand

    def answer(
        self,
        request_id: str,
        row: Mapping[str, object],
        answer: RowAnswer,
        db: sqlite3.Connection,
    ) -> None:
        """Settle the entry of a batch's row, if it is open, and keep what it was answered."""
        if _execute(db, self._settle, row):
            _execute(db, self._add_answer, answer_row(request_id, answer))

    def interrupt(self, now: datetime, db: sqlite3.Connection) -> int:
        """Close every open entry as interrupted, but for rows of batches that go on; how many."""
        return _execute(db, self._interrupt, {"settled_at": now})

    def carry_out(self, steps: Sequence[Step], db: sqlite3.Connection) -> Sequence[int]:
        """Returns how many rows each of them changed."""
        return [_execute(db, prepared, row) for prepared, row in steps]

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

    def _stand(
        self, budgets: Sequence[Budget], at: datetime, db: sqlite3.Connection
    ) -> Sequence[Balance]:
        if not budgets:
            return []
        asked = _standing(len(budgets))
        sums = db.execute(asked.sql, asked.values(balances.windows(budgets, at))).fetchone()
        return balances.stands(budgets, at, cast("tuple[int, ...]", sums))


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


@lru_cache(maxsize=16)
def _standing(count: int) -> Prepared:
    return Prepared(balances.standing(count), DIALECT)


def _execute(db: sqlite3.Connection, prepared: Prepared, row: Mapping[str, object]) -> int:
    """Returns the number of rows changed."""
    return db.execute(prepared.sql, prepared.values(row)).rowcount
