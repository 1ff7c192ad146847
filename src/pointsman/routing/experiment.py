"""Which requests take part in an experiment, on which side, and what that does to them. Pure.

Sides are drawn by conversation: all that is asked in one is on the same side, on every gateway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from pointsman.types import (
    Assigned,
    Call,
    Candidate,
    Decision,
    Deployment,
    Dropped,
    Experiment,
    Informed,
    Plan,
    PlannedAttempt,
    Stay,
)

#: The organisation of what concerns all of them.
EVERYBODY = ""
#: Of a hash's 64 hexadecimal digits: the first say whether it takes part, the next on which side.
_DIGITS = 16
#: Whom it leaves out of a plan is there only because nobody is tried after the first.
_FALLBACK = "fallback"


def side(experiment: Experiment, call: Call) -> Assigned | None:
    """The side that a call is drawn to; None for those that are not drawn at all."""
    if not call.explore:
        return None
    conversation = _conversation(experiment, call)
    if int(conversation[:_DIGITS], 16) >= experiment.share * 16**_DIGITS:
        return None
    is_a = int(conversation[_DIGITS : 2 * _DIGITS], 16) % 2 == 0
    both = (experiment.a, experiment.b)
    chosen, other = both if is_a else both[::-1]
    return Assigned(
        experiment.id, experiment.of, "a" if is_a else "b", chosen, other, conversation[:32]
    )


def of_versions(running: Sequence[Experiment], call: Call) -> Assigned | None:
    """The side that says by which version a call is scored; None where that is the one in force."""
    if call.request.task != "chat":
        return None
    sides = (side(each, call) for each in running if each.of == "versions" and _meant(each, call))
    return next(filter(None, sides), None)


def of_deployments(
    running: Sequence[Experiment],
    call: Call,
    decision: Decision,
    candidates: Sequence[Candidate],
    stay: Stay | None,
) -> Assigned | None:
    """The side that says which of two deployments is tried first; None where nothing is compared.

    Both must be able to serve the request now, so that the sides differ in nothing else; a named
    deployment is no matter of choice, nor is another tier where one was named; and a conversation
    is not taken away from where it was served last.
    """
    if call.request.task != "chat" or decision.target.kind == "deployment":
        return None
    up = {each.deployment.id: each.deployment.tier for each in candidates if each.state != "down"}
    able = _able(decision.plan) & up.keys()
    for each in running:
        pair = {each.a, each.b}
        if each.of != "deployments" or not _meant(each, call) or decision.deployment not in pair:
            continue
        is_free = decision.target.kind != "tier" or up.get(each.a) == up.get(each.b)
        assigned = side(each, call) if is_free and pair <= able else None
        if assigned is not None and (stay is None or stay.deployment != assigned.other):
            return assigned
    return None


def swap(plan: Plan, assigned: Assigned, deployments: Mapping[str, Deployment]) -> Plan:
    """The plan with the chosen side first, and the other in its place.

    Nothing changes where the first is neither of the two, and who was dropped stays dropped.
    """
    first = plan.attempts[0] if plan.attempts else None
    pair = {assigned.chosen, assigned.other}
    if first is None or first.deployment not in pair or not pair <= _able(plan):
        return plan
    deployment = deployments[assigned.chosen]
    reason = f"tier {deployment.tier}, side {assigned.variant} of {assigned.experiment}"
    chosen = PlannedAttempt(deployment.id, deployment.tier, reason)
    if first.deployment == assigned.chosen:
        return replace(plan, attempts=(chosen, *plan.attempts[1:]))
    dropped = tuple(
        Dropped(first.deployment, drop.gate, drop.reason)
        if drop.deployment == assigned.chosen
        else drop
        for drop in plan.dropped
    )
    rest = tuple(
        first if attempt.deployment == assigned.chosen else attempt for attempt in plan.attempts[1:]
    )
    return Plan((chosen, *rest), dropped)


def take_part(decision: Decision, assigned: Assigned, candidates: Sequence[Candidate]) -> Decision:
    """The decision on that side of an experiment; it is one that was not drawn."""
    by_id = {each.deployment.id: each for each in candidates}
    deployments = {name: each.deployment for name, each in by_id.items()}
    plan = decision.plan
    if assigned.of == "deployments":
        plan = swap(plan, assigned, deployments)
    informed = replace(
        decision.informed or Informed(),
        experiment=assigned.experiment,
        variant=assigned.variant,
        conversation=assigned.conversation,
    )
    before, now = decision.plan.attempts[:1], plan.attempts[:1]
    moved = [each.deployment for each in before] != [each.deployment for each in now]
    instead = f", {assigned.chosen} instead of {assigned.other}" if moved else ""
    return replace(
        decision,
        plan=plan,
        reasoning=f"{decision.reasoning}, side {assigned.variant} of {assigned.experiment}{instead}",
        estimated_cost_usd=by_id[now[0].deployment].expected_cost if now else None,
        informed=informed,
    )


def _conversation(experiment: Experiment, call: Call) -> str:
    """What is drawn by: the conversation, or the request where it is in none; hashed."""
    who = call.principal
    unit = f"request {call.request_id}" if call.session is None else f"session {call.session}"
    text = f"{experiment.id}\0{who.organisation}\0{who.key}\0{unit}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _meant(experiment: Experiment, call: Call) -> bool:
    return experiment.organisation in {EVERYBODY, call.principal.organisation}


def _able(plan: Plan) -> set[str]:
    """Who could serve: with fallback off, also those that are not tried for that alone."""
    spare = {drop.deployment for drop in plan.dropped if drop.gate == _FALLBACK}
    return {attempt.deployment for attempt in plan.attempts} | spare
