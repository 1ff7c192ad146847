"""Dressing a prompt differently changes at most one decision in twenty."""

from __future__ import annotations

from functools import cache

import pytest
from tests.scoring.robustness.measure import Flips, flips, lines_of, overall
from tests.scoring.robustness.nasty import NASTY
from tests.scoring.robustness.perturbations import perturbations, prompts

from pointsman.assembly import rules
from pointsman.routing.policy import TWO_TIERS
from pointsman.types import Turn

MOST = 0.05
WAYS = ("two tiers", "three tiers", "share 20 %", "share 50 %")
#: What changes more, and how much of it is let pass: docs/explanation/robustness.md says why.
KNOWN = {
    ("typos", "three tiers"): 0.10,
    ("typos", "share 50 %"): 0.10,
    ("paraphrase", "three tiers"): 0.32,
    ("paraphrase", "share 20 %"): 0.08,
    ("paraphrase", "share 50 %"): 0.22,
    ("confounders, unseen", "three tiers"): 0.11,
    ("confounders, unseen", "share 50 %"): 0.11,
    ("confounders, fresh", "three tiers"): 0.23,
    ("confounders, fresh", "share 20 %"): 0.10,
    ("confounders, fresh", "share 50 %"): 0.23,
}
#: Over all kinds: with three tiers there are two thresholds to cross.
KNOWN_OVERALL = {"three tiers": 0.075}
#: Every so many prompts get the kinds with many variants.
SAMPLED = {"pasted": 8, "confounders, tuned": 6, "confounders, unseen": 6, "confounders, fresh": 6}


def score(text: str) -> float:
    return rules.learned().score((Turn("user", text),)).value


@cache
def measured(kind: str) -> Flips:
    every = prompts()
    own = rules.learned().thresholds
    plain = [score(prompt.text) for prompt in every]
    lines = lines_of(plain, own["medium"], own["complex"], own[TWO_TIERS])
    return flips(score, every[:: SAMPLED.get(kind, 1)], lines, kinds=[kind])[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", perturbations())
def test_few_decisions_change(kind: str, way: str) -> None:
    found = measured(kind)

    assert found.mean[way] <= KNOWN.get((kind, way), MOST), found.worst[way]


@pytest.mark.parametrize("way", WAYS)
def test_over_all_kinds_at_most_one_decision_in_twenty_changes(way: str) -> None:
    kinds = [kind for kind in perturbations() if kind != "confounders, fresh"]

    assert overall([measured(kind) for kind in kinds])[way] <= KNOWN_OVERALL.get(way, MOST)


def test_prompts_are_spread_over_the_tiers() -> None:
    """What never changes because everything goes one way is not robust."""
    scores = [score(prompt.text) for prompt in prompts()]
    own = rules.learned().thresholds

    for bound in own.values():
        above = sum(value >= bound for value in scores) / len(scores)
        assert 0.02 <= above <= 0.9


@pytest.mark.parametrize("kind", NASTY)
def test_a_nasty_text_of_a_million_characters_has_a_score(kind: str) -> None:
    assert 0.0 <= score(NASTY[kind](1_000_000)) <= 100.0
