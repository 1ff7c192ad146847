"""`/metrics`."""

from __future__ import annotations

from pointsman.access.permissions import NOBODY, scope_of
from pointsman.errors import Forbidden
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing
from pointsman.types import EVERYWHERE


async def metrics(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What was counted and measured, for Prometheus."""
    who = incoming.principal
    if who is not NOBODY and scope_of(who) != EVERYWHERE:
        raise Forbidden("what is measured concerns all organisations; this key sees only its own")
    text, content_type = await gateway.telemetry.exposition()
    return Outgoing(200, text, content_type)
