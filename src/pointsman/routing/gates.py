"""Hard rules that remove a deployment. Each returns its reason, or None to let it pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pointsman.types import Candidate, ModelRequest, Target

#: Tokens kept free for the reply where the request does not say how long it may be.
REPLY_ROOM = 256

Gate = Callable[[ModelRequest, Target, Candidate], str | None]


def target(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """Asked for by location or by name: only there."""
    del request
    deployment = candidate.deployment
    if wanted.kind == "deployment" and deployment.id != wanted.name:
        return f"{wanted.name} was asked for"
    if wanted.kind == "location" and deployment.location != wanted.name:
        return f"{wanted.name} was asked for, this one is {deployment.location}"
    return None


def task(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """Chat, embeddings, audio, images, rerank: what a deployment is there for."""
    del wanted
    if request.task in candidate.deployment.tasks:
        return None
    return f"is not there for {request.task}"


def wire(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """What its server's format can't say is not sent there."""
    del request, wanted
    return candidate.objection


def capability(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """What the request needs and the deployment is known not to have."""
    del wanted
    has = candidate.deployment.capabilities
    missing = sorted(request.needs - has) if has is not None else []
    return f"has no {', '.join(missing)}" if missing else None


def context(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """Prompt and reply must fit the context; estimated, so with the benefit of the doubt."""
    del wanted
    length = candidate.deployment.context_length
    needed = request.input_tokens + min(request.max_output_tokens or REPLY_ROOM, REPLY_ROOM)
    if length is not None and needed > length:
        return f"needs about {needed} tokens of context, has {length}"
    return None


def breaker(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """A deployment that keeps failing is left alone for a while."""
    del request, wanted
    return "failed repeatedly, its breaker is open" if candidate.breaker_open else None


def rest(request: ModelRequest, wanted: Target, candidate: Candidate) -> str | None:
    """Its provider asked to be left alone for a while (`Retry-After`)."""
    del request, wanted
    if candidate.resting_s <= 0:
        return None
    return f"asked to be left alone for {candidate.resting_s:.0f} s more"


#: In this order; the first that objects gives the reason.
GATES: Mapping[str, Gate] = {
    "target": target,
    "task": task,
    "format": wire,
    "capability": capability,
    "context": context,
    "breaker": breaker,
    "rest": rest,
}


def check(request: ModelRequest, wanted: Target, candidate: Candidate) -> tuple[str, str] | None:
    """The first gate that removes the candidate, with its reason."""
    for name, gate in GATES.items():
        reason = gate(request, wanted, candidate)
        if reason is not None:
            return name, reason
    return None
