"""What the person who pays asks, and what the sums answer."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.test_report import ROWS

from pointsman.ledger import analytics
from pointsman.ledger.analytics import GROUPINGS
from pointsman.types import Filter, RatingRow, ReportRow

DAY = date(2026, 5, 1)


def test_a_summary_has_shares_of_requests_and_of_cost() -> None:
    rows = [
        ReportRow(3, deployment="small", served_tier="simple", outcome="completed", cache="miss"),
        ReportRow(
            1,
            deployment="strong",
            served_tier="complex",
            outcome="completed",
            cache="miss",
            cost=Decimal("0.5"),
        ),
    ]
    since = datetime(2026, 5, 1, tzinfo=UTC)

    found = analytics.summary(rows, Filter(since=since))

    assert (found.since, found.until, found.total.requests) == (since, None, 4)
    assert [(each.name, each.of_requests, each.of_cost) for each in found.tiers] == [
        ("complex", 0.25, 1.0),
        ("simple", 0.75, 0.0),
    ]
    assert [(each.name, each.of_requests) for each in found.outcomes] == [("completed", 1.0)]


def test_nothing_has_no_shares() -> None:
    found = analytics.summary([], Filter())

    assert found.total.requests == 0
    assert found.tiers == ()


def test_savings_are_net_and_say_what_they_leave_out() -> None:
    rows = [
        # Two answers of the small model, whose drafts and judge cost something; one is estimated.
        ReportRow(
            2, day=DAY, cache="miss", compared=2, cost=Decimal("0.3"), overhead=Decimal("0.1"),
            baseline_cost=Decimal("1.0"), saved=Decimal("0.7"), estimated=1,
            estimated_cost=Decimal("0.2"),
        ),
        # One from the cache.
        ReportRow(
            1, day=DAY, cache="exact", compared=1,
            baseline_cost=Decimal("0.5"), saved=Decimal("0.5"),
        ),
        # One without a price, and embeddings, for which there is no baseline.
        ReportRow(2, day=DAY, cache="bypass", unpriced=1, cost=Decimal("0.04")),
    ]  # fmt: skip

    found = analytics.savings({"day": rows}, baseline="opus")

    line = found.total
    assert found.baseline == "opus"
    assert "baseline_cost - cost" in found.formula
    assert (line.requests, line.compared, line.excluded, line.unpriced) == (5, 3, 2, 1)
    assert line.baseline_cost - line.cost == line.saved == Decimal("1.2")
    assert line.share == 0.8
    assert line.saved_by_cache == Decimal("0.5")
    assert line.overhead == Decimal("0.1")
    assert line.excluded_cost == Decimal("0.04")
    assert (line.estimated, line.estimated_cost) == (1, Decimal("0.2"))
    assert [each.name for each in found.by["day"]] == ["2026-05-01"]


def test_what_cost_more_than_the_baseline_is_no_saving() -> None:
    row = ReportRow(1, compared=1, cost=Decimal(2), baseline_cost=Decimal(1), saved=Decimal(-1))

    line = analytics.savings({"day": [row]}, baseline="opus").total

    assert (line.saved, line.share, line.excluded_cost) == (Decimal(-1), -1.0, 0)


@given(ROWS, st.sampled_from(sorted(GROUPINGS)))
def test_savings_add_up(rows: list[ReportRow], by: str) -> None:
    found = analytics.savings({by: rows}, baseline="opus")

    for name in ("requests", "compared", "baseline_cost", "cost", "saved", "saved_by_cache",
                 "overhead", "excluded", "excluded_cost", "unpriced", "estimated_cost"):  # fmt: skip
        parts = (getattr(line, name) or 0 for line in found.by[by])
        assert sum(parts, Decimal(0)) == (getattr(found.total, name) or 0)


@given(ROWS, st.sampled_from(sorted(GROUPINGS)))
def test_costs_and_qualities_count_every_request(rows: list[ReportRow], by: str) -> None:
    requests = sum(row.requests for row in rows)
    spent, went = analytics.costs({by: rows}), analytics.quality({by: rows}, ())

    assert spent.total.requests == went.total.requests == requests
    assert sum(line.requests for line in spent.by[by]) == requests
    assert sum(line.requests for line in went.by[by]) == requests


def test_quality_is_of_what_has_ended() -> None:
    rows = [
        ReportRow(6, deployment="small", outcome="completed", verified=4, escalated=1,
                  latency_ms=1200.0, completed=6),
        ReportRow(2, deployment="small", outcome="failed"),
        ReportRow(2, deployment="small", outcome="client_left"),
        ReportRow(1, outcome="open"),
    ]  # fmt: skip
    ratings = [
        RatingRow("small", "simple", "miss", good=2, bad=1, neutral=0, mean=0.5),
        RatingRow("small", "simple", "exact", good=0, bad=1, neutral=0, mean=-1.0),
    ]

    found = analytics.quality({"deployment": rows}, ratings)

    lines = {line.name: line for line in found.by["deployment"]}
    small = lines["small"]
    assert (small.completed, small.failed, small.client_left, small.refused) == (0.6, 0.2, 0.2, 0.0)
    assert (small.verified, small.escalated, small.latency_ms) == (0.4, 0.25, 200.0)
    assert (small.good, small.bad, small.neutral, small.rating) == (2, 1, 0, 0.5)
    assert (lines["none"].open, lines["none"].completed, lines["none"].latency_ms) == (
        1,
        None,
        None,
    )
    assert (found.total.good, found.total.bad) == (2, 2)
    assert found.total.rating == (0.5 * 3 - 1.0) / 4


def test_ratings_are_not_kept_by_day() -> None:
    found = analytics.quality({"day": [ReportRow(1, day=DAY, outcome="completed")]}, ())

    assert found.by["day"][0].good is None
    assert found.total.good == 0
