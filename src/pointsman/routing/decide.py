"""The decision: a tier from the score, the order from the tier and from what it costs.

To change the fallback order, change `_rank`; to change what cost may do to it, `_can_replace`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from pointsman.routing import explain, gates, thresholds
from pointsman.routing.gates import Question
from pointsman.routing.policy import Policy
from pointsman.routing.sticky import in_tool_loop
from pointsman.types import (
    EVERY_MEANS,
    UNSCORED,
    Candidate,
    Confined,
    Decision,
    Dropped,
    Means,
    ModelRequest,
    Plan,
    PlannedAttempt,
    Score,
    Stay,
    Target,
)

#: Gates that say nothing of the deployment itself.
_NOT_ITS_OWN = frozenset({"target", "privacy", "organisation", "floor", "fallback"})
#: Within a tier: what answers now before what has to be loaded first.
_READINESS = {"up": 0, "warming": 1, "cold": 2, "down": 3}


def decide(
    request: ModelRequest,
    target: Target,
    scored: Score,
    candidates: Sequence[Candidate],
    policy: Policy,
    *,
    bounds: Mapping[str, float] | None = None,
    confined: Confined | None = None,
    stay: Stay | None = None,
    side_call: str | None = None,
    means: Means = EVERY_MEANS,
    drawn: str | None = None,
) -> Decision:
    """Where the request goes: the tier it should have, and the ordered plan to get there.

    `bounds` are the lowest score of each tier; where not given, they are the policy's or the
    scorer's own. A request that is `confined` stays local. `means` are what the caller may use;
    everything where not given.

    A session stays where it was (`stay`): it may rise in tier, not fall. A client's side call
    (`side_call` says which kind) goes to the lowest tier. What was `drawn` counts instead of the
    score, where a score would choose, but for the floor.

    The plan is empty where every deployment was dropped; whoever calls says so to the client.
    """
    bounds = _bounds(scored, candidates, policy) if bounds is None else bounds
    aim = _aim(target, scored, candidates, policy, bounds, stay=stay, side_call=side_call)
    aim = aim.drawn(drawn, policy)
    kept, dropped = _sift(Question(request, target, confined, means), candidates)
    kept, below = _above(aim.floor, kept, policy)
    dropped += below
    chosen, spare = _tried(_Order(request, target, aim, policy).of(kept), policy)
    dropped += spare
    aim = aim.of_list(target, chosen)
    plan = _plan(target, aim.tier, chosen, dropped)
    reasoning = explain.reasoning(
        target,
        scored,
        aim.tier,
        aim.raised_by,
        plan,
        cloud_first=not target.groups and _prefers_cloud(request, policy),
        confined=confined is not None,
        cheaper_than=chosen[0].cheaper_than if chosen else None,
        side_call=aim.side_call,
        stay=aim.stay,
        instead_of=aim.instead_of,
        missing=_missing(target, aim.tier, candidates, dropped),
    )
    return Decision(
        tier=aim.tier,
        target=target,
        scored=scored,
        plan=plan,
        reasoning=reasoning,
        estimated_cost_usd=chosen[0].candidate.expected_cost if chosen else None,
        bounds=aim.bounds,
        confined=confined,
    )


class _Aim(msgspec.Struct, frozen=True):
    """The tier to aim for, and what decided it."""

    tier: str
    floor: str | None = None
    #: Whose floor raised the tier; None where none did.
    raised_by: str | None = None
    stay: Stay | None = None
    side_call: str | None = None
    #: The lowest score of each tier, where the score had a say.
    bounds: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: The tier that the score chose, where another was drawn.
    instead_of: str | None = None

    def of_list(self, target: Target, chosen: Sequence[_Chosen]) -> _Aim:
        """The same; where several deployments were named, in the tier of the one that goes first."""
        if not target.groups or not chosen:
            return self
        return replace(self, tier=chosen[0].candidate.deployment.tier)

    def drawn(self, tier: str | None, policy: Policy) -> _Aim:
        """The same with a tier that was drawn; unchanged where no score chose, or a session did."""
        if tier is None:
            return self
        below = self.floor is not None and policy.tiers.index(tier) < policy.tiers.index(self.floor)
        if not self.bounds or self.stay is not None or tier == self.tier or below:
            return self
        return replace(self, tier=tier, raised_by=None, instead_of=self.tier)


def _bounds(scored: Score, candidates: Sequence[Candidate], policy: Policy) -> Mapping[str, float]:
    present = {candidate.deployment.tier for candidate in candidates}
    own = policy.own(scored.scorer)
    return thresholds.bounds(policy.tiers, present, scored, policy.escalate, own)


def _aim(
    target: Target,
    scored: Score,
    candidates: Sequence[Candidate],
    policy: Policy,
    bounds: Mapping[str, float],
    *,
    stay: Stay | None,
    side_call: str | None,
) -> _Aim:
    """Nothing else counts where a tier or a deployment was named."""
    routed = target.kind in {"auto", "location"}
    if routed and side_call is not None:
        return _Aim(policy.tiers[0], side_call=side_call)
    chosen = _tier(target, scored, candidates, policy, bounds)
    if not routed:
        return _Aim(chosen)
    floor, cause = _floor(scored, policy)
    counted = bounds if scored.fault is None and scored.scorer != UNSCORED else {}
    tier = max(chosen, floor or chosen, key=policy.tiers.index)
    if stay is not None and policy.tiers.index(stay.tier) > policy.tiers.index(tier):
        return _Aim(stay.tier, floor, stay=stay, bounds=counted)
    return _Aim(tier, floor, cause if tier != chosen else None, stay, bounds=counted)


def _sift(
    question: Question, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], list[Dropped]]:
    """Who passes every gate, and who does not."""
    kept: list[Candidate] = []
    dropped: list[Dropped] = []
    for candidate in candidates:
        objection = gates.check(question, candidate)
        if objection is None:
            kept.append(candidate)
        else:
            dropped.append(Dropped(candidate.deployment.id, *objection))
    return kept, dropped


def _floor(scored: Score, policy: Policy) -> tuple[str | None, str | None]:
    """The highest floor that applies, and whose it is."""
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
    bounds: Mapping[str, float],
) -> str:
    if target.kind == "tier":
        return target.name
    if target.kind == "deployment":
        tiers = {each.deployment.id: each.deployment.tier for each in candidates}
        return next(tiers[name] for name in target.deployments if name in tiers)
    if scored.fault is not None:
        return policy.default_tier
    return thresholds.tier_for(scored.value, bounds)


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


class _Chosen(msgspec.Struct, frozen=True):
    """A candidate in its place."""

    candidate: Candidate
    #: Whose place it took because it costs less; None where it took nobody's.
    cheaper_than: str | None = None

    @property
    def id(self) -> str:
        return self.candidate.deployment.id

    def planned(self, target: Target, tier: str, position: int) -> PlannedAttempt:
        deployment, cheaper_than = self.candidate.deployment, self.cheaper_than
        why = explain.place(deployment, target, tier, position=position, cheaper_than=cheaper_than)
        return PlannedAttempt(deployment.id, deployment.tier, why)


def _tried(chosen: list[_Chosen], policy: Policy) -> tuple[Sequence[_Chosen], Sequence[Dropped]]:
    """Who is tried, and who is left out because nobody stands in."""
    if policy.fallback:
        return chosen, ()
    return chosen[:1], [Dropped(each.id, "fallback", "fallback is off") for each in chosen[1:]]


def _missing(
    target: Target, tier: str, candidates: Sequence[Candidate], dropped: Sequence[Dropped]
) -> Dropped | None:
    """Who should have gone first and can't, for a reason of its own."""
    own = [each for each in dropped if each.gate not in _NOT_ITS_OWN]
    if not own:
        return None
    first = target.groups[0] if target.groups else ()
    wanted = {
        each.deployment.id
        for each in candidates
        if (each.deployment.id in first if first else each.deployment.tier == tier)
    }
    return next((each for each in own if each.deployment in wanted), None)


