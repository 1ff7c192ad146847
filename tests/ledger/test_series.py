"""Figures over time: steps are round, and nothing is lost between them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.ledger.series import Span, Sums, series, summed
from pointsman.types import SeriesRow

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHERE = {"small": "local", "large": "cloud"}


@pytest.mark.parametrize(
    ("length", "most", "step"),
    [
        (MINUTE * 15, 60, timedelta(seconds=15)),
        (HOUR, 60, MINUTE),
        (HOUR, 200, timedelta(seconds=30)),
        (DAY, 60, MINUTE * 30),
        (DAY * 2, 60, HOUR),
        (DAY * 2, 1, DAY * 3),
        (DAY * 7, 60, DAY),
        (DAY * 365, 60, DAY * 7),
        (timedelta.resolution, 60, timedelta(seconds=1)),
    ],
    ids=str,
)
def test_steps_are_round(length: timedelta, most: int, step: timedelta) -> None:
    assert Span.of(NOON, NOON + length, most).step == step


def test_the_first_step_begins_with_the_clock() -> None:
    since = NOON + timedelta(minutes=7, seconds=20)

    assert Span.of(since, since + HOUR, 60).first == NOON + timedelta(minutes=7)
    assert Span.of(since, since + DAY * 9, 60).first == NOON - DAY / 2


def test_the_period_before_ends_with_all_time() -> None:
    early = datetime(1, 1, 3, tzinfo=UTC)

    assert Span.of(NOON, NOON + HOUR, 60).before == NOON - HOUR
    assert Span.of(early, NOON, 60).before == early - DAY


@pytest.mark.parametrize("most", [1, 60, 200])
def test_the_longest_range_has_steps_too(most: int) -> None:
    since, until = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
    span = Span.of(since, until, most)
    row = SeriesRow(NOON - (NOON - EPOCH) % span.step, "open", requests=1)

    found = series(span, [row], [], WHERE)

    assert sum(point.requests for point in found.points) == 1
    assert len(found.points) <= most + 1
    assert found.points[0].time <= since


moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
lengths = st.timedeltas(timedelta.resolution, DAY * 3) | st.timedeltas(
    timedelta.resolution, DAY * 900_000
)


@given(
    since=moments, length=lengths, most=st.integers(1, 200), at=st.floats(0, 1, exclude_max=True)
)
def test_whatever_is_in_the_range_is_in_one_step(
    since: datetime, length: timedelta, most: int, at: float
) -> None:
    until = since + min(length, datetime(9998, 1, 1, tzinfo=UTC) - since)
    if until <= since:
        return
    span = Span.of(since, until, most)
    moment = min(since + (until - since) * at, until - timedelta.resolution)
    time = moment - (moment - EPOCH) % span.step

    found = series(span, [SeriesRow(time, "open", requests=1)], [], WHERE)

    assert sum(point.requests for point in found.points) == 1 == found.totals.requests
    assert len(found.points) <= most + 1
    assert found.points[0].time <= since
    assert timedelta() < until - found.points[-1].time <= span.step


def test_each_request_is_of_one_kind_at_most() -> None:
    rows = [
        SeriesRow(NOON, "answered", "small", 1, cost=Decimal("0.1")),
        SeriesRow(NOON, "answered", "large", 2, input_tokens=5),
        SeriesRow(NOON, "cached", None, 3),
        SeriesRow(NOON, "failed", None, 4),
        SeriesRow(NOON, "open", None, 5),
        SeriesRow(NOON, "answered", "gone", 6, cost=Decimal("0.2")),
    ]

    assert summed(rows, WHERE) == Sums(
        requests=21, local=1, cloud=2, cached=3, failed=4, cost=Decimal("0.3"), input_tokens=5
    )


def test_what_an_unknown_price_comes_to_is_unknown() -> None:
    unknown = SeriesRow(NOON, "answered", "small", 2, unpriced=2, input_tokens=5)
    known = SeriesRow(NOON + DAY, "answered", "large", 1, cost=Decimal("0.1"))

    found = series(Span.of(NOON, NOON + DAY * 3, 60), [unknown, known], [unknown], WHERE)

    assert [point.cost for point in found.points] == [None, Decimal("0.1"), 0, 0]
    assert [point.saved for point in found.points] == [None, 0, 0, 0]
    assert (found.totals.cost, found.totals.unpriced) == (Decimal("0.1"), 2)
    assert (found.before.cost, found.before.unpriced) == (None, 2)


@pytest.mark.parametrize(
    ("rows", "cost"),
    [
        pytest.param([SeriesRow(NOON, "failed", requests=1)], "0", id="nothing was used"),
        pytest.param([SeriesRow(NOON, "answered", "small", 2, unpriced=1)], "0", id="one is free"),
        pytest.param(
            [SeriesRow(NOON, "answered", "small", 1, unpriced=1), SeriesRow(NOON, "open", None, 1)],
            None,
            id="what is open has no price yet",
        ),
    ],
)
def test_what_some_known_price_comes_to_is_known(rows: list[SeriesRow], cost: str | None) -> None:
    found = summed(rows, WHERE)

    assert found.cost == found.saved == (None if cost is None else Decimal(cost))
