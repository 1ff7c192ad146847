"""The books added up."""

from datetime import date
from decimal import Decimal
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.ledger.analytics import GROUPINGS
from pointsman.ledger.report import Line, lines, report, summed
from pointsman.types import CacheState, Dimension, Outcome, ReportRow

MONEY = st.decimals(0, 1000, places=12)


def as_booked(row: ReportRow) -> ReportRow:
    """As the books have it: what has no known price is in no sum of money."""
    row = replace(row, unpriced=min(row.unpriced, row.requests))
    if row.unpriced < row.requests:
        return row
    nothing = dict.fromkeys(("cost", "overhead", "baseline_cost", "saved"), Decimal(0))
    return replace(row, compared=0, estimated_cost=Decimal(0), **nothing)


ROWS = st.lists(
    st.builds(
        ReportRow,
        requests=st.integers(1, 9),
        day=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 5)),
        organisation=st.sampled_from([None, "acme", "umbrella"]),
        key=st.sampled_from([None, "k1", "k2"]),
        deployment=st.sampled_from([None, "small", "strong"]),
        served_tier=st.sampled_from([None, "simple", "complex"]),
        outcome=st.sampled_from([None, *get_args(Outcome)]),
        cache=st.sampled_from([None, *get_args(CacheState)]),
        input_tokens=st.integers(0, 10**9),
        output_tokens=st.integers(0, 10**9),
        cost=MONEY,
        overhead=MONEY,
        baseline_cost=MONEY,
        saved=st.decimals(-1000, 1000, places=12),
        compared=st.integers(0, 9),
        unpriced=st.integers(0, 9),
        estimated=st.integers(0, 9),
        estimated_cost=MONEY,
    ).map(as_booked),
    max_size=12,
)
SUMS = (
    *("requests", "input_tokens", "output_tokens", "cost", "overhead", "baseline_cost", "saved"),
    *("compared", "unpriced", "estimated", "estimated_cost"),
)


def in_all(those: tuple[Line, ...]) -> list[object]:
    return [sum((getattr(line, name) or 0 for line in those), Decimal(0)) for name in SUMS]


@given(ROWS, st.sampled_from(sorted(set(GROUPINGS.values()))))
def test_any_grouping_adds_up_to_the_total(rows: list[ReportRow], by: Dimension) -> None:
    assert in_all(lines(rows, by)) == in_all((summed("total", rows),))


def test_empty_books() -> None:
    assert report([]).total.requests == 0
    assert report([]).by_deployment == ()
    assert report([]).total.saved_share is None


def test_days_come_in_order_and_the_rest_by_what_it_cost() -> None:
    rows = [
        ReportRow(1, day=date(2026, 5, 2), key="cheap", cost=Decimal(1)),
        ReportRow(1, day=date(2026, 5, 1), key="dear", cost=Decimal(2)),
        ReportRow(1, day=date(2026, 5, 3), cost=Decimal(0)),
    ]

    assert [line.name for line in lines(rows, "day")] == ["2026-05-01", "2026-05-02", "2026-05-03"]
    assert [line.name for line in lines(rows, "key")] == ["dear", "cheap", "none"]


def test_a_reply_from_the_cache_is_the_caches() -> None:
    rows = [
        ReportRow(3, deployment="strong", cache="exact"),
        ReportRow(2, deployment="strong", cache="miss"),
    ]

    assert {line.name: line.requests for line in lines(rows, "deployment")} == {
        "cache": 3,
        "strong": 2,
    }
