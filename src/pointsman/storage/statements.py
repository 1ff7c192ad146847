"""What is asked of the tables and said to them, in SQLAlchemy Core; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, cast

from sqlalchemy import (
    Column,
    Delete,
    Dialect,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from pointsman.storage.any_text import Text
from pointsman.storage.batch_queries import is_awaited
from pointsman.storage.filters import (
    Condition,
    is_open,
    is_settled,
    of_entries,
    of_given_scope,
    of_scope,
)
from pointsman.storage.rows import CheckRow, MarkRow, SettlementRow
from pointsman.storage.schema import cache_checks, changes, entries, feedback, gateways
from pointsman.types import ALL_ENTRIES, EVERYWHERE, Filter, Measure, Scope

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

#: What the books say of a request whose gateway was gone.
INTERRUPTED = "the gateway stopped before this request ended"

#: The one that is the parameter `request_id`.
the_entry: Condition = entries.c.request_id == bindparam("request_id")

Written: TypeAlias = Table[ReadOnlyColumnCollection[str, Column[object]]]
Value: TypeAlias = str | int | float | bytes | None
_Processor: TypeAlias = Callable[[object], Value]


class Prepared:
    """A Core statement compiled once, for the driver to execute many times.

    Its parameters have the names of the columns that it sets and of its `bindparam`s.

    Through SQLAlchemy's own `execute` a lone write cost 50 us of CPU more, half as much again.
    """

    def __init__(
        self,
        statement: Insert | Update | Delete | Select[*tuple[object, ...]],
        dialect: Dialect,
        *columns: str,
    ) -> None:
        """`columns` are what it sets, where that is not in the statement."""
        compiled = statement.compile(dialect=dialect, column_keys=columns or None)
        self.sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        processors = (compiled.binds[name].type.bind_processor(dialect) for name in self._names)
        self._processors = [
            (place, cast("_Processor", process))
            for place, process in enumerate(processors)
            if process is not None
        ]
        self._constants = {
            name: value for name in self._names if (value := compiled.params[name]) is not None
        }

    def values(self, row: Mapping[str, object]) -> tuple[Value, ...]:
        """The row as the driver wants it, in the order of the statement's parameters."""
        given = {**self._constants, **row} if self._constants else row
        values = list(map(given.get, self._names))
        for place, process in self._processors:
            values[place] = process(values[place])
        return cast("tuple[Value, ...]", tuple(values))


def upsert(table: Written, dialect: Dialect) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ON CONFLICT, in the dialect's words."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - dear to import

        return postgresql.insert(table)
    return sqlite.insert(table)


def replacing(table: Written, dialect: Dialect) -> Prepared:
    """Write a row, in place of what is there for its primary key."""
    key = [column.name for column in table.primary_key]
    insert = upsert(table, dialect)
    rest = {
        column.name: insert.excluded[column.name] for column in table.c if not column.primary_key
    }
    return Prepared(insert.on_conflict_do_update(index_elements=key, set_=rest), dialect)


def count_change(dialect: Dialect, what: str | None = None) -> Prepared:
    """Count one more change, for others to notice; of the parameter `what` where that is not given."""
    counted = bindparam("what", what, type_=Text())
    changed = upsert(changes, dialect).values(what=counted, count=1)
    more = {"count": changes.c.count + 1}
    return Prepared(
        changed.on_conflict_do_update(index_elements=[changes.c.what], set_=more), dialect
    )


def changed(what: str) -> Select[int]:
    """How often it was changed; no row where it never was."""
    return select(changes.c.count).where(changes.c.what == what)


def reserve(dialect: Dialect) -> Prepared:
    """Write an entry; one that is there stays as it is."""
    return Prepared(upsert(entries, dialect).on_conflict_do_nothing(), dialect)


def hold(dialect: Dialect) -> Prepared:
    """Hold `amount` back for the open entry `request_id`."""
    amount = bindparam("amount", type_=entries.c.reserved.type)
    return Prepared(_open_entry().values(reserved=amount), dialect)


def mark(dialect: Dialect) -> Prepared:
    """Write how far the open entry `request_id` has come."""
    return Prepared(_open_entry(), dialect, *MarkRow.__annotations__)


def settle(dialect: Dialect) -> Prepared:
    """Close the open entry `request_id`."""
    return Prepared(_open_entry(), dialect, *SettlementRow.__annotations__)


