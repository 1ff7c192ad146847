"""Facts in, plan out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import UnknownModel
from pointsman.routing.decide import decide
from pointsman.routing.policy import Escalate, Floors, Policy, resolve
from pointsman.routing.policy import names as names_of
from pointsman.types import Candidate, Decision, Deployment, ModelRequest, Score, Target, Turn

AUTO = Target("auto", "auto")
HIGH_STAKES = Floors(topics={"high_stakes": "complex"})


def deployment(name: str, tier: str, **more: object) -> Deployment:
    return Deployment(
        id=name, provider="openai", model=name, tier=tier, **{"location": "cloud", **more}
    )


SMALL = Candidate(deployment("small", "simple", location="local", context_length=4096))
MIDDLE = Candidate(deployment("middle", "medium"))
STRONG = Candidate(deployment("strong", "complex"))
ALL = [SMALL, MIDDLE, STRONG]


def request(**more: object) -> ModelRequest:
    return ModelRequest(
        model="auto", turns=(Turn("user", "x"),), members={}, **{"input_tokens": 10, **more}
    )


def score(value: float, **more: object) -> Score:
    return Score(
        value=value, parts={"complex_keywords": value}, scorer="heuristic", version="1", **more
    )


def names(decision: Decision) -> list[str]:
    return [attempt.deployment for attempt in decision.plan.attempts]


@pytest.mark.parametrize(
    ("value", "tier", "plan"),
    [
        (0, "simple", ["small", "middle", "strong"]),
        (24.9, "simple", ["small", "middle", "strong"]),
        (25, "medium", ["middle", "strong", "small"]),
        (50, "complex", ["strong", "middle", "small"]),
        (100, "complex", ["strong", "middle", "small"]),
    ],
)
def test_the_tier_follows_the_score_and_the_fallback_the_tier(
    value: float, tier: str, plan: list[str]
) -> None:
    decision = decide(request(), AUTO, score(value), ALL, Policy())

    assert decision.tier == tier
    assert names(decision) == plan
    assert decision.deployment == plan[0]
    assert decision.dropped == ()


@pytest.mark.parametrize(("value", "tier"), [(49, "simple"), (50, "complex")])
def test_two_tiers_have_one_threshold(value: float, tier: str) -> None:
    assert decide(request(), AUTO, score(value), [SMALL, STRONG], Policy()).tier == tier


def test_one_deployment_serves_everything_and_the_decision_says_what_it_would_have_liked() -> None:
    decision = decide(request(), AUTO, score(80), [SMALL], Policy())

    assert decision.tier == "complex"
    assert names(decision) == ["small"]
    assert "small is the nearest there is" in decision.reasoning


def test_own_thresholds_win() -> None:
    policy = Policy(escalate=Escalate(score={"medium": 5, "complex": 90}))

    assert decide(request(), AUTO, score(50), ALL, policy).tier == "medium"


def test_a_high_stakes_topic_goes_to_the_top_whatever_the_score() -> None:
    stakes = score(3, topics=("high_stakes",))

    decision = decide(request(), AUTO, stakes, ALL, Policy(floors=HIGH_STAKES))

    assert decision.tier == "complex"
    assert names(decision) == ["strong"]
    assert {(d.deployment, d.gate) for d in decision.dropped} == {
        ("small", "floor"),
        ("middle", "floor"),
    }
    assert "high_stakes floor" in decision.reasoning


def test_a_floor_whose_tier_is_absent_or_down_is_clamped_to_the_best_there_is() -> None:
    stakes = score(3, topics=("high_stakes",))
    down = Candidate(STRONG.deployment, breaker_open=True)

    assert names(
        decide(request(), AUTO, stakes, [SMALL, MIDDLE, down], Policy(floors=HIGH_STAKES))
    ) == ["middle"]
    assert names(decide(request(), AUTO, stakes, [SMALL], Policy(floors=HIGH_STAKES))) == ["small"]


def test_a_strict_floor_serves_nothing_below_it() -> None:
    strict = Policy(floors=Floors(topics={"high_stakes": "complex"}, strict=True))
    stakes = score(3, topics=("high_stakes",))

    decision = decide(request(), AUTO, stakes, [SMALL, MIDDLE], strict)

    assert decision.deployment is None
    assert {d.gate for d in decision.dropped} == {"floor"}


def test_a_domain_may_have_a_floor() -> None:
    policy = Policy(floors=Floors(domains={"coding": "medium"}))

    assert decide(request(), AUTO, score(0, domain="coding"), ALL, policy).tier == "medium"
    assert decide(request(), AUTO, score(0, domain="writing"), ALL, policy).tier == "simple"


def test_what_does_not_fit_is_dropped_with_its_reason() -> None:
    blind = Candidate(deployment("blind", "simple", capabilities=frozenset({"tools"})))
    seeing = Candidate(deployment("seeing", "complex", capabilities=frozenset({"tools", "vision"})))
    asked = request(needs=frozenset({"vision"}), input_tokens=5000)

    decision = decide(asked, AUTO, score(0), [SMALL, blind, seeing], Policy())

    assert names(decision) == ["seeing"]
    assert [(d.deployment, d.gate) for d in decision.dropped] == [
        ("small", "context"),
        ("blind", "capability"),
    ]
    assert "needs about 5256 tokens of context, has 4096" in decision.dropped[0].reason
    assert decision.dropped[1].reason == "has no vision"


def test_an_open_breaker_sends_the_request_past() -> None:
    decision = decide(
        request(),
        AUTO,
        score(0),
        [Candidate(SMALL.deployment, breaker_open=True), MIDDLE],
        Policy(),
    )

    assert names(decision) == ["middle"]
    assert decision.dropped[0].gate == "breaker"


def test_what_answers_now_goes_before_what_must_load_first() -> None:
    cold = Candidate(deployment("cold", "simple"), "cold")
    warming = Candidate(deployment("warming", "simple"), "warming")
    up = Candidate(deployment("up", "simple"))

    assert names(decide(request(), AUTO, score(0), [cold, warming, up], Policy())) == [
        "up",
        "warming",
        "cold",
    ]


def test_a_long_prompt_prefers_the_cloud_where_there_is_one() -> None:
    policy = Policy(max_local_tokens=100)

    assert names(decide(request(input_tokens=101), AUTO, score(0), ALL, policy)) == [
        "middle",
        "strong",
        "small",
    ]
    assert names(decide(request(input_tokens=101), AUTO, score(0), [SMALL], policy)) == ["small"]
    assert names(decide(request(input_tokens=100), AUTO, score(0), ALL, policy))[0] == "small"


@pytest.mark.parametrize(
    ("target", "plan"),
    [
        (Target("location", "local"), ["small"]),
        (Target("location", "cloud"), ["middle", "strong"]),
        (Target("tier", "complex"), ["strong", "middle", "small"]),
        (Target("deployment", "middle"), ["middle"]),
    ],
)
def test_what_was_asked_for_by_name(target: Target, plan: list[str]) -> None:
    assert names(decide(request(), target, score(0), ALL, Policy())) == plan


def test_without_fallback_there_is_one_attempt() -> None:
    decision = decide(request(), AUTO, score(0), ALL, Policy(fallback=False))

    assert names(decision) == ["small"]
    assert {d.gate for d in decision.dropped} == {"fallback"}


def test_what_could_not_be_scored_goes_to_the_default_tier() -> None:
    decision = decide(request(), AUTO, score(0, fault="ValueError"), ALL, Policy())

    assert decision.tier == "medium"
    assert "not scored (ValueError)" in decision.reasoning


@given(
    value=st.floats(0, 100),
    states=st.lists(st.sampled_from(["up", "warming", "cold", "down"]), min_size=3, max_size=3),
    tokens=st.integers(0, 10_000),
    topics=st.sampled_from([(), ("high_stakes",)]),
)
def test_nothing_is_lost_and_nothing_is_planned_twice(
    value: float, states: list[str], tokens: int, topics: tuple[str, ...]
) -> None:
    candidates = [
        Candidate(each.deployment, "up" if state == "open" else state, breaker_open=state == "open")
        for each, state in zip(ALL, states, strict=True)
    ]
    policy = Policy(floors=HIGH_STAKES, max_local_tokens=3000)

    decision = decide(
        request(input_tokens=tokens), AUTO, score(value, topics=topics), candidates, policy
    )

    planned = names(decision)
    dropped = [drop.deployment for drop in decision.dropped]
    assert sorted(planned + dropped) == ["middle", "small", "strong"]
    assert all(drop.reason for drop in decision.dropped)
    assert all(not c.breaker_open for c in candidates if c.deployment.id in planned)
    assert decision == decide(
        request(input_tokens=tokens), AUTO, score(value, topics=topics), candidates, policy
    )


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_higher_score_never_gets_a_lower_tier(one: float, other: float) -> None:
    tiers = Policy().tiers
    low, high = sorted((one, other))

    chosen = [decide(request(), AUTO, score(value), ALL, Policy()).tier for value in (low, high)]

    assert tiers.index(chosen[0]) <= tiers.index(chosen[1])


def test_a_floor_that_raised_the_tier_is_named_and_no_other() -> None:
    policy = Policy(floors=Floors(topics={"high_stakes": "complex"}, domains={"coding": "medium"}))

    by_domain = decide(request(), AUTO, score(0, domain="coding"), ALL, policy)
    by_score = decide(request(), AUTO, score(80, topics=("high_stakes",)), ALL, policy)

    assert "(coding floor)" in by_domain.reasoning
    assert "floor" not in by_score.reasoning


def test_an_alias_may_be_a_pattern() -> None:
    policy = Policy(aliases={"gpt-4o": "local", "gpt-4*": "auto"})

    assert resolve("gpt-4o", policy, {}) == Target("location", "local")
    assert resolve("gpt-4o-mini", policy, {}) == AUTO
    assert names_of(policy, {}) == ("auto", "local", "cloud", "gpt-4o")


def test_a_name_that_is_no_name_stands_for_nothing() -> None:
    policy = Policy(aliases={"gpt-4*": "auto"}, unknown_model_is_auto=True)

    for much in ("gpt-4" + "o" * 1000, "x" * 1000):
        with pytest.raises(UnknownModel):
            resolve(much, policy, {})


def test_names_are_resolved() -> None:
    deployments = {"ollama/qwen:7b": MIDDLE.deployment}
    policy = Policy(aliases={"gpt-4o": "auto", "fast": "ollama/qwen:7b"})

    assert resolve("auto", policy, deployments) == AUTO
    assert resolve("gpt-4o", policy, deployments) == AUTO
    assert resolve("local", policy, deployments) == Target("location", "local")
    assert resolve("complex", policy, deployments) == Target("tier", "complex")
    assert resolve("fast", policy, deployments) == Target("deployment", "ollama/qwen:7b")
    with pytest.raises(UnknownModel, match=r"there is no model 'gpt-7'.*GET /v1/models"):
        resolve("gpt-7", policy, deployments)
    assert resolve("gpt-7", Policy(unknown_model_is_auto=True), deployments) == AUTO


def test_who_asks_for_a_servers_model_is_told_how_to_add_it() -> None:
    with pytest.raises(
        UnknownModel, match=r"to add it: \[models\.'ollama/qwen3:4b'\] with provider"
    ):
        resolve("ollama/qwen3:4b", Policy(), {})
