"""Hard rules that remove a deployment. Each returns its reason, or None to let it pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from pointsman.types import EVERY_MEANS, Candidate, Confined, Means, ModelRequest, Target

#: Tokens kept free for the reply where the request does not say how long it may be.
REPLY_ROOM = 256
#: Members by which a router behind us is told of further models (OpenRouter, LiteLLM).
_OTHER_MODELS = ("models", "preset", "fallbacks")
#: Whose wish it is that a request stays local.
_CONFINED_BY = {
    "prompt": "of what the prompt holds",
    "request": "the request says so",
    "key": "its key says so",
}


class Question(msgspec.Struct, frozen=True):
    """What the gates judge a candidate by."""

    request: ModelRequest
    target: Target
    confined: Confined | None = None
    means: Means = EVERY_MEANS


Gate = Callable[[Question, Candidate], str | None]


def privacy(question: Question, candidate: Candidate) -> str | None:
    """What must stay local goes nowhere else, whatever else is asked for."""
    confined = question.confined
    if confined is None or candidate.deployment.location == "local":
        return None
    found = ", ".join(kind.replace("_", " ") for kind in confined.kinds)
    return f"must stay local: {_CONFINED_BY[confined.by]}{f' ({found})' if found else ''}"


def permission(question: Question, candidate: Candidate) -> str | None:
    """What the caller's key may use."""
    grant, deployment = question.means.grant, candidate.deployment
    limited = grant.models is not None or grant.tiers is not None
    if limited and any(name in question.request.members for name in _OTHER_MODELS):
        return "this key may not use every model, and the request names some to the provider"
    if grant.models is not None and deployment.id not in grant.models:
        return "this key may not use it"
    if grant.tiers is not None and deployment.tier not in grant.tiers:
        return f"this key may not use the {deployment.tier} tier"
    return None


def organisation(question: Question, candidate: Candidate) -> str | None:
    """What is other organisations' own."""
    if candidate.deployment.is_for(question.means.organisation):
        return None
    return "is another organisation's"


def target(question: Question, candidate: Candidate) -> str | None:
    """Asked for by location or by name: only there."""
    wanted, deployment = question.target, candidate.deployment
    if wanted.kind == "deployment" and deployment.id not in wanted.deployments:
        return f"{wanted.name} was asked for"
    if wanted.kind == "location" and deployment.location != wanted.name:
        return f"{wanted.name} was asked for, this one is {deployment.location}"
    return None


def task(question: Question, candidate: Candidate) -> str | None:
    """Chat, embeddings, audio, images, rerank: what a deployment is there for."""
    wanted = question.request.task
    return None if wanted in candidate.deployment.tasks else f"is not there for {wanted}"


def wire(question: Question, candidate: Candidate) -> str | None:
    """What its server's format can't say is not sent there."""
    del question
    return candidate.objection


def capability(question: Question, candidate: Candidate) -> str | None:
    """What the request needs and the deployment is known not to have."""
    has = candidate.deployment.capabilities
    missing = sorted(question.request.needs - has) if has is not None else []
    return f"has no {', '.join(missing)}" if missing else None


def context(question: Question, candidate: Candidate) -> str | None:
    """Prompt and reply must fit the context; estimated, so with the benefit of the doubt."""
    request = question.request
    length = candidate.deployment.context_length
    needed = request.input_tokens + min(request.max_output_tokens or REPLY_ROOM, REPLY_ROOM)
    if length is not None and needed > length:
        return f"needs about {needed} tokens of context, has {length}"
    return None


def breaker(question: Question, candidate: Candidate) -> str | None:
    """A deployment that keeps failing is left alone for a while."""
    del question
    return "failed repeatedly, its breaker is open" if candidate.breaker_open else None


def rest(question: Question, candidate: Candidate) -> str | None:
    """Its provider asked to be left alone for a while (`Retry-After`)."""
    del question
    if candidate.resting_s <= 0:
        return None
    return f"asked to be left alone for {candidate.resting_s:.0f} s more"


def price(question: Question, candidate: Candidate) -> str | None:
    """Where a budget applies, what nobody knows the price of is not used unless that is allowed."""
    means = question.means
    if means.left is None or means.allow_unpriced or candidate.worst_cost is not None:
        return None
    return "its price is unknown, and a budget applies"


def budget(question: Question, candidate: Candidate) -> str | None:
    """What may cost more than the budget has left."""
    left, worst = question.means.left, candidate.worst_cost
    if left is None or not worst or worst <= left:
        return None
    return f"may cost up to ${worst:.6f}, the budget has ${max(left, Decimal(0)):.6f} left"


#: In this order; the first that objects gives the reason.
GATES: Mapping[str, Gate] = {
    "target": target,
    "privacy": privacy,
    "organisation": organisation,
    "permission": permission,
    "task": task,
    "format": wire,
    "capability": capability,
    "context": context,
    "breaker": breaker,
    "rest": rest,
    "price": price,
    "budget": budget,
}


def check(question: Question, candidate: Candidate) -> tuple[str, str] | None:
    """The first gate that removes the candidate, with its reason."""
    for name, gate in GATES.items():
        reason = gate(question, candidate)
        if reason is not None:
            return name, reason
    return None
