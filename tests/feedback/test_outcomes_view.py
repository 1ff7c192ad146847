"""What is known of answers, as it is shown."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pointsman.feedback.outcomes import outcomes_view
from pointsman.types import Informed, Observed

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def outcome(place: int, *, version: str = "shipped", rating: float | None = None, **more: object):
    return Observed(
        request_id=f"req_{place:03}",
        time=NOON + timedelta(seconds=place),
        organisation="acme",
        tier="simple",
        served_tier=str(more.pop("tier", "simple")),
        deployment="small",
        outcome="completed",
        score=5.0,
        domain="general",
        informed=Informed(version, explored=bool(more.pop("explored", False))),
        cost=Decimal("0.01"),
        latency_ms=100.0,
        ratings=() if rating is None else (rating,),
        **more,
    )


def test_versions_come_the_newest_first_with_what_they_did():
    rows = [outcome(place, rating=-1.0) for place in range(3)]
    rows += [outcome(place, version="v_1", rating=1.0, tier="complex") for place in range(3, 5)]
    rows += [outcome(5, version="v_1", rating=1.0, explored=True)]

    view = outcomes_view(rows, least=50, more=True)

    after, before = view.versions
    assert [(each.version, each.outcomes) for each in view.versions] == [("v_1", 3), ("shipped", 3)]
    assert (before.quality.value, after.quality.value) == (0.0, 1.0)
    assert (before.tiers, after.tiers) == (
        {"simple": 1.0},
        {"complex": pytest.approx(2 / 3), "simple": pytest.approx(1 / 3)},
    )
    assert (before.explored, after.explored) == (0.0, pytest.approx(1 / 3))
    assert (before.since, before.until, view.last) == (NOON, rows[2].time, rows[-1].time)
    assert (view.least, view.more, view.trust) == (50, True, 6)


def test_signals_say_how_far_they_are_to_be_trusted():
    rows = [
        outcome(1, rating=1.0, signals={"refusal": 1.0, "length": 0.5}),
        outcome(2, rating=-1.0, signals={"refusal": 0.0}),
        outcome(3, rating=-1.0, signals={"refusal": 1.0}),
        outcome(4, signals={"refusal": 1.0}),
    ]

    view = outcomes_view(rows, least=50, more=False)

    signals = {each.name: each for each in view.signals}
    refusal, length = signals["refusal"], signals["length"]
    assert (refusal.outcomes, refusal.rated) == (4, 3)
    assert refusal.agreement == pytest.approx(2 / 3)
    assert (length.outcomes, length.rated, length.agreement) == (1, 1, None)
    assert 3 < view.trust < 4
