"""Money held back and spent, by day in UTC, of each organisation and each key. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Delete,
    Dialect,
    Update,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    union_all,
    update,
)

from pointsman.errors import budget_exceeded
from pointsman.storage import filters
from pointsman.storage.filters import (
    Condition,
    day_of,
    day_of_entry,
    is_open,
    is_settled,
    midnight,
    the_entry,
)
from pointsman.storage.schema import Day, Money, balances, dollars, entries
from pointsman.storage.statements import Prepared, upsert
from pointsman.types import Balance, Budget, Period

_DAY = timedelta(days=1)
_NOTHING = literal_column("0", Money)
#: US dollars of an entry; an unknown price counts in no sum.
cost = func.coalesce(entries.c.cost, _NOTHING)

#: How the budget stands in a window, in pico-dollars: see `window` and `balance`.
standing = select(
    cast(func.coalesce(func.sum(balances.c.spent), 0), BigInteger).label("spent"),
    cast(func.coalesce(func.sum(balances.c.reserved), 0), BigInteger).label("reserved"),
).where(
    balances.c.kind == bindparam("kind"),
    balances.c.organisation == bindparam("organisation"),
    balances.c.name == bindparam("name"),
    balances.c.day >= bindparam("first", type_=Day()),
    balances.c.day < bindparam("end", type_=Day()),
)


def hold(dialect: Dialect) -> Prepared:
    """Hold back what the open entry `request_id` has reserved. Not idempotent."""
    return _book(is_open, spent=_NOTHING, reserved=entries.c.reserved, dialect=dialect)


def settle(dialect: Dialect) -> Prepared:
    """Free what the entry `request_id` had reserved, and spend what it cost. Not idempotent."""
    return _book(is_settled, spent=cost, reserved=-entries.c.reserved, dialect=dialect)


def spend(dialect: Dialect) -> Prepared:
    """Spend what the entry `request_id` cost, which came settled. Not idempotent."""
    return _book(is_settled, spent=cost, reserved=_NOTHING, dialect=dialect)


def forget(organisation: str | None) -> Sequence[Update | Delete]:
    """Forget what an organisation has spent, or all; what open entries hold back stays."""
    theirs = filters.of_age(balances, organisation)
    return (
        update(balances).where(*theirs).values(spent=_NOTHING),
        delete(balances).where(*theirs, balances.c.reserved == _NOTHING),
    )


def added(
    *which: Condition, spent: ColumnElement[Decimal], reserved: ColumnElement[Decimal]
) -> CompoundSelect[*tuple[object, ...]]:
    """What some entries add to their days: a row for the organisation and one for the key of each."""
    its = (*which, (spent != _NOTHING) | (reserved != _NOTHING))
    day, organisation = day_of_entry.label("day"), entries.c.organisation
    sums = (spent.label("spent"), reserved.label("reserved"))
    kinds: tuple[tuple[str, ColumnElement[object]], ...] = (
        ("organisation", literal_column("''")),
        ("key", entries.c.key),
    )
    return union_all(
        *(
            select(
                literal_column(f"'{kind}'").label("kind"),
                organisation,
                name.label("name"),
                day,
                *sums,
            ).where(*its)
            for kind, name in kinds
        )
    )


def window(budget: Budget, at: datetime) -> Mapping[str, str | date]:
    """The parameters of `standing` for the budget's window around `at`."""
    first, end = days(budget, at)
    subject = budget.subject
    return {
        "kind": subject.kind,
        "organisation": subject.organisation,
        "name": subject.name,
        "first": first,
        "end": end,
    }


def balance(budget: Budget, at: datetime, spent: int, reserved: int) -> Balance:
    """How the budget stands, from the sums of its window."""
    _, end = days(budget, at)
    return Balance(budget, dollars(spent), dollars(reserved), until=midnight(end))


def check(stand: Sequence[Balance], amount: Decimal) -> None:
    """Raise BudgetExceeded where budgets, the `amount` held back already, are below zero.

    What costs nothing is let through.
    """
    over = [each for each in stand if each.left < 0]
    if not over or not amount:
        return
    before = [replace(each, reserved=each.reserved - amount) for each in stand]
    raise budget_exceeded(before, amount)


def days(budget: Budget, at: datetime) -> tuple[date, date]:
    """The first day of the window, and the first one after it."""
    return _window(budget.period, day_of(at))


@lru_cache(maxsize=64)
def _window(period: Period, day: date) -> tuple[date, date]:
    if period == "day":
        return day, day + _DAY
    first = day.replace(day=1)
    return first, (first + 31 * _DAY).replace(day=1)


def _book(
    which: Condition,
    *,
    spent: ColumnElement[Decimal],
    reserved: ColumnElement[Decimal],
    dialect: Dialect,
) -> Prepared:
    """Add to the day of the entry `request_id`, for its organisation and for its key."""
    rows = added(which, the_entry, spent=spent, reserved=reserved)
    insert = upsert(balances, dialect)
    booked = insert.from_select([column.name for column in balances.c], rows)
    return Prepared(
        booked.on_conflict_do_update(
            index_elements=[column.name for column in balances.primary_key],
            set_={
                "spent": balances.c.spent + insert.excluded.spent,
                "reserved": balances.c.reserved + insert.excluded.reserved,
            },
        ),
        dialect,
    )