def _plan(target: Target, tier: str, chosen: Sequence[_Chosen], dropped: Sequence[Dropped]) -> Plan:
    attempts = (each.planned(target, tier, place) for place, each in enumerate(chosen))
    return Plan(tuple(attempts), tuple(dropped))


class _Order:
    """In which order the candidates are tried.

    Each place goes to the first of the fallback order that is left, or else to what is expected to
    do no worse and costs less: the same or a higher tier, as ready to answer. Equal costs change
    nothing, nor do unknown ones, which are no zeros.

    Where several deployments were named, each of their groups is ordered as one tier is.
    """

    def __init__(self, request: ModelRequest, target: Target, aim: _Aim, policy: Policy) -> None:
        self._aim = aim
        self._tiers = policy.tiers
        self._local_last = _prefers_cloud(request, policy)
        self._named = target.kind == "tier" or aim.instead_of is not None
        self._groups = {name: at for at, group in enumerate(target.groups) for name in group}
        self._in_tool_loop = in_tool_loop(request)

    def of(self, candidates: Sequence[Candidate]) -> list[_Chosen]:
        left = sorted(candidates, key=self._rank)
        chosen: list[_Chosen] = []
        while left:
            head = left[0]
            first = self._cheapest(head, left)
            left.remove(first)
            chosen.append(_Chosen(first, None if first is head else head.deployment.id))
        return chosen

    def _cheapest(self, head: Candidate, left: Sequence[Candidate]) -> Candidate:
        """The least expensive of those that may take the first one's place, or that itself."""
        best, least = head, head.expected_cost
        for each in left:
            cost = each.expected_cost
            if cost is None or least is None or cost >= least:
                continue
            if self._can_replace(head, each):
                best, least = each, cost
        return best

    def _can_replace(self, head: Candidate, other: Candidate) -> bool:
        """Whether `other` may go before `head` if it costs less."""
        rise = self._level(other) - self._level(head)
        return (
            not self._stays(head)
            and self._group(other) == self._group(head)
            and rise >= 0
            and not (rise > 0 and self._named)
            and self._is_last(other) <= self._is_last(head)
            and _READINESS[other.state] <= _READINESS[head.state]
            and (other.deployment.weight > 0 or head.deployment.weight == 0)
        )

    def _rank(
        self, candidate: Candidate
    ) -> tuple[int, bool, bool, bool, bool, int, bool, int, bool, float, float]:
        """The fallback order: the tier itself, then the next higher, then the next lower.

        Groups that were named come one after the other, whatever else counts. A model that waits
        for its tools goes first; then a preference for the cloud (`max_local_tokens`) counts, and
        where the session was served last, if its tier will do. Within a tier: what is ready, then
        whoever has least to do for its weight, and among equals whoever was given least for its
        weight; after that the configuration's order.
        """
        deployment = candidate.deployment
        aimed = 0 if self._groups else self._tiers.index(self._aim.tier)
        distance = self._level(candidate) - aimed
        weight = deployment.weight or 1.0
        stays = self._stays(candidate)
        return (
            self._group(candidate),
            not (stays and self._in_tool_loop),
            self._is_last(candidate),
            not (stays and distance >= 0),
            distance < 0,
            abs(distance),
            not stays,
            _READINESS[candidate.state],
            deployment.weight == 0,
            candidate.busy / weight,
            candidate.given / weight,
        )

    def _group(self, candidate: Candidate) -> int:
        """Its place among the groups that were named; there is one where none were."""
        return self._groups.get(candidate.deployment.id, 0)

    def _level(self, candidate: Candidate) -> int:
        """Its tier; all that share a group stand on one level."""
        return 0 if self._groups else self._tiers.index(candidate.deployment.tier)

    def _stays(self, candidate: Candidate) -> bool:
        """Whether the session was served there last."""
        return self._aim.stay is not None and candidate.deployment.id == self._aim.stay.deployment

    def _is_last(self, candidate: Candidate) -> bool:
        return self._local_last and candidate.deployment.location == "local"
