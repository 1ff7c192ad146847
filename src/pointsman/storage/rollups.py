"""What the entries add up to: written with each settlement, and read for reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from sqlalchemy import (
    ColumnElement,
    Delete,
    Dialect,
    Insert,
    Label,
    Select,
    case,
    cast,
    delete,
    func,
    literal_column,
    null,
    select,
)

from pointsman.storage import filters
from pointsman.storage.filters import (
    Condition,
    WholeDays,
    booked_on,
    day_of_entry,
    is_open,
    is_settled,
)
from pointsman.storage.schema import entries, key_rollups, key_totals, rollups
from pointsman.storage.statements import Written, upsert
from pointsman.types import Dimension, Filter

_Column: TypeAlias = ColumnElement[object]

_NONE: _Column = literal_column("''")
_ZERO: _Column = literal_column("0")
_ONE: _Column = literal_column("1")
#: Each entry is in all of them; `report` reads the first one that will do: it is the smallest.
TABLES = (rollups, key_totals, key_rollups)
_SUMS = tuple(column.name for column in rollups.c if not column.primary_key)
#: What an open entry does not have yet.
_ANSWERED = {"deployment", "served_tier"}
#: What is known of it.
_SHOWN = {"time", "organisation", "key", "user", "model_asked", "outcome", "cache"}
#: The group of a settled entry.
_GROUP_OF_ENTRY: Mapping[str, _Column] = {
    "organisation": entries.c.organisation,
    "key": entries.c.key,
    "day": day_of_entry,
    "model_asked": entries.c.model_asked,
    "deployment": func.coalesce(entries.c.deployment, _NONE),
    "served_tier": func.coalesce(entries.c.served_tier, _NONE),
    "outcome": entries.c.outcome,
    "cache": entries.c.cache,
}


def _where(condition: ColumnElement[bool], amount: ColumnElement[object] | None = None) -> _Column:
    """The amount, or 1, where the condition holds; else 0."""
    return case((condition, _ONE if amount is None else func.coalesce(amount, _ZERO)), else_=_ZERO)


_is_priced = entries.c.cost.is_not(null())
_is_compared = _is_priced & entries.c.baseline_cost.is_not(null())
_is_completed = entries.c.outcome == "completed"
#: What a settled entry adds to each sum; see `ReportRow`.
OF_ENTRY: Mapping[str, _Column] = {
    "requests": _ONE,
    "input_tokens": func.coalesce(entries.c.input_tokens, _ZERO),
    "output_tokens": func.coalesce(entries.c.output_tokens, _ZERO),
    "cached_tokens": func.coalesce(entries.c.cached_tokens, _ZERO),
    "written_tokens": func.coalesce(entries.c.written_tokens, _ZERO),
    "reasoning_tokens": func.coalesce(entries.c.reasoning_tokens, _ZERO),
    "cost": func.coalesce(entries.c.cost, _ZERO),
    "overhead": _where(_is_priced, entries.c.overhead),
    "baseline_cost": _where(_is_compared, entries.c.baseline_cost),
    "saved": _where(_is_compared, entries.c.baseline_cost - entries.c.cost),
    "compared": _where(_is_compared),
    "unpriced": _where(entries.c.input_tokens.is_not(null()) & ~_is_priced),
    "estimated": _where(entries.c.usage_estimated),
    "estimated_cost": _where(entries.c.usage_estimated, entries.c.cost),
    "verified": _where(entries.c.verified),
    "escalated": _where(entries.c.escalated),
    "latency_ms": _where(_is_completed, entries.c.latency_ms),
    "completed": _where(_is_completed),
}


def book(dialect: Dialect, which: Condition) -> Sequence[Insert]:
    """Add a settled entry to the sums of its day. Not idempotent."""
    return [_book(table, dialect, which) for table in TABLES]


def added(*which: Condition) -> Select[*tuple[object, ...]]:
    """What the settled ones of some entries add, a row for each, with the columns of all tables."""
    return _added(_GROUP_OF_ENTRY, *which)


def forget(organisation: str | None) -> Sequence[Delete]:
    """Delete the sums of an organisation, or of all."""
    return [delete(table).where(*filters.of_age(table, organisation)) for table in TABLES]


def report(which: Filter, by: Sequence[Dimension]) -> Sequence[Select[*tuple[object, ...]]]:
    """Selects of `ReportRow`s, for `sums.report` to put together.

    Whole days come from the rollups and what is left around them from the entries; where the filter
    has a user, all of it. Open entries are counted as they are.
    """
    selects: list[Select[*tuple[object, ...]]] = []
    days = WholeDays(which)
    if which.user is not None:
        selects.append(_of_entries(which, by))
    else:
        if not days.is_empty:
            selects.append(_of_rollups(which, days, by))
        selects += [_of_entries(rest, by) for rest in days.rest]
    return [*selects, *of_open_entries(which, by)]


def _book(table: Written, dialect: Dialect, which: Condition) -> Insert:
    group = [column.name for column in table.primary_key]
    insert = upsert(table, dialect)
    return insert.from_select([*group, *_SUMS], _added(group, which)).on_conflict_do_update(
        index_elements=group,
        set_={name: table.c[name] + insert.excluded[name] for name in _SUMS},
    )


def _added(group: Iterable[str], *which: Condition) -> Select[*tuple[object, ...]]:
    return select(
        *(_GROUP_OF_ENTRY[name].label(name) for name in group),
        *(OF_ENTRY[name].label(name) for name in _SUMS),
    ).where(*which, is_settled)


def _of_rollups(
    which: Filter, days: WholeDays, by: Sequence[Dimension]
) -> Select[*tuple[object, ...]]:
    table = table_for(which, by)
    return (
        select(
            *(_known(name, table.c[name]) for name in by),
            *(summed(name, table.c[name]) for name in _SUMS),
        )
        .where(*filters.of_rollups(table, which, days))
        .group_by(*(table.c[name] for name in by))
    )


def table_for(which: Filter, by: Sequence[Dimension]) -> Written:
    """The smallest that has what is grouped by and what is filtered by."""
    filtered = {name for name in _GROUP_OF_ENTRY if getattr(which, name, None) is not None}
    return next(table for table in TABLES if {*by, *filtered} <= set(table.c.keys()))


def _of_entries(which: Filter, by: Sequence[Dimension]) -> Select[*tuple[object, ...]]:
    return (
        select(
            *(_column(name).label(name) for name in by),
            *(summed(name, OF_ENTRY[name]) for name in _SUMS),
        )
        .where(*filters.of_entries(which), is_settled)
        .group_by(*map(_column, by))
    )


def of_open_entries(
    which: Filter, by: Sequence[Dimension], step: timedelta | None = None
) -> list[Select[*tuple[object, ...]]]:
    """Open entries, counted; none where the filter is for what they don't have.

    With a step, for `SeriesRow`s.
    """
    answered = which.deployment is not None or which.served_tier is not None
    if answered or which.outcome not in {None, "open"}:
        return []
    # Found first of all: SQLite would rather look through all that a key or an organisation has.
    known = [column for column in entries.c if column.name in _SHOWN]
    found = select(*known).where(is_open).cte("found").prefix_with("MATERIALIZED")
    group = [
        (booked_on(found.c.time) if name == "day" else found.c[name]).label(name)
        for name in by
        if name not in _ANSWERED
    ]
    if step is not None:
        group.append(filters.begun(found.c.time, step).label("time"))
    counted = select(*group, func.count().label("requests")).select_from(found)
    return [counted.where(*filters.of_entries(which, found)).group_by(*group)]


def _column(name: Dimension) -> _Column:
    return day_of_entry if name == "day" else entries.c[name]


def _known(name: Dimension, column: _Column) -> Label[object]:
    """NULL where it is none."""
    return (func.nullif(column, _NONE) if name in _ANSWERED else column).label(name)


def summed(name: str, column: _Column) -> Label[object]:
    """The sum under that name."""
    return cast(func.sum(column), rollups.c[name].type).label(name)
