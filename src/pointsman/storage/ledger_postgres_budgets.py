"""Whether budgets suffice for many reservations at once, on PostgreSQL.

A budget is looked at by one transaction at a time, whichever gateway it is of: the next one sees
what this one held back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TypeAlias

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnClause,
    Connection,
    Select,
    and_,
    bindparam,
    cast,
    column,
    func,
    select,
    type_coerce,
)

from pointsman.errors import BudgetExceeded, LedgerUnavailable
from pointsman.storage.any_text import Text
from pointsman.storage.balances import balance, charged, check, days
from pointsman.storage.rows import EntryRow
from pointsman.storage.schema import Day, balances, rounded
from pointsman.types import Balance, Budget, Period, Subject


class Withdrawn(LedgerUnavailable):
    """The entry was taken back: what its request came to would be lost."""


#: How the budgets of a reservation stand with it, or that they don't suffice for it.
Admission: TypeAlias = Sequence[Balance] | BudgetExceeded | Withdrawn


class Whose(msgspec.Struct, frozen=True):
    """Where an entry is booked: for whom, and when."""

    organisation: str
    key: str
    time: datetime


_PERIODS: tuple[Period, ...] = ("day", "month")
_LOCKS = func.unnest(bindparam("locks", type_=ARRAY(BigInteger))).column_valued("lock")
#: Held until the transaction ends; taken in the order given.
_LOCK = select(func.pg_advisory_xact_lock(_LOCKS))


class _Window(msgspec.Struct, frozen=True):
    """The days of a budget, without its limit."""

    kind: str
    organisation: str
    name: str
    first: date
    end: date

    @property
    def lock(self) -> int:
        """What stands for its subject among the server's locks: any number of 64 bits."""
        subject = repr((self.kind, self.organisation, self.name))
        return int.from_bytes(sha256(subject.encode()).digest()[:8], signed=True)


class _Sum(msgspec.Struct, frozen=True):
    """Of a window, in pico-dollars."""

    spent: int
    reserved: int

    def __add__(self, more: _Sum) -> _Sum:
        return _Sum(self.spent + more.spent, self.reserved + more.reserved)


def _standing() -> Select[int, int, int]:
    """The sums of windows, by their place: one for each element of the parameters."""
    columns: list[ColumnClause[str] | ColumnClause[date]] = [
        *(column(name, Text()) for name in ("kind", "organisation", "name")),
        *(column(name, Day()) for name in ("first", "end")),
    ]
    given = func.unnest(*(bindparam(each.name, type_=ARRAY(each.type)) for each in columns))
    asked = given.table_valued(*columns, with_ordinality="place", name="asked").render_derived()
    joined = asked.outerjoin(
        balances,
        and_(
            *(balances.c[name] == asked.c[name] for name in ("kind", "organisation", "name")),
            balances.c.day >= asked.c.first,
            balances.c.day < asked.c.end,
        ),
    )
    place = type_coerce(asked.c.place, BigInteger)
    spent, reserved = (
        cast(func.coalesce(func.sum(type_coerce(each, BigInteger)), 0), BigInteger)
        for each in (balances.c.spent, balances.c.reserved)
    )
    return select(place, spent, reserved).select_from(joined).group_by(place)


_STANDING = _standing()


class Purse:
    """What is left of the budgets that some reservations ask for, for as long as a transaction."""

    def __init__(self, sums: dict[_Window, _Sum]) -> None:
        """See `look`."""
        self._sums = sums

    @classmethod
    def look(cls, db: Connection, asked: Collection[tuple[Budget, datetime]]) -> Purse:
        """How they stand; nobody else holds anything back of them until the transaction ends."""
        windows = list({_window(budget, at) for budget, at in asked})
        if not windows:
            return cls({})
        db.execute(_LOCK, {"locks": sorted({each.lock for each in windows})})
        asking = {name: [getattr(w, name) for w in windows] for name in _Window.__struct_fields__}
        found = db.execute(_STANDING, asking)
        return cls({windows[place - 1]: _Sum(spent, held) for place, spent, held in found})

    @property
    def is_empty(self) -> bool:
        """Nobody asks for any."""
        return not self._sums

    def admit(self, row: EntryRow, budgets: Sequence[Budget], *, known: bool) -> Admission:
        """Book the entry, if its budgets suffice; nothing more where it is `known` to the books."""
        is_open = row["outcome"] == "open"
        held = rounded(row["reserved"]) if is_open and not known else Decimal(0)
        spent = rounded(_charged(row)) if not is_open and not known else Decimal(0)
        whose = Whose(row["organisation"], row["key"], row["time"])
        return self._book(whose, budgets, spent, held)

    def hold_more(self, whose: Whose, budgets: Sequence[Budget], amount: Decimal) -> Admission:
        """Hold so many US dollars more back for an open entry, if its budgets suffice."""
        return self._book(whose, budgets, Decimal(0), amount, is_more=True)

    def _book(
        self,
        whose: Whose,
        budgets: Sequence[Budget],
        spent: Decimal,
        held: Decimal,
        *,
        is_more: bool = False,
    ) -> Admission:
        more = _Sum(_picos(spent), _picos(held))
        sums = [self._sums[_window(budget, whose.time)] + more for budget in budgets]
        stand = [
            balance(budget, whose.time, each.spent, each.reserved)
            for budget, each in zip(budgets, sums, strict=True)
        ]
        try:
            check(stand, held, is_more=is_more)
        except BudgetExceeded as error:
            return error
        for window in _windows(whose):
            if window in self._sums:
                self._sums[window] += more
        return stand


def _charged(row: EntryRow) -> Decimal:
    return charged(row["cost"], row["reserved"], used=row["input_tokens"] is not None)


def _picos(amount: Decimal) -> int:
    return int(amount.scaleb(12))


def _windows(whose: Whose) -> list[_Window]:
    """All in which an entry is booked."""
    organisation = whose.organisation
    subjects = (Subject("organisation", organisation), Subject("key", organisation, whose.key))
    budgets = (Budget(subject, each, Decimal(0)) for subject in subjects for each in _PERIODS)
    return [_window(budget, whose.time) for budget in budgets]


def _window(budget: Budget, at: datetime) -> _Window:
    subject = budget.subject
    return _Window(subject.kind, subject.organisation, subject.name, *days(budget, at))
