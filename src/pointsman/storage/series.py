"""The books over time, for `ports.Charts`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Label,
    Select,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
)

from pointsman.storage import filters, rollups
from pointsman.storage.any_text import Text
from pointsman.storage.filters import DAY, Rows, WholeDays, is_settled
from pointsman.storage.rollups import OF_ENTRY, summed
from pointsman.storage.schema import entries
from pointsman.storage.sums import of_entry
from pointsman.types import FAILED, Dimension, Ending, Entry, Filter, SeriesRow

_Column: TypeAlias = ColumnElement[object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What rows are grouped by, besides time.
_BY: tuple[Dimension, ...] = ("deployment", "outcome", "cache")
_HITS = ("exact", "semantic")
_SUMS = (
    *("requests", "cost", "baseline_cost", "saved", "unpriced"),
    *("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
)


def series(step: timedelta, which: Filter) -> Sequence[Select[*tuple[object, ...]]]:
    """Selects of `SeriesRow`s.

    Steps of days are read from the rollups, as far as whole days of the filter go.
    """
    days = WholeDays(which)
    selects = rollups.of_open_entries(which, (), step)
    if step % DAY or days.is_empty or which.user is not None:
        return [_of_entries(step, which), *selects]
    rest = (_of_entries(step, part) for part in days.rest)
    return [_of_rollups(step, which, days), *rest, *selects]


def row_of(entry: Entry, step: timedelta) -> SeriesRow:
    """What one entry adds."""
    settled, sums = entry.settlement, of_entry(entry, ())
    end: Ending = "answered"
    if settled is None:
        end = "open"
    elif entry.is_given:
        end = "cached"
    elif settled.outcome in FAILED:
        end = "failed"
    return SeriesRow(
        time=entry.time - (entry.time - _EPOCH) % step,
        end=end,
        deployment=settled.deployment if settled and end == "answered" else None,
        **{name: getattr(sums, name) for name in _SUMS},
    )


def _of_entries(step: timedelta, which: Filter) -> Select[*tuple[object, ...]]:
    group = _group(entries, entries.c.time, step)
    sums = (summed(name, OF_ENTRY[name]) for name in _SUMS)
    found = select(*group, *sums).where(*filters.of_entries(which), is_settled)
    return found.group_by(*(column.element for column in group))


def _of_rollups(step: timedelta, which: Filter, days: WholeDays) -> Select[*tuple[object, ...]]:
    table = rollups.table_for(which, _BY)
    midnight = type_coerce(table.c.day, BigInteger) * filters.length(DAY)
    group = _group(table, cast("_Column", midnight), step)
    sums = (summed(name, table.c[name]) for name in _SUMS)
    found = select(*group, *sums).where(*filters.of_rollups(table, which, days))
    return found.group_by(*(column.element for column in group))


def _group(table: Rows, time: _Column, step: timedelta) -> list[Label[object]]:
    is_hit, is_failed = _is_one_of(table.c.cache, _HITS), _is_one_of(table.c.outcome, FAILED)
    deployment = func.nullif(table.c.deployment, _word(""))
    end = case((is_hit, _word("cached")), (is_failed, _word("failed")), else_=_word("answered"))
    return [
        filters.begun(time, step).label("time"),
        end.label("end"),
        case((is_hit | is_failed, null()), else_=deployment).label("deployment"),
    ]


def _is_one_of(column: _Column, words: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(column == _word(word) for word in sorted(words)))


def _word(word: str) -> ColumnElement[str]:
    """Written out: PostgreSQL takes two parameters of a GROUP BY for two values."""
    return literal_column(f"'{word}'", Text)
