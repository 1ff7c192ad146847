"""Prompts and replies, where somebody turned on that they are kept."""

from __future__ import annotations

import msgspec

from pointsman.access.permissions import scope_of
from pointsman.errors import NotFound
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.types import Json


async def prompt(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What was asked and answered, redacted; 404 where it is not kept."""
    request_id = incoming.parameters["request_id"]
    kept = await gateway.prompts.prompt(request_id, scope_of(incoming.principal))
    if kept is None:
        raise NotFound(f"no prompt of {request_id[:128]!r} is kept")
    turns: Json = msgspec.json.decode(kept.prompt)
    return as_json(
        {
            "request_id": kept.request_id,
            "time": kept.time.isoformat(),
            "organisation": kept.organisation,
            "key": kept.key,
            "turns": turns,
            "reply": kept.reply,
            "redacted": list(kept.redacted),
        }
    )
