"""Who takes part in an experiment, on which side, and what that does to a plan."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.routing.decide import decide
from pointsman.routing.experiment import of_deployments, of_versions, side, swap, take_part
from pointsman.routing.policy import Floors, Policy
from pointsman.types import (
    Assigned,
    Call,
    Candidate,
    Decision,
    Deployment,
    Experiment,
    Informed,
    ModelRequest,
    Principal,
    Score,
    Stay,
    Target,
    Turn,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRIAL = Experiment("exp_1", "acme", "trial", NOON, "deployments", "small", "other", 1.0)
VERSIONS = replace(TRIAL, id="exp_2", of="versions", a="shipped", b="v_2")
TIERS = {"small": "simple", "other": "simple", "strong": "complex"}
AUTO = Target("auto", "auto")


def candidate(name: str, **more: object) -> Candidate:
    deployment = Deployment(name, "openai", name, TIERS[name], "cloud", context_length=4096)
    return Candidate(deployment, **more)


ALL = [candidate("small"), candidate("other", expected_cost=Decimal("0.5")), candidate("strong")]


def call(session: str | None = None, request_id: str = "req_1", **more: object) -> Call:
    request = ModelRequest("auto", (Turn("user", "x"),), {}, **more)
    return Call(request_id, NOON, Principal("acme", "k1"), request, session=session)


def decided(
    candidates: list[Candidate] = ALL, *, target: Target = AUTO, **policy: object
) -> Decision:
    score = Score(5.0, {"length": 5.0}, "heuristic", "1")
    return decide(call().request, target, score, candidates, Policy(**policy))


def order(decision: Decision) -> list[str]:
    return [attempt.deployment for attempt in decision.plan.attempts]


def on(variant: str, experiment: Experiment = TRIAL) -> tuple[Call, Assigned]:
    """Somebody on that side."""
    for number in range(100):
        asked = call(f"s{number}")
        assigned = side(experiment, asked)
        if assigned is not None and assigned.variant == variant:
            return asked, assigned
    raise AssertionError(variant)


def part(
    asked: Call,
    decision: Decision,
    *running: Experiment,
    candidates: list[Candidate] = ALL,
    stay: Stay | None = None,
) -> Assigned | None:
    return of_deployments(running or (TRIAL,), asked, decision, candidates, stay)


@given(st.text(min_size=1), st.floats(0, 1), st.text(), st.text())
def test_a_conversation_stays_on_its_side(session: str, share: float, one: str, other: str):
    trial = replace(TRIAL, share=share)

    assert side(trial, call(session, one)) == side(trial, call(session, other))


def test_shares_and_halves_are_what_was_asked_for():
    trial = replace(TRIAL, share=0.3)
    sides = [side(trial, call(request_id=f"req_{number}")) for number in range(4000)]
    drawn = [each for each in sides if each is not None]

    assert len(drawn) / len(sides) == pytest.approx(0.3, abs=0.03)
    assert sum(each.variant == "a" for each in drawn) / len(drawn) == pytest.approx(0.5, abs=0.05)
    assert {(each.variant, each.chosen, each.other) for each in drawn} == {
        ("a", "small", "other"),
        ("b", "other", "small"),
    }
    assert len({each.conversation for each in drawn}) == len(drawn)


def test_nobody_and_everybody_take_part():
    asked = [call(f"s{number}") for number in range(200)]

    assert not any(side(replace(TRIAL, share=0.0), each) for each in asked)
    assert all(side(TRIAL, each) for each in asked)


def test_two_experiments_draw_anew():
    asked = [call(f"s{number}") for number in range(200)]
    again = replace(TRIAL, id="exp_3")

    same = [side(TRIAL, each).variant == side(again, each).variant for each in asked]
    assert 60 < sum(same) < 140


@pytest.mark.parametrize("variant", ["a", "b"])
def test_the_side_goes_first_and_the_other_takes_its_place(variant: str):
    asked, assigned = on(variant)
    decision = decided()

    assert order(decision) == ["small", "other", "strong"]
    assert part(asked, decision) == assigned
    there = take_part(decision, assigned, ALL)

    assert order(there) == [assigned.chosen, assigned.other, "strong"]
    assert there.plan.attempts[0].reason == f"tier simple, side {variant} of exp_1"
    assert f"side {variant} of exp_1" in there.reasoning
    assert there.estimated_cost_usd == (None if variant == "a" else Decimal("0.5"))
    assert there.informed == Informed(
        experiment="exp_1", variant=variant, conversation=assigned.conversation
    )


def test_another_tier_is_said():
    trial = replace(TRIAL, b="strong")
    asked, assigned = on("b", trial)
    decision = replace(decided(), informed=Informed("v_1"))

    assert part(asked, decision, trial) == assigned
    there = take_part(decision, assigned, ALL)

    assert order(there) == ["strong", "other", "small"]
    assert "strong instead of small" in there.reasoning
    assert there.informed.version == "v_1"


def test_who_was_dropped_stays_dropped():
    broken = [ALL[0], replace(ALL[1], breaker_open=True), ALL[2]]
    asked, assigned = on("b")
    decision = decided(broken)

    assert "other" not in order(decision)
    assert part(asked, decision, candidates=broken) is None
    assert swap(decision.plan, assigned, {}) == decision.plan


def test_who_is_down_is_not_compared():
    down = [ALL[0], replace(ALL[1], state="down"), ALL[2]]

    assert part(on("b")[0], decided(down), candidates=down) is None


def test_a_floor_stays_a_floor():
    trial = replace(TRIAL, a="strong")
    policy = Policy(floors=Floors(topics={"high_stakes": "complex"}))
    score = Score(5.0, {}, "heuristic", "1", topics=("high_stakes",))
    decision = decide(call().request, AUTO, score, ALL, policy)

    assert order(decision) == ["strong"]
    assert part(on("b", trial)[0], decision, trial) is None


def test_without_fallback_the_other_is_not_tried():
    asked, assigned = on("b")
    decision = decided(fallback=False)

    assert part(asked, decision) == assigned
    there = take_part(decision, assigned, ALL)

    assert order(there) == ["other"]
    assert {drop.deployment: drop.gate for drop in there.dropped} == {
        "small": "fallback",
        "strong": "fallback",
    }


@pytest.mark.parametrize(
    ("target", "b", "first"),
    [
        (AUTO, "strong", "strong"),
        (Target("location", "cloud"), "strong", "strong"),
        (Target("tier", "simple"), "other", "other"),
        (Target("tier", "simple"), "strong", "small"),
        (Target("deployment", "small"), "other", "small"),
    ],
)
def test_what_was_named_is_not_changed(target: Target, b: str, first: str):
    trial = replace(TRIAL, b=b)
    asked, _ = on("b", trial)
    decision = decided(target=target)

    assigned = part(asked, decision, trial)

    there = decision if assigned is None else take_part(decision, assigned, ALL)
    assert order(there)[0] == first


def test_a_conversation_is_not_taken_away_from_where_it_is():
    asked, assigned = on("b")

    assert part(asked, decided(), stay=Stay("small", "simple")) is None
    assert part(asked, decided(), stay=Stay("other", "simple")) == assigned
    assert part(asked, decided(), stay=Stay("strong", "complex")) == assigned


def test_only_conversations_of_its_organisation_take_part():
    asked, _ = on("b")
    elsewhere = replace(asked, principal=Principal("globex", "k1"))
    embedding = replace(asked, request=replace(asked.request, task="embeddings"))
    everybodys = replace(TRIAL, organisation="")

    assert part(elsewhere, decided()) is None
    assert part(embedding, decided()) is None
    assert part(elsewhere, decided(), everybodys) is not None


def test_the_first_that_applies_is_the_one():
    strong = replace(TRIAL, id="exp_9", a="strong", b="small")
    asked, assigned = on("a")

    assert part(asked, decided(), VERSIONS, TRIAL, strong) == assigned
    assert part(asked, decided([ALL[2]]), VERSIONS, TRIAL, strong) is None


def test_versions_are_drawn_before_anything_is_decided():
    asked, assigned = on("b", VERSIONS)

    assert of_versions((TRIAL, VERSIONS), asked) == assigned
    assert of_versions((TRIAL,), asked) is None
    assert of_versions((replace(VERSIONS, organisation="globex"),), asked) is None
    there = take_part(decided(), assigned, ALL)
    assert order(there) == order(decided())
    assert there.informed.variant == "b"


@given(st.permutations(["small", "other", "strong"]), st.sampled_from("ab"))
def test_a_swap_loses_nobody(names: list[str], variant: str):
    trial = replace(TRIAL, a=names[0], b=names[1])
    decision = decided()
    _, assigned = on(variant, trial)

    there = take_part(decision, assigned, ALL)

    assert sorted(order(there)) == sorted(order(decision))
    moved = order(decision)[0] in names[:2]
    assert order(there)[0] == (assigned.chosen if moved else order(decision)[0])
