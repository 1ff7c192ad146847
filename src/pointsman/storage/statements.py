"""What is asked of the tables and said to them, in SQLAlchemy Core; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias, cast

from sqlalchemy import (
    Delete,
    Dialect,
    Insert,
    Select,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import sqlite

from pointsman.storage.rows import CheckRow, SettlementRow, settlement_row
from pointsman.storage.schema import Money, cache_checks, entries, feedback
from pointsman.types import Settlement

Value: TypeAlias = str | int | float | bytes | None
_Processor: TypeAlias = Callable[[object], Value]

#: What becomes of entries that were open when their process ended.
_INTERRUPTED = Settlement(
    outcome="interrupted",
    error="the gateway stopped before this request ended",
)


class Prepared:
    """A Core statement compiled once, for the driver to execute many times.

    Through SQLAlchemy's own `execute` a lone write cost 50 us of CPU more, half as much again.
    """

    def __init__(
        self, statement: Insert | Update | Delete, dialect: Dialect, *columns: str
    ) -> None:
        """`columns` are what it sets, where that is not in the statement."""
        compiled = statement.compile(dialect=dialect, column_keys=columns or None)
        self.sql = str(compiled)
        self._binds = tuple(
            (
                name,
                compiled.params[name],
                cast("_Processor | None", compiled.binds[name].type.bind_processor(dialect)),
            )
            for name in compiled.positiontup or ()
        )

    def values(self, row: Mapping[str, object]) -> tuple[Value, ...]:
        """The row as the driver wants it, in the order of the statement's parameters."""
        return tuple(
            cast("Value", value) if convert is None else convert(value)
            for name, constant, convert in self._binds
            for value in (row.get(name, constant),)
        )


def reserve(dialect: Dialect) -> Prepared:
    """Write an entry; one that is there stays as it is."""
    return Prepared(sqlite.insert(entries).on_conflict_do_nothing(), dialect)


def settle(dialect: Dialect) -> Prepared:
    """Close the open entry `request_id`."""
    return Prepared(
        update(entries).where(
            entries.c.request_id == bindparam("request_id"), entries.c.outcome == "open"
        ),
        dialect,
        *SettlementRow.__annotations__,
    )


def add_feedback(dialect: Dialect) -> Prepared:
    """Write what was said of the entry `request_id`, if there is one."""
    said = [feedback.c.time, feedback.c.rating, feedback.c.comment]
    row = select(
        entries.c.request_id, *(bindparam(column.name, type_=column.type) for column in said)
    ).where(entries.c.request_id == bindparam("request_id"))
    return Prepared(insert(feedback).from_select([feedback.c.request_id, *said], row), dialect)


def add_check(dialect: Dialect) -> Prepared:
    """Write what was found of a hit."""
    return Prepared(insert(cache_checks), dialect, *CheckRow.__annotations__)


def forget_checks(dialect: Dialect) -> Prepared:
    """Forget what was found of a route's hits."""
    return Prepared(delete(cache_checks).where(cache_checks.c.route == bindparam("route")), dialect)


def checks(route: str | None) -> Select[tuple[object, ...]]:
    """What was found, the oldest first."""
    columns = [column for column in cache_checks.c if column.name != "id"]
    found = select(*columns).order_by(cache_checks.c.time, cache_checks.c.id)
    return found if route is None else found.where(cache_checks.c.route == route)


def interrupt(now: datetime) -> Update:
    """Close every open entry, in the name of a process that can't any more."""
    return (
        update(entries)
        .where(entries.c.outcome == "open")
        .values(settlement_row(_INTERRUPTED, settled_at=now))
    )


def entry(request_id: str) -> Select[tuple[object, ...]]:
    """One entry, or none."""
    return select(entries).where(entries.c.request_id == request_id)


def newest(limit: int, before: datetime | None) -> Select[tuple[object, ...]]:
    """At most `limit` entries, the newest first, older than `before`."""
    page = (
        select(entries)
        .order_by(entries.c.time.desc(), entries.c.request_id.desc())
        .limit(max(limit, 0))
    )
    return page if before is None else page.where(entries.c.time < before)


def feedback_of(page: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    """What was said of the entries on a page, in the order in which it was said."""
    columns = [column for column in feedback.c if column.name != "id"]
    ids = page.with_only_columns(entries.c.request_id)
    return select(*columns).where(feedback.c.request_id.in_(ids)).order_by(feedback.c.id)


def report(since: datetime | None) -> Select[tuple[object, ...]]:
    """The columns of `ReportRow`, in its order, over the entries since then."""
    group = [
        entries.c.deployment,
        entries.c.served_tier,
        entries.c.outcome,
        entries.c.cache,
    ]
    is_unpriced = entries.c.input_tokens.is_not(null()) & entries.c.cost.is_(null())
    saved = entries.c.baseline_cost - entries.c.cost  # NULL, in no sum, where either is unknown
    sums = (
        select(
            *group,
            func.count().label("requests"),
            func.coalesce(func.sum(entries.c.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(entries.c.output_tokens), 0).label("output_tokens"),
            type_coerce(func.coalesce(func.sum(entries.c.cost), 0), Money).label("cost"),
            type_coerce(func.coalesce(func.sum(saved), 0), Money).label("saved"),
            func.count(case((is_unpriced, 1))).label("unpriced"),
        )
        .group_by(*group)
        .order_by(*(column.asc().nulls_first() for column in group))
    )
    return sums if since is None else sums.where(entries.c.time >= since)
