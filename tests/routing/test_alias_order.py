"""A list of deployments under one name: only these, and in its order."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy, resolve
from pointsman.types import Candidate, Deployment, ModelRequest, Score, Turn

NAMES = ("a", "b", "c", "d", "e")
deployments = st.fixed_dictionaries(
    {
        name: st.builds(
            Deployment,
            id=st.just(name),
            provider=st.just("openai"),
            model=st.just(name),
            tier=st.sampled_from(("simple", "medium", "complex")),
            location=st.sampled_from(("local", "cloud")),
            weight=st.sampled_from((0.0, 1.0, 2.0)),
        )
        for name in NAMES
    }
)


@given(
    known=deployments,
    order=st.permutations(NAMES),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    states=st.lists(st.sampled_from(("up", "cold", "down")), min_size=5, max_size=5),
    costs=st.lists(st.none() | st.decimals(0, 9, places=1), min_size=5, max_size=5),
    value=st.floats(0, 100),
    fallback=st.booleans(),
)
def test_a_list_leads_to_its_own_deployments_alone_and_in_its_order(
    *,
    known: dict[str, Deployment],
    order: list[str],
    sizes: list[int],
    states: list[str],
    costs: list[Decimal | None],
    value: float,
    fallback: bool,
) -> None:
    left = list(order)
    parts = [tuple(left.pop() for _ in range(min(size, len(left)))) for size in sizes]
    groups = tuple(part for part in parts if part)
    policy = Policy(aliases={"a": groups}, fallback=fallback, max_local_tokens=5)
    request = ModelRequest(model="a", turns=(Turn("user", "x"),), members={}, input_tokens=10)
    candidates = [
        Candidate(known[name], state=state, expected_cost=cost)
        for name, state, cost in zip(NAMES, states, costs, strict=True)
    ]

    target = resolve("a", policy, known)
    decision = decide(request, target, Score(value, {}, "heuristic", "1"), candidates, policy)

    tried = [attempt.deployment for attempt in decision.plan.attempts]
    place = {name: at for at, group in enumerate(groups) for name in group}
    assert set(tried) <= place.keys()
    assert [place[name] for name in tried] == sorted(place[name] for name in tried)
    assert len(tried) == (len(place) if fallback else 1)
    outside = {drop.deployment for drop in decision.dropped if drop.gate == "target"}
    assert outside == set(NAMES) - place.keys()
