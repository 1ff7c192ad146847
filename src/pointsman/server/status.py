"""Status: `/`, `/health`, `/health/live`, `/health/ready`."""

from __future__ import annotations

from msgspec.structs import replace

from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.types import LEDGER, DeploymentState


async def root(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Who is here, and where to go next."""
    del incoming
    return as_json(
        {
            "name": "pointsman",
            "version": gateway.version,
            "dashboard": "/dashboard",
            "docs": "/docs",
            "models": "/v1/models",
            "health": "/health",
        }
    )


async def health(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Alive, and how each part and each deployment does."""
    del incoming
    parts = gateway.components()
    return as_json(
        {
            "status": "ok" if all(part.is_well for part in parts) else "degraded",
            "version": gateway.version,
            "deployments": _everybodys(gateway),
            "components": {
                part.name: {"state": part.state, "detail": part.detail} for part in parts
            },
        }
    )


async def live(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The process is there and its event loop turns; says nothing of deployments."""
    del gateway, incoming
    return as_json({"status": "ok"})


async def ready(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """200 when the first request would be served, by what was learned; 503 until then and once the gateway is to end."""
    del incoming
    if gateway.draining.begun:
        return as_json({"status": "draining"}, status=503)
    if any(part.name == LEDGER and part.state == "down" for part in gateway.components()):
        away = as_json({"status": "ledger_unavailable"}, status=503)
        return replace(away, headers={"retry-after": "5"})
    states = _everybodys(gateway) or gateway.states()
    if gateway.learning.catching_up:  # or the first requests would go as they did before
        waiting = as_json({"status": "warming", "learning": "loading"}, status=503)
        return replace(waiting, headers={"retry-after": "1"})
    if not {"up", "cold"}.isdisjoint(states.values()):
        return as_json({"status": "ready"})
    waiting = as_json({"status": "warming", "deployments": _everybodys(gateway)}, status=503)
    return replace(waiting, headers={"retry-after": "1"})


def _everybodys(gateway: Gateway) -> dict[str, DeploymentState]:
    """The states of those deployments that a stranger may know of: no organisation's own."""
    states, deployments = gateway.states(), gateway.pipeline.decider.deployments
    return {name: states[name] for name in deployments.of(None) if name in states}
