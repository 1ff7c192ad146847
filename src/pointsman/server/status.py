"""Status: `/`, `/health`, `/health/ready`."""

from __future__ import annotations

from dataclasses import replace

from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json


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
    """Alive, with the state of each deployment."""
    del incoming
    states = gateway.states()
    worst = "ok" if all(state in {"up", "cold"} for state in states.values()) else "degraded"
    return as_json({"status": worst, "version": gateway.version, "deployments": dict(states)})


async def ready(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """200 when the first request would be served, 503 until then."""
    del incoming
    states = gateway.states()
    if not {"up", "cold"}.isdisjoint(states.values()):
        return as_json({"status": "ready"})
    waiting = as_json({"status": "warming", "deployments": dict(states)}, status=503)
    return replace(waiting, headers={"retry-after": "1"})