def interrupt(dialect: Dialect, *which: Condition) -> Prepared:
    """Close open entries at `settled_at` for a process that can't any more.

    How far they have come stays.
    """
    closed = update(entries).where(*which, is_open)
    closed = closed.values(outcome="interrupted", error=INTERRUPTED)
    return Prepared(closed, dialect, entries.c.settled_at.name)


def open_entries(beaten_since: datetime) -> Select[*tuple[object, ...]]:
    """Ids of open entries of gateways that were not heard of since then, and that nobody goes on with."""
    alive = select(gateways.c.id).where(gateways.c.beat >= beaten_since)
    orphaned = entries.c.gateway.is_(null()) | entries.c.gateway.not_in(alive)
    return select(entries.c.request_id).where(is_open, orphaned, ~is_awaited)


def add_feedback(dialect: Dialect) -> Prepared:
    """Write what was said of the entry `request_id`, if there is one in the given scope."""
    said = [feedback.c.time, feedback.c.rating, feedback.c.comment]
    row = select(
        entries.c.request_id, *(bindparam(column.name, type_=column.type) for column in said)
    ).where(entries.c.request_id == bindparam("request_id"), *of_given_scope(entries))
    return Prepared(insert(feedback).from_select([feedback.c.request_id, *said], row), dialect)


def add_check(dialect: Dialect) -> Prepared:
    """Write what was found of a hit."""
    return Prepared(insert(cache_checks), dialect, *CheckRow.__annotations__)


def forget_checks(dialect: Dialect) -> Prepared:
    """Forget what was found of a route's hits."""
    return Prepared(delete(cache_checks).where(cache_checks.c.route == bindparam("route")), dialect)


def checks(route: str | None) -> Select[*tuple[object, ...]]:
    """What was found, the oldest first."""
    columns = [column for column in cache_checks.c if column.name != "id"]
    found = select(*columns).order_by(cache_checks.c.time, cache_checks.c.id)
    return found if route is None else found.where(cache_checks.c.route == route)


def entry(request_id: str, scope: Scope = EVERYWHERE) -> Select[*tuple[object, ...]]:
    """One entry, or none."""
    return select(entries).where(entries.c.request_id == request_id, *of_scope(entries, scope))


def newest(
    limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
) -> Select[*tuple[object, ...]]:
    """At most `limit` entries, the newest first, older than `before`."""
    page = (
        select(entries)
        .where(*of_entries(which))
        .order_by(entries.c.time.desc(), entries.c.request_id.desc())
        .limit(max(limit, 0))
    )
    return page if before is None else page.where(entries.c.time < before)


def measures(limit: int, which: Filter) -> Select[*tuple[object, ...]]:
    """The columns of `Measure` in their order, of settled entries, the newest first."""
    return (
        select(*(entries.c[name] for name in Measure.__struct_fields__))
        .where(*of_entries(which), is_settled)
        .order_by(entries.c.time.desc(), entries.c.request_id.desc())
        .limit(max(limit, 0))
    )


def feedback_of(page: Select[*tuple[object, ...]]) -> Select[*tuple[object, ...]]:
    """What was said of the entries on a page, in the order in which it was said."""
    columns = [column for column in feedback.c if column.name != "id"]
    ids = page.with_only_columns(entries.c.request_id)
    return select(*columns).where(feedback.c.request_id.in_(ids)).order_by(feedback.c.id)


def ratings(which: Filter) -> Select[*tuple[object, ...]]:
    """The columns of `RatingRow`, over the entries' feedback with a rating."""
    rating = feedback.c.rating
    group = [
        case((is_settled, entries.c.deployment)).label("deployment"),
        case((is_settled, entries.c.served_tier)).label("served_tier"),
        entries.c.cache,
    ]
    return (
        select(
            *group,
            func.count(case((rating > 0, 1))).label("good"),
            func.count(case((rating < 0, 1))).label("bad"),
            func.count(case((rating == 0, 1))).label("neutral"),
            func.avg(rating).label("mean"),
        )
        .join_from(feedback, entries)
        .where(rating.is_not(null()), *of_entries(which))
        .group_by(*group)
    )


def _open_entry() -> Update:
    return update(entries).where(the_entry, is_open)
