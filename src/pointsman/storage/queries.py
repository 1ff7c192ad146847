"""What is read from the books, over a connection to either database, within its transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Connection, Select

from pointsman.storage import key_rows, prompt_rows, rollups, statements, sums
from pointsman.storage import series as over_time
from pointsman.storage.balances import standing, stands, windows
from pointsman.storage.key_rows import KeyRow
from pointsman.storage.prompt_rows import PromptRow
from pointsman.storage.rows import CheckRow, EntryRow, FeedbackRow, MeasureRow, read_entry
from pointsman.types import (
    Balance,
    Budget,
    Check,
    Dimension,
    Entry,
    Filter,
    Measure,
    RatingRow,
    ReportRow,
    Scope,
    SeriesRow,
    StoredKey,
    StoredPrompt,
)


def entry(db: Connection, request_id: str, scope: Scope) -> Entry | None:
    """See `ports.Books.get`."""
    found = _entries(db, statements.entry(request_id, scope))
    return found[0] if found else None


def newest(db: Connection, limit: int, before: datetime | None, which: Filter) -> Sequence[Entry]:
    """See `ports.Books.list`."""
    return _entries(db, statements.newest(limit, before, which))


def report(db: Connection, which: Filter, by: Sequence[Dimension]) -> Sequence[ReportRow]:
    """See `ports.Books`."""
    parts = (
        ReportRow(**row)
        for part in rollups.report(which, by)
        for row in db.execute(part).mappings()
    )
    return sums.report(parts, by)


def series(db: Connection, step: timedelta, which: Filter) -> Sequence[SeriesRow]:
    """See `ports.Charts`."""
    return [
        SeriesRow(**{"end": "open", **row})
        for part in over_time.series(step, which)
        for row in db.execute(part).mappings()
    ]


def measures(db: Connection, limit: int, which: Filter) -> Sequence[Measure]:
    """See `ports.Charts`."""
    # Ten thousand at a time: by their places this takes half as long as by their names.
    rows = cast("Iterable[MeasureRow]", db.execute(statements.measures(limit, which)))
    return [Measure(*row) for row in rows]


def ratings(db: Connection, which: Filter) -> Sequence[RatingRow]:
    """See `ports.Books`."""
    rows = [RatingRow(**row) for row in db.execute(statements.ratings(which)).mappings()]
    return sums.ratings(rows)


def balances(db: Connection, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
    """See `ports.Books`."""
    if not budgets:
        return []
    return stands(budgets, now, db.execute(standing(len(budgets)), windows(budgets, now)).one())


def prompt(db: Connection, request_id: str, scope: Scope) -> StoredPrompt | None:
    """See `ports.PromptStore`."""
    row = db.execute(prompt_rows.prompt(request_id, scope)).mappings().one_or_none()
    return None if row is None else prompt_rows.read_prompt(cast("PromptRow", row))


def keys(db: Connection) -> Sequence[StoredKey]:
    """See `ports.KeyStore`."""
    rows = cast("Sequence[KeyRow]", db.execute(key_rows.all_keys).mappings().all())
    return [key_rows.read_key(row) for row in rows]


def keys_stamp(db: Connection) -> str:
    """See `ports.KeyStore`."""
    return str(db.scalar(key_rows.key_changes) or 0)


def checks(db: Connection, route: str | None) -> Sequence[Check]:
    """See `ports.CheckStore`."""
    rows = cast("Sequence[CheckRow]", db.execute(statements.checks(route)).mappings().all())
    return [Check(**row) for row in rows]


def _entries(db: Connection, page: Select[*tuple[object, ...]]) -> Sequence[Entry]:
    """The entries on a page, with what was said of them."""
    rows = cast("Sequence[EntryRow]", db.execute(page).mappings().all())
    said: defaultdict[str, list[FeedbackRow]] = defaultdict(list)
    for row in cast("Sequence[FeedbackRow]", db.execute(statements.feedback_of(page)).mappings()):
        said[row["request_id"]].append(row)
    return [read_entry(row, said[row["request_id"]]) for row in rows]
