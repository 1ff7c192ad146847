"""New weights from one-armed outcomes: when they are better, and when they are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from pointsman.assembly import rules
from pointsman.data import read_learned
from pointsman.errors import ConfigError
from pointsman.feedback.features import PARTS, Features, Measured
from pointsman.feedback.fitting import (
    Floats,
    Model,
    Outcomes,
    Proof,
    Weights,
    fit,
    prove,
    written,
)
from pointsman.scoring.learned import PARTS as MEASURES
from pointsman.scoring.learned import LearnedScorer
from pointsman.types import Evidence, Turn

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHIPPED = Weights.parse(read_learned())
BASE = Model.of(SHIPPED)
TIERS = ("simple", "medium", "complex")
EXPLORED = 0.2
OTHER = np.array([0.0, 4.0, 0.0, 4.0, 0.0, 4.0, 0.0, 4.0])


class NoMeaning:
    size = 2

    def of(self, _: str) -> Measured:
        return np.zeros(2, np.float32)


def traffic(seed: int, number: int, factors: Floats) -> Outcomes:
    """Answers of two tiers, four of five as the scorer has it.

    `factors` are what the shipped weights of each part would have to be multiplied with to say how
    hard prompts are for the lowest tier.
    """
    rng = np.random.default_rng(seed)
    parts = rng.normal(0.0, 0.3, (number, len(PARTS)))
    goes_up = parts.sum(axis=1) > 0.2
    level = np.where(rng.random(number) < EXPLORED, ~goes_up, goes_up).astype(float)
    hard = parts @ factors
    fails = _share(np.where(level == 1, 0.2 * hard - 1.0, hard + BASE.failing[0]))
    return Outcomes(
        parts=parts,
        level=level,
        quality=(rng.random(number) > fails).astype(float),
        trust=np.ones(number),
        lowest=np.where(goes_up, EXPLORED, 1 - EXPLORED),
    )


def trained(outcomes: Outcomes) -> tuple[Proof, Model]:
    earlier, later = outcomes.cut(5)
    new = fit(earlier, SHIPPED)
    return prove(later, new, SHIPPED), new


def _share(odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-odds))


def test_where_other_prompts_gain_from_a_higher_tier_the_new_weights_are_proven():
    proof, new = trained(traffic(1, 4000, OTHER))
    assert proof.holds
    assert proof.outcomes == 800
    assert 0.02 < proof.quality.value < 0.1
    assert np.corrcoef(new.factors, OTHER)[0, 1] > 0.9


def test_where_the_shipped_weights_are_right_nothing_is_proven():
    proofs = [trained(traffic(seed, 1000, 4 * BASE.factors))[0] for seed in range(40)]
    assert sum(proof.holds for proof in proofs) <= 2


def test_scores_say_how_likely_the_lowest_tier_does_not_suffice():
    outcomes = traffic(1, 4000, OTHER)
    _, new = trained(outcomes)
    hard = new.odds(outcomes) > np.quantile(new.odds(outcomes), 0.8)
    assert _share(new.odds(outcomes))[hard].mean() == pytest.approx(
        _share(outcomes.parts @ OTHER + BASE.failing[0])[hard].mean(), abs=0.08
    )


def test_more_to_do_never_makes_a_prompt_easier():
    _, new = trained(traffic(1, 4000, OTHER - 2))
    assert (new.factors >= 0).all()
    assert (new.factors[OTHER == 0] == 0).all()


def test_few_outcomes_move_the_weights_a_little():
    few, many = (trained(traffic(1, number, OTHER))[1].factors for number in (100, 4000))
    assert np.corrcoef(few, OTHER)[0, 1] < np.corrcoef(many, OTHER)[0, 1]
    assert few.std() / few.mean() < many.std() / many.mean()


def test_one_prompt_and_one_opinion_move_nothing():
    same = traffic(5, 300, np.ones(len(PARTS)))
    alike = np.repeat(same.parts[:1], 300, axis=0)
    outcomes = replace(same, parts=alike, quality=np.ones(300))

    proof, new = trained(outcomes)

    assert not proof.holds
    assert (new.factors >= 0).all()


def test_the_file_is_one_that_the_scorer_reads_and_sends_as_many_up_as_before():
    outcomes = traffic(1, 2000, OTHER)
    new = fit(outcomes, SHIPPED)
    file = written(SHIPPED, new, outcomes, MEASURES, version="1-abc", fitted={"outcomes": 2000})

    scorer = LearnedScorer.parse(file.to_json(), rules.lexicon())

    assert scorer.score([Turn("user", "Why is the sky blue?")]).version == "1-abc"
    assert Weights.parse(file.to_json()) == file
    times = {
        name: file.features[measure].weight / SHIPPED.features[measure].weight
        for name, (measure, *_) in MEASURES.items()
    }
    assert list(times.values()) == pytest.approx(new.factors[:-1].tolist(), abs=1e-3)
    before, after = (100 * _share(model.odds(outcomes)) for model in (BASE, new))
    for name, bound in SHIPPED.thresholds.items():
        share = (before >= bound).mean()
        assert 0.05 < share < 0.95
        assert (after >= file.thresholds[name]).mean() == pytest.approx(share, abs=0.01)


def test_a_damaged_file_is_refused():
    with pytest.raises(ConfigError, match="damaged"):
        Weights.parse('{"version": "1"}')


PACKER = Features(NoMeaning())
SCORER = LearnedScorer.parse(read_learned(), rules.lexicon())


@pytest.mark.parametrize(
    "prompt", ["Hi", "Design a fault-tolerant database.", "Why? " * 50, "x = 1, y = 2; " * 20]
)
def test_the_parts_as_they_were_kept_give_the_score_again(prompt: str):
    scored = SCORER.score([Turn("user", prompt)])
    packed = PACKER.pack(PACKER.of(scored, prompt))

    outcomes = Outcomes.of([evidence(packed, 0, "simple", 0.8)], TIERS, SHIPPED)

    assert 100 * _share(BASE.odds(outcomes)) == pytest.approx([scored.value], abs=0.1)


def evidence(
    features: str, seconds: int, tier: str, propensity: float | None, quality: float = 0.75
) -> Evidence:
    return Evidence(
        request_id=f"r{seconds}",
        time=NOON + timedelta(seconds=seconds),
        tier=tier,
        features=features,
        cold=50.0,
        quality=quality,
        trust=0.5,
        propensity=propensity,
        propensities={"simple": 0.8, "medium": 0.15, "complex": 0.05},
    )


def test_outcomes_are_of_tiers_that_were_chosen_by_known_odds_the_oldest_first():
    usual = PACKER.pack(np.zeros(PACKER.size, np.float32))
    outcomes = Outcomes.of(
        [
            evidence(usual, 3, "complex", 0.05, quality=0.3),
            evidence(usual, 1, "simple", 0.8, quality=0.1),
            evidence(usual, 2, "simple", None),
            evidence(usual, 2, "medium", 0.15, quality=0.2),
            evidence(usual, 2, "gone", 0.1),
        ],
        TIERS,
        SHIPPED,
    )
    assert outcomes.quality.tolist() == [0.1, 0.2, 0.3]
    assert outcomes.level.tolist() == [0.0, 0.5, 1.0]
    assert outcomes.went_up.tolist() == [False, True, True]
    assert outcomes.lowest.tolist() == [0.8] * 3


def test_features_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="features"):
        Outcomes.of([evidence("AAA=", 0, "simple", 0.8)], TIERS, SHIPPED)
