"""Whether somebody looks at the first answer before it is given out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from pointsman.routing.sticky import in_tool_loop
from pointsman.types import Decision, ModelRequest

#: By scorer; those of the learned one lie close together.
MARGINS: Mapping[str, float] = {"learned": 8.0}
USUAL_MARGIN = 20.0

When: TypeAlias = Literal["off", "uncertain", "always"]


class Looks(msgspec.Struct, frozen=True):
    """When the verifier looks at the answer of a tier that is not the highest."""

    when: When = "uncertain"
    #: From which probability that it is good enough an answer is given out.
    bound: float = 0.5
    #: Points below the next tier's lowest score within which a score is uncertain; the scorer's
    #: own where None.
    margin: float | None = None
    #: Streams are held back until their first part was looked at; else they pass unseen.
    hold_streams: bool = False


def bound_for(request: ModelRequest, decision: Decision, looks: Looks) -> float | None:
    """From which probability the first answer is good enough; None where nobody looks at it.

    What was asked for by name is given out as it is, and so is what comes inside a tool loop.
    """
    routed = decision.target.kind in {"auto", "location"}
    if looks.when == "off" or request.task != "chat" or not routed or in_tool_loop(request):
        return None
    if request.stream and not looks.hold_streams:
        return None
    if looks.when == "uncertain" and not _is_uncertain(decision, looks):
        return None
    return looks.bound


def _is_uncertain(decision: Decision, looks: Looks) -> bool:
    own = MARGINS.get(decision.scored.scorer, USUAL_MARGIN)
    margin = own if looks.margin is None else looks.margin
    above = [bound for bound in decision.bounds.values() if bound > decision.score]
    return bool(above) and min(above) - decision.score <= margin
