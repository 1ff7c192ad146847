"""The decision: a tier from the score, the order from the tier.

To change the fallback order, change `_rank`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.routing import explain, gates, thresholds
from pointsman.routing.policy import Policy
from pointsman.routing.sticky import in_tool_loop
from pointsman.types import (
    Candidate,
    Decision,
    Dropped,
    ModelRequest,
    Plan,
    PlannedAttempt,
    Score,
    Stay,
    Target,
)

#: Within a tier: what answers now before what has to be loaded first.
_READINESS = {"up": 0, "warming": 1, "cold": 2, "down": 3}


def decide(
    request: ModelRequest,
    target: Target,
    scored: Score,
    candidates: Sequence[Candidate],
    policy: Policy,
    *,
    stay: Stay | None = None,
    side_call: str | None = None,
) -> Decision:
    """Where the request goes: the tier it should have, and the ordered plan to get there.

    A session stays where it was (`stay`): it may rise in tier, not fall. A client's side call
    (`side_call` says which kind) goes to the lowest tier.

    The plan is empty where every deployment was dropped; whoever calls says so to the client.
    """
    routed = target.kind in {"auto", "location"}
    aside = side_call if routed else None
    stay = stay if routed and aside is None else None
    floor, cause = (None, None) if aside else _floor(scored, target, policy)
    chosen = policy.tiers[0] if aside else _tier(target, scored, candidates, policy)
    tier = max(chosen, floor or chosen, key=policy.tiers.index)
    if stay is not None and policy.tiers.index(stay.tier) > policy.tiers.index(tier):
        tier, chosen = stay.tier, stay.tier
    kept: list[Candidate] = []
    dropped: list[Dropped] = []
    for candidate in candidates:
        objection = gates.check(request, target, candidate)
        if objection is None:
            kept.append(candidate)
        else:
            dropped.append(Dropped(candidate.deployment.id, *objection))
    kept, below = _above(floor, kept, policy)
    dropped += below
    local_last = _prefers_cloud(request, policy)
    pinned = stay.deployment if stay is not None and in_tool_loop(request) else None
    kept.sort(
        key=lambda each: (
            pinned is not None and each.deployment.id != pinned,
            *_rank(each, tier, policy, stay, local_last=local_last),
        )
    )
    if not policy.fallback:
        dropped += [Dropped(c.deployment.id, "fallback", "fallback is off") for c in kept[1:]]
        kept = kept[:1]
    attempts = tuple(
        PlannedAttempt(
            c.deployment.id, c.deployment.tier, explain.place(c.deployment, tier, position=i)
        )
        for i, c in enumerate(kept)
    )
    plan = Plan(attempts, tuple(dropped))
    reasoning = explain.reasoning(
        target,
        scored,
        tier,
        cause if tier != chosen else None,
        plan,
        cloud_first=local_last,
        side_call=aside,
        stay=stay,
    )
    return Decision(tier=tier, target=target, scored=scored, plan=plan, reasoning=reasoning)


def _floor(scored: Score, target: Target, policy: Policy) -> tuple[str | None, str | None]:
    """The highest floor that applies, and whose it is; what a person named has none."""
    if target.kind in {"tier", "deployment"}:
        return None, None
    floors = {t: policy.floors.topics[t] for t in scored.topics if t in policy.floors.topics}
    if scored.domain in policy.floors.domains:
        floors[scored.domain] = policy.floors.domains[scored.domain]
    cause = max(floors, key=lambda name: policy.tiers.index(floors[name]), default=None)
    return (None, None) if cause is None else (floors[cause], cause)


def _tier(
    target: Target,
    scored: Score,
    candidates: Sequence[Candidate],
    policy: Policy,
) -> str:
    if target.kind == "tier":
        return target.name
    if target.kind == "deployment":
        return next(c.deployment.tier for c in candidates if c.deployment.id == target.name)
    if scored.fault is not None:
        return policy.default_tier
    present = {candidate.deployment.tier for candidate in candidates}
    lowest = thresholds.bounds(policy.tiers, present, scored.scorer, policy.thresholds)
    return thresholds.tier_for(scored.value, lowest)


def _above(
    floor: str | None, kept: list[Candidate], policy: Policy
) -> tuple[list[Candidate], list[Dropped]]:
    """What the floor leaves. Where that is nothing, it is clamped to the best tier there is."""
    if floor is None or not kept:
        return kept, []
    level = policy.tiers.index(floor)
    if not policy.floors.strict:
        level = min(level, max(policy.tiers.index(c.deployment.tier) for c in kept))
    above = [c for c in kept if policy.tiers.index(c.deployment.tier) >= level]
    below = [
        Dropped(c.deployment.id, "floor", f"below the floor {floor}")
        for c in kept
        if c not in above
    ]
    return above, below


def _prefers_cloud(request: ModelRequest, policy: Policy) -> bool:
    limit = policy.max_local_tokens
    return limit is not None and request.input_tokens > limit


def _rank(
    candidate: Candidate, tier: str, policy: Policy, stay: Stay | None, *, local_last: bool
) -> tuple[bool, bool, int, bool, int, bool, float, float]:
    """The fallback order: the tier itself, then the next higher, then the next lower.

    A preference for the cloud (`max_local_tokens`) goes before the tier. Within a tier: where the
    session was served last, then what is ready, then whoever has least to do for its weight, and
    among equals whoever was given least for its weight; after that the configuration's order.
    """
    deployment = candidate.deployment
    distance = policy.tiers.index(deployment.tier) - policy.tiers.index(tier)
    weight = deployment.weight or 1.0
    return (
        local_last and deployment.location == "local",
        distance < 0,
        abs(distance),
        stay is None or deployment.id != stay.deployment,
        _READINESS[candidate.state],
        deployment.weight == 0,
        candidate.busy / weight,
        candidate.given / weight,
    )
