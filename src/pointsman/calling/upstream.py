"""How a deployment stands, for people: what is known of it already. Nobody is asked."""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.calling.breaker import BreakerState
from pointsman.calling.line import Line
from pointsman.types import Deployment, DeploymentState


class Upstream(msgspec.Struct, frozen=True):
    """One deployment as it stands now."""

    deployment: Deployment
    #: `unknown` where nobody looks at it and it has not answered yet.
    state: DeploymentState | Literal["unknown"]
    breaker: BreakerState
    #: Its server's own words, or ours of it; they may name its address. Empty where there are none.
    detail: str
    #: What its server has in memory, where it says so.
    loaded_model: str | None
    #: Requests that it serves, and that wait for it.
    in_flight: int
    waiting: int
    #: Seconds since it last answered; None where it has not.
    seen_s: float | None


def upstream(line: Line, now: float) -> Upstream:
    """How the line stands at `now`, in monotonic seconds."""
    breaker, health, seen = line.breaker.state(now), line.health, line.seen_at
    state: DeploymentState | Literal["unknown"] = line.provider.state
    if breaker == "open":
        state = "down"
    elif state == "up" and seen is None and health is None:
        state = "unknown"
    is_loaded = line.watched and health is not None and health.state == "up"
    is_here = line.deployment.location == "local"
    return Upstream(
        line.deployment,
        state,
        breaker,
        health.detail if health else "",
        line.deployment.model if is_loaded and is_here else None,
        line.slots.busy,
        line.slots.waiting,
        None if seen is None else now - seen,
    )
