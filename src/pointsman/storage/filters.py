"""From filters and scopes to conditions on the tables. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias, cast

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    bindparam,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from pointsman.storage.any_text import Text
from pointsman.storage.schema import Day, Instant, entries
from pointsman.types import Filter, Scope

Condition: TypeAlias = ColumnElement[bool]
Rows: TypeAlias = FromClause[ReadOnlyColumnCollection[str, KeyedColumnElement[object]]]

_MICROSECONDS = literal_column("86400000000", BigInteger)
DAY = timedelta(days=1)

_OPEN = literal_column("'open'", Text)
is_open: Condition = entries.c.outcome == _OPEN
is_settled: Condition = entries.c.outcome != _OPEN


def begun(time: ColumnElement[object], step: timedelta) -> ColumnElement[object]:
    """When the step begins into which a time falls."""
    begin = type_coerce(type_coerce(time, BigInteger) // length(step) * length(step), Instant)
    return cast("ColumnElement[object]", begin)


def length(of: timedelta) -> ColumnElement[int]:
    """In microseconds; written out, for PostgreSQL takes two parameters of a GROUP BY for two values."""
    return literal_column(str(of // timedelta.resolution), BigInteger)


def booked_on(time: ColumnElement[datetime]) -> ColumnElement[object]:
    """The day in UTC on which an entry of that time is booked."""
    day = type_coerce(type_coerce(time, BigInteger) // _MICROSECONDS, Day)
    return cast("ColumnElement[object]", day)


day_of_entry = booked_on(entries.c.time)


class WholeDays:
    """The whole days in UTC within a filter's times, and what is left of it around them."""

    def __init__(self, which: Filter) -> None:
        """None is without bound, as in the filter."""
        since, until = which.since, which.until
        #: The first day, and the first one after the last.
        self.first = None if since is None else day_of(since + DAY - timedelta.resolution)
        self.end = None if until is None else day_of(until)
        self.is_empty = self.first is not None and self.end is not None and self.first >= self.end
        #: Entries of the filter that are in none of the days.
        self.rest: list[Filter] = []
        if self.is_empty:
            self.rest.append(which)
        else:
            if since is not None and self.first is not None and since < midnight(self.first):
                self.rest.append(replace(which, until=midnight(self.first)))
            if until is not None and self.end is not None and midnight(self.end) < until:
                self.rest.append(replace(which, since=midnight(self.end)))

    def __contains__(self, day: date) -> bool:
        """Whether it is one of the days."""
        return (
            not self.is_empty
            and (self.first is None or self.first <= day)
            and (self.end is None or day < self.end)
        )


def day_of(moment: datetime) -> date:
    """The day in UTC."""
    return moment.astimezone(UTC).date()


@lru_cache(maxsize=64)
def midnight(day: date) -> datetime:
    """When the day begins."""
    return datetime.combine(day, time(), UTC)


def of_entries(which: Filter, table: Rows = entries) -> list[Condition]:
    """Conditions on `entries`. How far an open entry has come is no answer yet."""
    answered = which.deployment is not None or which.served_tier is not None
    return [
        *_equal(table, which),
        *([] if which.user is None else [table.c.user == which.user]),
        *([table.c.outcome != _OPEN] if answered else []),
        *([] if which.since is None else [table.c.time >= which.since]),
        *([] if which.until is None else [table.c.time < which.until]),
    ]


def of_rollups(table: Rows, which: Filter, days: WholeDays) -> list[Condition]:
    """Conditions on a table of rollups, which know no users."""
    return [
        *_equal(table, which),
        *([] if days.first is None else [table.c.day >= days.first]),
        *([] if days.end is None else [table.c.day < days.end]),
    ]


def of_scope(table: Rows, scope: Scope) -> list[Condition]:
    """Conditions on a table with organisations and keys."""
    return [
        *([] if scope.organisation is None else [table.c.organisation == scope.organisation]),
        *([] if scope.key is None else [table.c.key == scope.key]),
    ]


def of_given_scope(table: Rows) -> list[Condition]:
    """The same with parameters `organisation` and `key`; NULL is everybody's."""
    return [
        column == func.coalesce(bindparam(column.name, type_=Text()), column)
        for column in (table.c.organisation, table.c.key)
    ]


def of_age(
    table: Rows, organisation: str | None, before: datetime | None = None
) -> list[Condition]:
    """Of one organisation or of all, older than `before` or of all time."""
    return [
        *([] if organisation is None else [table.c.organisation == organisation]),
        *([] if before is None else [table.c.time < before]),
    ]


def _equal(table: Rows, which: Filter) -> list[Condition]:
    """What entries and their sums are both known by."""
    wanted = {
        "organisation": which.organisation,
        "key": which.key,
        "model_asked": which.model_asked,
        "deployment": which.deployment,
        "served_tier": which.served_tier,
        "outcome": which.outcome,
        "cache": which.cache,
    }
    return [table.c[name] == value for name, value in wanted.items() if value is not None]
