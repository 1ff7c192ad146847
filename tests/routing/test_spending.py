"""What may be spent: by score, by share of the traffic, by quality; for all, or for some."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.errors import ConfigError
from pointsman.routing.decide import decide
from pointsman.routing.policy import Escalate, Floors, Policy
from pointsman.routing.spending import Spending
from pointsman.routing.thresholds import NEVER, tier_for
from pointsman.types import (
    Candidate,
    Decision,
    Deployment,
    ModelRequest,
    Principal,
    Score,
    Target,
    Turn,
)

AUTO = Target("auto", "auto")
TWO, THREE = ("simple", "complex"), ("simple", "medium", "complex")
ANYBODY = Principal()
ASK = ModelRequest(model="auto", turns=(Turn("user", "x"),), members={}, input_tokens=10)


def score(value: float, **more: object) -> Score:
    return Score(value=value, parts={}, version="1", **{"scorer": "heuristic", **more})


def bounds(
    escalate: Escalate, scored: Score | None = None, present: tuple[str, ...] = THREE
) -> Mapping[str, float]:
    spending = Spending(Policy(escalate=escalate))
    return spending.bounds(ANYBODY, scored or score(0), present)


def candidates(*tiers: str) -> list[Candidate]:
    return [
        Candidate(Deployment(tier, provider="openai", model=tier, tier=tier, location="cloud"))
        for tier in tiers
    ]


def routed(
    spending: Spending,
    policy: Policy,
    scored: Score,
    principal: Principal = ANYBODY,
    *,
    target: Target = AUTO,
    present: tuple[str, ...] = THREE,
    **more: object,
) -> Decision:
    """Decided and carried out."""
    there = candidates(*present)
    lowest = spending.bounds(principal, scored, present)
    decision = decide(ASK, target, scored, there, policy, bounds=lowest, **more)
    spending.observe(principal, decision)
    return decision


@pytest.mark.parametrize(
    ("escalate", "present", "expected"),
    [
        (Escalate(), THREE, {"simple": 0, "medium": 25, "complex": 50}),
        (Escalate(), TWO, {"simple": 0, "complex": 50}),
        (Escalate(), ("medium", "complex"), {"medium": 0, "complex": 50}),
        (Escalate(score=65), TWO, {"simple": 0, "complex": 65}),
        (Escalate(score=60), THREE, {"simple": 0, "medium": 30, "complex": 60}),
        (Escalate(score={"complex": 60}), THREE, {"simple": 0, "medium": 25, "complex": 60}),
        (
            Escalate(score={"medium": 5, "complex": 90}),
            THREE,
            {"simple": 0, "medium": 5, "complex": 90},
        ),
        (Escalate(score={"medium": 5, "complex": 90}), TWO, {"simple": 0, "complex": 90}),
    ],
)
def test_lowest_scores(
    escalate: Escalate, present: tuple[str, ...], expected: dict[str, float]
) -> None:
    assert bounds(escalate, present=present) == expected


def test_a_scorers_own_thresholds_hold_where_nothing_else_is_asked_for() -> None:
    learned = {"medium": 30.0, "complex": 60.0, "two_tiers": 45.0}
    policy = Policy(defaults={"learned": learned})
    scored = score(50, scorer="learned")
    spending = Spending(policy)

    assert spending.bounds(ANYBODY, scored, THREE) == {"simple": 0, "medium": 30, "complex": 60}
    assert spending.bounds(ANYBODY, scored, TWO) == {"simple": 0, "complex": 45}
    assert decide(ASK, AUTO, scored, candidates(*TWO), policy).tier == "complex"


def test_other_numbers_of_tiers_divide_the_same_scale() -> None:
    policy = Policy(tiers=("a", "b", "c", "d", "e", "f"), default_tier="a")

    own = Spending(policy).bounds(ANYBODY, score(0), policy.tiers)

    assert own == {"a": 0, "b": 12.5, "c": 25, "d": 37.5, "e": 50, "f": 75}


@pytest.mark.parametrize(
    ("escalate", "says"),
    [
        ({"score": 1, "share": 0.5}, "in one way: score, share or quality"),
        ({"score": 101}, "from 0 to 100"),
        ({"score": {"medium": 60, "complex": 40}}, "a higher tier begins at a higher score"),
        ({"score": {"huge": 60}}, "'huge' can't be named; can be: medium, complex"),
        ({"share": {"simple": 0.5}}, "'simple' can't be named; can be: medium, complex"),
        ({"share": {"medium": 0.7, "complex": 0.4}}, "at most 1 together"),
        ({"share": -0.1}, "from 0 to 1"),
        ({"share": float("nan")}, "from 0 to 1"),
        ({"quality": 0}, "above 0 and at most 1"),
        ({"quality": 1.2}, "above 0 and at most 1"),
    ],
)
@pytest.mark.parametrize("whose", ["escalate", "by_organisation", "by_key"])
def test_what_makes_no_sense_is_refused(escalate: dict[str, float], says: str, whose: str) -> None:
    def policy() -> Policy:
        asked = Escalate(**escalate)
        return Policy(**{whose: asked if whose == "escalate" else {"research": asked}})

    with pytest.raises(ConfigError, match=says):
        policy()


@pytest.mark.parametrize(
    ("quality", "tier"),
    [(0.5, "simple"), (0.8, "medium"), (0.9, "medium"), (0.95, "complex"), (1.0, "complex")],
)
def test_the_lowest_tier_that_is_good_enough(quality: float, tier: str) -> None:
    scored = score(40, suffices=(0.6, 0.85, 0.92))  # 65 %, 92 % and 100 % of the best

    assert tier_for(40, bounds(Escalate(quality=quality), scored)) == tier


def test_between_two_strengths_quality_lies_between() -> None:
    scored = score(40, suffices=(0.6, 1.0))

    assert tier_for(40, bounds(Escalate(quality=0.79), scored)) == "medium"
    assert tier_for(40, bounds(Escalate(quality=0.81), scored)) == "complex"


def test_without_predictions_quality_follows_from_the_score() -> None:
    """The highest tier is taken to suffice in 80 % of cases: 0.95 of that is 0.76."""
    lowest = bounds(Escalate(quality=0.95), score(20), TWO)

    assert lowest == {"simple": 0, "complex": pytest.approx(24)}
    assert bounds(Escalate(quality=0.95), score(30), TWO) == pytest.approx(lowest)


def test_a_stronger_tier_that_is_no_better_is_not_paid_for() -> None:
    scored = score(50, suffices=(0.5, 0.5, 0.4))

    assert tier_for(50, bounds(Escalate(quality=1.0), scored)) == "simple"


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=5),
    st.floats(0.01, 1),
    st.sampled_from([TWO, THREE]),
)
def test_more_quality_never_means_a_lower_tier(
    suffices: list[float], quality: float, present: tuple[str, ...]
) -> None:
    value = 100 * (1 - suffices[0])
    scored = score(value, suffices=tuple(suffices))

    less = bounds(Escalate(quality=quality / 2), scored, present)
    more = bounds(Escalate(quality=quality), scored, present)

    chosen = [THREE.index(tier_for(value, each)) for each in (less, more)]
    assert chosen == sorted(chosen)
    assert all(0 <= bound <= NEVER for bound in more.values())
    assert list(more.values()) == sorted(more.values())


def test_shares_are_those_of_the_tiers_in_use() -> None:
    share = Escalate(share={"medium": 0.3, "complex": 0.1})

    assert bounds(share, present=THREE)["medium"] == pytest.approx(60, abs=3)
    assert bounds(share, present=THREE)["complex"] == pytest.approx(90, abs=3)
    assert bounds(share, present=TWO)["complex"] == pytest.approx(90, abs=3)  # not 40 %
    assert bounds(share, present=("simple", "medium"))["medium"] == pytest.approx(60, abs=3)
    assert bounds(share, present=("medium",)) == {"medium": 0}


def test_one_share_is_that_of_the_highest_tier() -> None:
    spending = Spending(policy := Policy(escalate=Escalate(share=0.2)))

    tiers = [routed(spending, policy, score(i * 37 % 100)).tier for i in range(200)]

    assert abs(tiers.count("complex") - 40) <= 10
    assert tiers.count("medium") == 0


def test_a_look_ahead_does_not_count_and_a_decision_does() -> None:
    spending = Spending(policy := Policy(escalate=Escalate(share=0.5)))
    before = spending.bounds(ANYBODY, score(60), TWO)

    assert spending.bounds(ANYBODY, score(60), TWO) == before
    decision = routed(spending, policy, score(60), present=TWO)
    assert decision.bounds == before
    assert spending.bounds(ANYBODY, score(60), TWO) != before


def test_only_what_a_score_has_a_say_in_counts() -> None:
    spending = Spending(policy := Policy(escalate=Escalate(share=0.5)))
    before = spending.bounds(ANYBODY, score(60), THREE)

    for decision in (
        routed(spending, policy, score(60), target=Target("tier", "complex")),
        routed(spending, policy, score(60), target=Target("deployment", "complex")),
        routed(spending, policy, score(60), side_call="title"),
        routed(spending, policy, score(60, fault="ValueError")),
        routed(spending, policy, score(0, scorer="none", domain="embeddings")),
    ):
        assert decision.bounds == {}

    assert spending.bounds(ANYBODY, score(60), THREE) == before


def test_a_floor_counts_also_where_its_tier_is_absent() -> None:
    policy = Policy(escalate=Escalate(share=0.1), floors=Floors(topics={"high_stakes": "complex"}))
    spending = Spending(policy)

    for _ in range(20):
        routed(spending, policy, score(5, topics=("high_stakes",)), present=("simple", "medium"))

    assert spending.bounds(ANYBODY, score(5), ("simple", "medium"))["medium"] == NEVER


def test_the_keys_setting_goes_before_the_organisations_and_that_before_everybodys() -> None:
    policy = Policy(
        escalate=Escalate(score=50),
        by_organisation={"research": Escalate(score=20)},
        by_key={"ci": Escalate(score=90)},
    )
    spending = Spending(policy)

    def complex_from(organisation: str, key: str) -> float:
        return spending.bounds(Principal(organisation, key), score(0), TWO)["complex"]

    assert complex_from("sales", "ada") == 50
    assert complex_from("research", "ada") == 20
    assert complex_from("research", "ci") == 90


def test_each_setting_keeps_its_shares_for_itself() -> None:
    policy = Policy(escalate=Escalate(share=0.1), by_organisation={"research": Escalate(share=0.5)})
    spending = Spending(policy)
    tiers: dict[str, list[str]] = {"research": [], "sales": [], "support": []}

    for i in range(300):
        for organisation, decided in tiers.items():
            scored = score(i * 37 % 100)
            decided.append(routed(spending, policy, scored, Principal(organisation)).tier)

    assert tiers["research"].count("complex") == pytest.approx(150, abs=15)
    both = tiers["sales"] + tiers["support"]  # one setting, one share
    assert both.count("complex") == pytest.approx(60, abs=10)


def test_each_scorer_has_scores_of_its_own() -> None:
    spending = Spending(policy := Policy(escalate=Escalate(share=0.5)), {"learned": [90, 91, 92]})

    routed(spending, policy, score(10))

    lowest = spending.bounds(ANYBODY, score(0, scorer="learned"), TWO)
    assert lowest["complex"] == 91


def test_at_most_so_many_shares_are_followed() -> None:
    policy = Policy(by_key={f"k{i}": Escalate(share=0.5) for i in range(3)})
    spending = Spending(policy, most=2)
    fresh = spending.bounds(Principal(key="k0"), score(80), TWO)

    for key in ("k0", "k1", "k2"):
        routed(spending, policy, score(80), Principal(key=key), present=TWO)

    assert spending.bounds(Principal(key="k2"), score(80), TWO) != fresh
    assert spending.bounds(Principal(key="k0"), score(80), TWO) == fresh


@pytest.mark.parametrize("at_once", [1, 20, 100])
@pytest.mark.parametrize("bad", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_what_rises_after_a_look_at_its_draft_counts_for_the_share(
    share: float, bad: float, at_once: int
) -> None:
    """However many drafts will not do, and however many are looked at at once."""
    policy = Policy(escalate=Escalate(share=share))
    spending, went_up = Spending(policy), 0
    rng = random.Random(4)  # noqa: S311 - the same each time
    open_: list[Decision] = []
    for i in range(1000):
        scored = score((i * 37) % 100)
        lowest = spending.bounds(ANYBODY, scored, TWO)
        decision = decide(ASK, AUTO, scored, candidates(*TWO), policy, bounds=lowest)
        if spending.may_rise(ANYBODY, decision):
            decision = replace(decision, verify=0.5)
        spending.observe(ANYBODY, decision)
        open_.append(decision)
        if len(open_) == at_once:
            done = open_.pop(rng.randrange(at_once))
            rises = done.verify is not None and rng.random() < bad
            served = "complex" if rises else done.tier
            went_up += served == "complex"
            spending.settle(ANYBODY, done, served)
    decided = 1000 - len(open_)
    assert went_up == pytest.approx(share * decided, abs=0.05 * decided)


def test_where_nobody_answers_the_kept_place_is_free_again() -> None:
    policy = Policy(escalate=Escalate(share=0.2))
    spending = Spending(policy)
    for i in range(50):
        lowest = spending.bounds(ANYBODY, score(i), TWO)
        decision = decide(ASK, AUTO, score(i), candidates(*TWO), policy, bounds=lowest)
        decision = replace(decision, tier="simple", verify=0.5)
        spending.observe(ANYBODY, decision)
        spending.settle(ANYBODY, decision, None)
    assert spending.may_rise(ANYBODY, decision)


def test_without_shares_every_draft_may_be_looked_at() -> None:
    policy = Policy(escalate=Escalate(score=50))
    spending = Spending(policy)
    decision = decide(ASK, AUTO, score(10), candidates(*TWO), policy, bounds={"simple": 0})
    assert spending.may_rise(ANYBODY, decision)
