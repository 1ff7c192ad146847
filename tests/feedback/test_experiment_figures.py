"""What the requests of an experiment show: outcomes in, intervals and a verdict out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.feedback.experiment import Figures, figures_of
from pointsman.feedback.intervals import NOTHING
from pointsman.types import Experiment, Informed, Observed

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRIAL = Experiment("exp_1", "acme", "trial", NOON, "deployments", "small", "other", 1.0)


def outcome(
    variant: str,
    place: int,
    *,
    rating: float | None = None,
    cost: str | None = "0.01",
    **more: object,
) -> Observed:
    known = {
        "deployment": TRIAL.a if variant == "a" else TRIAL.b,
        "outcome": "completed",
        "latency_ms": 100.0,
        "conversation": f"{variant}{place}",
        **more,
    }
    informed = Informed(
        experiment="exp_1", variant=variant, conversation=str(known.pop("conversation"))
    )
    return Observed(
        request_id=f"req_{variant}{place}",
        time=NOON + timedelta(seconds=place),
        organisation="acme",
        tier="simple",
        served_tier="simple",
        score=5.0,
        domain="general",
        informed=informed,
        cost=None if cost is None else Decimal(cost),
        ratings=() if rating is None else (rating,),
        **known,
    )


def many(count: int, rated: tuple[float, float], **costs: str) -> list[Observed]:
    """So many on each side, rated so."""
    return [
        outcome(variant, place, rating=rating, cost=costs.get(variant, "0.01"))
        for place in range(count)
        for variant, rating in zip("ab", rated, strict=True)
    ]


def shown(rows: list[Observed]) -> Figures:
    return figures_of(TRIAL, rows)


def test_nothing_is_said_of_nothing():
    found = shown([])

    assert found.a.requests == found.b.requests == 0
    assert set(found.difference.values()) == {NOTHING}
    assert found.better is None
    assert found.verdict.endswith("rate some")


def test_a_conversation_counts_once():
    rows = [
        outcome("a", 1, cost="0.01"),
        outcome("a", 2, cost="0.03", conversation="a1"),
        outcome("a", 3, cost="0.10"),
        outcome("b", 4, cost=None),
    ]

    found = shown(rows)

    assert (found.a.requests, found.a.conversations) == (3, 2)
    assert (found.a.cost.value, found.a.cost.n) == (pytest.approx(0.06), 2)
    assert (found.b.cost.value, found.b.requests) == (None, 1)
    assert found.difference["cost"] == NOTHING


def test_what_went_wrong_is_counted_and_has_no_latency():
    rows = [
        outcome("b", 1, outcome="failed", latency_ms=9000.0),
        outcome("b", 2, deployment="small"),
        outcome("b", 3),
    ]

    found = shown(rows).b

    assert (found.requests, found.failed, found.fallen_back) == (3, 1, 1)
    assert (found.latency_ms.value, found.latency_ms.n) == (100.0, 2)


def test_a_rating_outweighs_what_signals_say():
    rated = outcome("a", 1, rating=1.0)
    guessed = outcome("a", 2, conversation="a1", signals={"refusal": 0.0})

    quality = shown([rated, guessed]).a.quality.value

    assert 0.75 < quality <= 1.0


@pytest.mark.parametrize(("a", "b", "better"), [(-1.0, 1.0, "b"), (1.0, -1.0, "a")])
def test_the_better_answers_win_whatever_they_cost(a: float, b: float, better: str):
    found = shown(many(60, (a, b), **{better: "1.00"}))

    assert found.better == better
    assert f"{better}, {'other' if better == 'b' else 'small'}, answers better" in found.verdict


def test_of_equals_the_cheaper_one_wins():
    found = shown(many(400, (0.5, 0.5), a="0.02"))

    assert found.better == "b"
    assert "both answer as well" in found.verdict
    assert "b, other, costs less: b less a -0.01" in found.verdict


def test_of_equals_that_cost_the_same_none_wins():
    found = shown(many(400, (0.5, 0.5)))

    assert found.better is None
    assert "neither is known to cost less" in found.verdict


def test_a_few_outcomes_decide_nothing():
    found = shown(many(3, (-1.0, 1.0)))

    assert found.better is None
    assert found.verdict.startswith("not decided: quality of b less a +1.00")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(-1, 1)), max_size=40))
def test_intervals_have_their_values_in_them(rated: list[tuple[str, float]]):
    rows = [outcome(variant, place, rating=said) for place, (variant, said) in enumerate(rated)]

    found = shown(rows)

    for interval in (found.a.quality, found.b.quality, found.difference["quality"]):
        if interval.value is not None:
            assert interval.low <= interval.value + 1e-9
            assert interval.value <= interval.high + 1e-9
