"""Whether a candidate replaces what is in force: outcomes in, a verdict with its evidence out."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.outcomes import NOON, evidence

from pointsman.assembly import rules
from pointsman.config import Settings
from pointsman.feedback.promote import ERROR, Comparison, compare, confidence, due, judging
from pointsman.stages.teaching import teacher
from pointsman.types import Evidence

TIERS = ("simple", "complex")
COSTS = {"simple": "0.01", "complex": "0.10"}


class Sends:
    """A policy that sends up the kinds of prompt that it is told."""

    def __init__(self, *up: str, to: str = "complex") -> None:
        self.up = up
        self.to = to

    def probabilities(self, evidence: Evidence) -> Mapping[str, float]:
        return {self.to: 1.0} if evidence.features in self.up else {"simple": 1.0}


class ByHeart:
    """Knows what was good of each outcome that it saw, and nothing of others."""

    def __init__(self, seen: Sequence[Evidence]) -> None:
        self.seen = {each.request_id: each for each in seen}

    def probabilities(self, evidence: Evidence) -> Mapping[str, float]:
        known = self.seen.get(evidence.request_id)
        if known is None or known.quality > 0.5:
            return {evidence.tier: 1.0}
        return {"simple": 1.0} if evidence.tier == "complex" else {"complex": 1.0}


def traffic(
    count: int,
    good: Callable[[str, str], float],
    *,
    seed: int = 1,
    explored: float = 0.3,
    trust: float = 1.0,
) -> list[Evidence]:
    """Prompts of kind `a` go up and those of kind `b` do not, but for what is explored."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    rows = []
    for at in range(count):
        kind = rng.choice("ab")
        up = 1 - explored if kind == "a" else explored
        tier = "complex" if rng.random() < up else "simple"
        quality = float(rng.random() < good(kind, tier))
        chances = {"simple": 1 - up, "complex": up}
        row = evidence(
            at, tier, quality, chances=chances, features=kind, cost=COSTS[tier], trust=trust
        )
        rows.append(row)
    return rows


def needs(kind: str, *, weak: float = 0.3, strong: float = 0.9) -> Callable[[str, str], float]:
    """Only this kind needs the stronger tier."""
    return lambda of, tier: weak if of == kind and tier == "simple" else strong


def judged(rows: Sequence[Evidence], candidate: Sends, **more: object) -> Comparison[Sends]:
    return compare(rows, Sends("a"), lambda _: candidate, TIERS, **more)


def test_what_is_better_at_the_same_cost_is_promoted() -> None:
    found = judged(traffic(600, needs("b")), Sends("b"))
    assert found.promote
    assert found.why.startswith("better at the same cost: quality +0.")
    assert found.quality.low > 0
    assert found.outcomes == 600
    assert found.contested == 600


def test_what_is_worse_is_kept() -> None:
    found = judged(traffic(600, needs("a")), Sends("b"))
    assert not found.promote
    assert found.why.startswith("kept: worse: quality -0.")


def test_what_is_cheaper_at_the_same_quality_is_promoted() -> None:
    found = judged(traffic(1_500, lambda *_: 1.0), Sends())
    assert found.promote
    assert found.why.startswith("cheaper at the same quality")
    assert found.cost.high < 0


def test_what_is_better_but_dearer_is_kept() -> None:
    found = judged(traffic(600, lambda _, tier: 0.9 if tier == "complex" else 0.3), Sends("a", "b"))
    assert not found.promote
    assert found.cost.value > 0.1


def test_signals_that_tell_nothing_do_not_make_everything_cheap() -> None:
    rows = traffic(1_500, lambda *_: 1.0, trust=0.3)
    found = judged(rows, Sends())
    assert not found.promote
    assert found.why.startswith("kept: cheaper, but ratings don't show that nothing is lost")
    assert judged([replace(row, trust=1.0) for row in rows], Sends()).promote


def test_what_is_cheaper_needs_ratings_also_where_signals_say_that_it_is_better() -> None:
    rows = traffic(3_000, lambda _, tier: 0.9 if tier == "simple" else 0.6, trust=0.3)
    found = judged(rows, Sends())
    assert found.quality.low > 0
    assert not found.promote
    assert found.why.startswith("kept: cheaper, but ratings don't show that nothing is lost")
    rated = judged([replace(row, trust=1.0) for row in rows], Sends())
    assert rated.promote
    assert rated.why.startswith("better, and cheaper: quality +0.")


def test_what_would_do_the_same_is_kept_and_says_so() -> None:
    found = judged(traffic(600, needs("b")), Sends("a"))
    assert not found.promote
    assert found.why == "kept: it would choose no other tier for any of 600 outcomes"


