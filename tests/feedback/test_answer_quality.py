"""How good an answer was: ratings and signals in, one score with its parts and its trust out."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.outcomes import observed

from pointsman.feedback.quality import SHIPPED, calibrate, evidence, quality
from pointsman.feedback.signals import TRUST

SIGNALS = st.dictionaries(st.sampled_from([*sorted(TRUST), "new"]), st.floats(0, 1), max_size=6)
RATINGS = st.lists(st.floats(-1, 1), max_size=3).map(tuple)
OBSERVED = st.lists(st.builds(dict, signals=SIGNALS, ratings=RATINGS), max_size=30).map(
    lambda rows: [observed(at, **row) for at, row in enumerate(rows)]
)


def test_of_what_nothing_is_known_nothing_is_said() -> None:
    assert quality(observed()) is None
    assert evidence([observed()]) == []


def test_the_last_rating_counts_and_alone() -> None:
    said = quality(observed(ratings=(1.0, -0.5), signals={"thanked": 1.0}))
    assert said is not None
    assert (said.value, said.trust) == (0.25, 1.0)
    assert said.parts["rating"] == 0.25
    assert said.parts["thanked"] > SHIPPED.base


def test_signals_say_less_than_a_rating() -> None:
    good = quality(observed(signals={"thanked": 1.0, "verdict": 1.0}))
    bad = quality(observed(signals={"complained": 0.0, "verdict": 0.0}))
    assert good is not None
    assert bad is not None
    assert bad.value < SHIPPED.base < good.value
    assert max(bad.trust, good.trust) < 1.0
    assert bad.trust == pytest.approx(
        1 - (1 - TRUST["complained"] ** 2) * (1 - TRUST["verdict"] ** 2)
    )


def rated(count: int, *, agree: float, seed: int = 1) -> list:
    """Ratings, and two signals: `true` agrees with so many of them, `noise` with none."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    rows = []
    for at in range(count):
        good = rng.random() < 0.5
        true = good if rng.random() < agree else not good
        signals = {"true": float(true), "twin": float(true), "noise": float(rng.random() < 0.5)}
        rows.append(observed(at, ratings=(1.0 if good else -1.0,), signals=signals))
    return rows


def test_ratings_teach_what_a_signal_is_worth() -> None:
    found = calibrate(rated(400, agree=0.9))
    assert found.of("noise") < 0.1
    # Both say the same, so together they are worth what one would be: .8 is what ratings differ by.
    assert found.of("true") + found.of("twin") == pytest.approx(0.8, abs=0.1)
    assert found.expected({"true": 1.0, "twin": 1.0}) == pytest.approx(0.9, abs=0.07)
    assert found.ratings == 400


def test_a_signal_that_points_the_wrong_way_is_not_believed() -> None:
    found = calibrate(rated(400, agree=0.1))
    assert found.of("true") == found.of("twin") == 0.0
    assert found.trust(["true", "twin"]) == 0.0


def test_what_signals_explain_is_what_they_are_trusted_by() -> None:
    strong, weak = (calibrate(rated(400, agree=agree)) for agree in (0.95, 0.65))
    named = ["true", "twin", "noise"]
    assert weak.trust(named) == pytest.approx(0.09, abs=0.06)
    assert strong.trust(named) == pytest.approx(0.75, abs=0.1)


def test_a_few_ratings_change_little() -> None:
    few = calibrate(rated(3, agree=1.0))
    assert few.of("true") == pytest.approx(SHIPPED.of("true"), abs=0.2)


def test_evidence_is_of_the_tier_that_answered_and_keeps_how_it_was_chosen() -> None:
    chances = {"simple": 0.95, "medium": 0.05}
    direct, fallen = evidence(
        [
            observed(1, ratings=(1.0,), chances=chances),
            observed(2, ratings=(1.0,), chances=chances, served="medium"),
        ]
    )
    assert (direct.tier, direct.propensity, direct.decided) == ("simple", 0.95, "")
    assert (fallen.tier, fallen.propensity, fallen.decided) == ("medium", None, "simple")
    assert fallen.propensities == chances


def test_nobody_learns_from_what_nobody_answered() -> None:
    assert evidence([observed(ratings=(-1.0,), served="")]) == []


@settings(max_examples=40)
@given(OBSERVED)
def test_everything_stays_within_its_bounds(rows: list) -> None:
    calibration = calibrate(rows)
    assert 0 <= calibration.base <= 1
    assert all(0 <= worth <= 1 for worth in calibration.worth.values())
    assert calibration.scale >= 0
    for each in evidence(rows, calibration):
        assert 0 <= each.quality <= 1
        assert 0 <= each.trust <= 1


@settings(max_examples=40)
@given(OBSERVED, SIGNALS, st.floats(0, 1))
def test_what_speaks_for_an_answer_never_lowers_it(
    rows: list, signals: dict[str, float], more: float
) -> None:
    calibration = calibrate(rows)
    better = {name: value + more * (1 - value) for name, value in signals.items()}
    assert calibration.expected(better) >= calibration.expected(signals) - 1e-12


@settings(max_examples=40)
@given(OBSERVED, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(rows: list, rng: random.Random) -> None:
    mixed = rng.sample(rows, len(rows))
    one, other = calibrate(rows), calibrate(mixed)
    assert other.base == pytest.approx(one.base, abs=1e-6)
    assert other.worth == pytest.approx(dict(one.worth), abs=1e-6)
    assert other.scale == pytest.approx(one.scale, abs=1e-5)
