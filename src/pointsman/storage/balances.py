"""Money held back and spent, by day in UTC, of each organisation and each key. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Delete,
    Dialect,
    Insert,
    ScalarSelect,
    Select,
    Update,
    bindparam,
    case,
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
)
from pointsman.storage.schema import Day, Money, balances, dollars, entries
from pointsman.storage.statements import upsert
from pointsman.types import Balance, Budget, Period

_DAY = timedelta(days=1)
_NOTHING = literal_column("0", Money)
#: US dollars that an entry takes of its budgets; `charged` in SQL.
cost = case(
    (entries.c.cost.is_(None) & entries.c.input_tokens.is_not(None), entries.c.reserved),
    else_=func.coalesce(entries.c.cost, _NOTHING),
)


def charged(known: Decimal | None, held: Decimal, *, used: bool) -> Decimal:
    """US dollars that a settled entry takes of its budgets.

    What it cost; where tokens were `used` whose price nobody knows, what was `held` back for it:
    the most that it may have cost as it was asked for. In no report it counts as that.
    """
    if known is not None:
        return known
    return held if used else Decimal(0)


@lru_cache(maxsize=16)
def standing(count: int) -> Select[*tuple[int, ...]]:
    """How so many budgets stand: one row, of each what is spent and what is reserved, in pico-dollars.

    Its parameters are `windows`; `stands` reads the row.
    """
    return select(*(amount for place in range(count) for amount in _standing(place)))


def _standing(place: int) -> Iterator[ScalarSelect[int]]:
    its = (
        balances.c.kind == bindparam(f"kind_{place}"),
        balances.c.organisation == bindparam(f"organisation_{place}"),
        balances.c.name == bindparam(f"name_{place}"),
        balances.c.day >= bindparam(f"first_{place}", type_=Day()),
        balances.c.day < bindparam(f"end_{place}", type_=Day()),
    )
    for amount in (balances.c.spent, balances.c.reserved):
        total = cast(func.coalesce(func.sum(amount), 0), BigInteger)
        yield select(total).where(*its).scalar_subquery()


def hold(dialect: Dialect, which: Condition) -> Insert:
    """Hold back what an open entry has reserved. Not idempotent."""
    return _book(which, is_open, spent=_NOTHING, reserved=entries.c.reserved, dialect=dialect)


def hold_more(dialect: Dialect, which: Condition, before: ColumnElement[Decimal]) -> Insert:
    """Hold back what an open entry has reserved by now beyond what it had `before`. Not idempotent."""
    more = entries.c.reserved - before
    return _book(which, is_open, spent=_NOTHING, reserved=more, dialect=dialect)


def settle(dialect: Dialect, which: Condition) -> Insert:
    """Free what an entry had reserved, and spend what it cost. Not idempotent."""
    return _book(which, is_settled, spent=cost, reserved=-entries.c.reserved, dialect=dialect)


def spend(dialect: Dialect, which: Condition) -> Insert:
    """Spend what an entry cost, which came settled. Not idempotent."""
    return _book(which, is_settled, spent=cost, reserved=_NOTHING, dialect=dialect)


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


def windows(budgets: Sequence[Budget], at: datetime) -> dict[str, str | date]:
    """The parameters of `standing` for the budgets' windows around `at`."""
    found: dict[str, str | date] = {}
    for place, budget in enumerate(budgets):
        subject = budget.subject
        found[f"kind_{place}"] = subject.kind
        found[f"organisation_{place}"] = subject.organisation
        found[f"name_{place}"] = subject.name
        found[f"first_{place}"], found[f"end_{place}"] = days(budget, at)
    return found


def stands(budgets: Sequence[Budget], at: datetime, sums: Sequence[int]) -> list[Balance]:
    """How the budgets stand, from the row of `standing`."""
    pairs = zip(budgets, sums[::2], sums[1::2], strict=True)
    return [balance(budget, at, spent, reserved) for budget, spent, reserved in pairs]


def balance(budget: Budget, at: datetime, spent: int, reserved: int) -> Balance:
    """How the budget stands, from the sums of its window."""
    _, end = days(budget, at)
    return Balance(budget, dollars(spent), dollars(reserved), until=midnight(end))


def check(stand: Sequence[Balance], amount: Decimal, *, is_more: bool = False) -> None:
    """Raise BudgetExceeded where budgets, the `amount` held back already, are below zero.

    What costs nothing is let through. `is_more`: beyond what was held back for the same request.
    """
    over = [each for each in stand if each.left < 0]
    if not over or not amount:
        return
    before = [replace(each, reserved=each.reserved - amount) for each in stand]
    raise budget_exceeded(before, amount, is_more=is_more)


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
    *which: Condition,
    spent: ColumnElement[Decimal],
    reserved: ColumnElement[Decimal],
    dialect: Dialect,
) -> Insert:
    """Add to the day of the entry, for its organisation and for its key."""
    rows = added(*which, spent=spent, reserved=reserved)
    insert = upsert(balances, dialect)
    booked = insert.from_select([column.name for column in balances.c], rows)
    return booked.on_conflict_do_update(
        index_elements=[column.name for column in balances.primary_key],
        set_={
            "spent": balances.c.spent + insert.excluded.spent,
            "reserved": balances.c.reserved + insert.excluded.reserved,
        },
    )
