"""What all books give to charts: `ports.Charts`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from tests.contract.test_books import MICROSECOND, filters, lives, summed, write
from tests.support.books import Store
from tests.support.entries import NOON, entry

from pointsman.types import (
    Ending,
    Entry,
    Filter,
    Measure,
    Progress,
    SeriesRow,
    Settlement,
    Usage,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = 1000
SUMS = [field.name for field in fields(SeriesRow)[3:]]
steps = st.sampled_from([timedelta(seconds=7), HOUR * 5, HOUR * 24, HOUR * 72])


def added(rows: Iterable[SeriesRow]) -> dict[tuple[datetime, Ending, str | None], SeriesRow]:
    """One row for each step and kind."""
    found: dict[tuple[datetime, Ending, str | None], SeriesRow] = {}
    for row in rows:
        kind = row.time, row.end, row.deployment
        before = found.get(kind, SeriesRow(*kind))
        sums = {name: getattr(before, name) + getattr(row, name) for name in SUMS}
        found[kind] = replace(row, **sums)
    return found


def expected(entry: Entry, step: timedelta) -> SeriesRow:
    """What one entry is to add."""
    [row] = summed([entry], ())
    end, who = entry.settlement, None
    if end is None:
        kind: Ending = "open"
    elif entry.lookup.state in {"exact", "semantic"}:
        kind = "cached"
    elif end.outcome in {"failed", "interrupted", "refused"}:
        kind = "failed"
    else:
        kind, who = "answered", end.deployment
    time = EPOCH + (entry.time - EPOCH) // step * step
    return SeriesRow(time, kind, who, **{name: getattr(row, name) for name in SUMS})


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lived=st.lists(lives, max_size=8), wanted=filters, step=steps)
async def test_a_series_is_the_sums_of_each_step(
    books: Store,
    lived: list[tuple[Entry, Progress | None, Settlement | None, bool]],
    wanted: Filter,
    step: timedelta,
):
    which = replace(wanted, organisation=await write(books, lived))

    found = added(await books.series(step, which))

    every = await books.list(limit=ALL, which=which)
    assert found == added(expected(each, step) for each in every)


async def test_steps_without_entries_are_left_out(books: Store):
    await books.reserve(entry("r1", NOON + HOUR - MICROSECOND))
    await books.reserve(entry("r2", NOON + HOUR * 3, outcome="open"))
    await books.mark("r2", Progress("small", "simple", Usage(9, 9), Decimal(9)))

    found = added(await books.series(HOUR))

    assert {(*kind, row.requests, row.input_tokens) for kind, row in found.items()} == {
        (NOON, "answered", "small", 1, 100),
        (NOON + HOUR * 3, "open", None, 1, 0),
    }


async def test_what_is_forgotten_stays_in_days_alone(books: Store):
    await books.reserve(entry("r1", NOON))
    await books.forget_entries(before=NOON + HOUR)

    assert list(await books.series(HOUR)) == []
    [row] = await books.series(HOUR * 24)
    assert (row.time, row.requests) == (NOON - HOUR * 12, 1)


def measured(entries: Sequence[Entry]) -> list[Measure]:
    """What the books are to say of the settled ones."""
    return [
        Measure(
            each.time,
            end.deployment,
            each.decision.tier,
            end.served_tier,
            end.outcome,
            each.lookup.state,
            each.decision.score,
            each.decision.scorer,
            end.latency_ms,
            end.ttft_ms,
            end.usage.output_tokens if end.usage else None,
            end.error,
        )
        for each in entries
        if (end := each.settlement)
    ]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lived=st.lists(lives, max_size=8), wanted=filters, limit=st.integers(0, 9))
async def test_measures_are_those_of_the_settled_entries(
    books: Store,
    lived: list[tuple[Entry, Progress | None, Settlement | None, bool]],
    wanted: Filter,
    limit: int,
):
    which = replace(wanted, organisation=await write(books, lived))

    found = await books.measures(limit, which)

    assert list(found) == measured(await books.list(limit=ALL, which=which))[:limit]
