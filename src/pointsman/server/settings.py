"""The settings, read again."""

from __future__ import annotations

from pointsman.access.permissions import require_everywhere
from pointsman.errors import BadRequest, ConfigError
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json


async def reload(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Read the configuration again: `changed` says what is in force from now on, `waiting` what needs a restart."""
    require_everywhere(incoming.principal, "the configuration")
    try:
        renewed = await gateway.reload()
    except ConfigError as error:
        raise BadRequest(f"nothing is changed: {error}", code="invalid_configuration") from error
    return as_json({"changed": list(renewed.changed), "waiting": list(renewed.waiting)})