def test_too_little_is_told_from_few_and_no_look_is_spent_on_it() -> None:
    few = judged(traffic(40, needs("b")), Sends("b"), look=3)
    assert few.why == "kept: 40 of 50 outcomes, weighted by trust"
    assert few.look == 2
    unsure = judged(traffic(150, lambda *_: 0.6), Sends("b"))
    assert "can't be told from 150 outcomes" in unsure.why


def test_nobody_is_judged_by_what_it_learned_from() -> None:
    rows = traffic(600, lambda *_: 0.5)
    fair = compare(rows, Sends("a"), ByHeart, TIERS)
    cheating = compare(rows, Sends("a"), lambda _: ByHeart(rows), TIERS)
    assert cheating.quality.low > 0 >= fair.quality.low
    assert len(fair.candidate.seen) == 600


def test_outcomes_that_made_what_is_in_force_judge_nothing() -> None:
    rows = traffic(600, needs("b"))
    later = judged(rows, Sends("b"), after=NOON + timedelta(minutes=399))
    assert later.outcomes == 200


def test_only_what_was_drawn_by_known_odds_judges() -> None:
    chances = {"simple": 0.9, "complex": 0.1}
    drawn = evidence(1, "simple", 1.0, chances=chances)
    named = evidence(2, "simple", 1.0)
    certain = evidence(3, "simple", 1.0, chances={"simple": 1.0})
    assert judging([certain, named, drawn]) == [drawn]


def test_what_was_never_tried_is_not_promoted() -> None:
    rows = traffic(600, needs("b"), explored=0.0001)
    found = judged(rows, Sends("b"))
    assert not found.promote
    assert "hardly ever tried" in found.why


def test_a_tier_out_of_reach_counts_as_the_nearest_one() -> None:
    rows = traffic(300, needs("b"))
    found = compare(rows, Sends("a"), lambda _: Sends("a", "b", to="expert"), (*TIERS, "expert"))
    same = compare(rows, Sends("a"), lambda _: Sends("a", "b"), (*TIERS, "expert"))
    assert found.quality == same.quality


def test_without_prices_the_way_up_is_the_cost() -> None:
    rows = [evidence(0, "simple", 1.0, cost=None), *traffic(600, needs("b"))]
    dearer, same = judged(rows, Sends("a", "b")), judged(rows, Sends("b"))
    assert dearer.cost.value == pytest.approx(1.0, abs=0.2)
    assert same.promote


def test_the_same_outcomes_give_the_same_verdict_in_any_order() -> None:
    rows = traffic(200, needs("b"))
    mixed = random.Random(3).sample(rows, len(rows))  # noqa: S311 - repeatable
    assert judged(rows, Sends("b")).as_json() == judged(mixed, Sends("b")).as_json()


def test_all_looks_together_spend_the_error_once() -> None:
    assert sum(1 - confidence(look) for look in range(1, 10_000)) <= ERROR
    with pytest.raises(ValueError, match="no look 0"):
        confidence(0)
    first, tenth = (judged(traffic(300, needs("b")), Sends("b"), look=at) for at in (1, 10))
    assert tenth.quality.low < first.quality.low


def test_the_next_look_is_due_when_outcomes_have_grown_by_a_quarter() -> None:
    assert due(1, 0)
    assert not due(0, 0)
    assert not due(24, 100)
    assert due(25, 100)
    assert not due(0, 1)


def test_of_nothing_nothing_follows() -> None:
    found = judged([], Sends("b"))
    assert not found.promote
    assert found.outcomes == 0
    json.dumps(found.as_json(), allow_nan=False)


def test_a_worse_candidate_is_hardly_ever_promoted() -> None:
    worse = [
        judged(traffic(200, needs("a", weak=0.6, strong=0.7), seed=seed), Sends("b")).promote
        for seed in range(20)
    ]
    assert sum(worse) <= 1


def test_a_window_that_is_full_is_looked_at_again_when_a_quarter_is_new() -> None:
    chances = {"simple": 0.5, "complex": 0.5}
    rows = [evidence(at, "simple", 1.0, chances=chances) for at in range(125)]
    teaches = teacher(rules.policy(Settings(home=Path("nowhere"))), TIERS)
    due = partial(
        teaches.is_due, in_force=teaches.shipped, before=100, looked=rows[99].time, least=50
    )
    assert not due(rows[24:124])
    assert due(rows[25:125])
    assert not due([replace(row, trust=0.4) for row in rows[25:125]])
