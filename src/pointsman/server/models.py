"""`/v1/models`: what `model` may say, in OpenAI's shape or, to its SDK, in Anthropic's."""

from __future__ import annotations

from datetime import UTC, datetime

from pointsman.errors import UnknownModel
from pointsman.routing.policy import names
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json

#: The wire format wants a time of creation; Pointsman's first release stands in for all.
_CREATED = 1_795_219_200
#: The header by which Anthropic's clients are known.
_ANTHROPIC = "anthropic-version"


async def models(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Every name: `auto`, the locations, the tiers, the deployments and the aliases."""
    found = _all(gateway)
    if _ANTHROPIC not in incoming.headers:
        return as_json({"object": "list", "data": [_model(name, owner) for name, owner in found]})
    names_found = [name for name, _ in found]
    return as_json(
        {
            "data": [_anthropic(name) for name in names_found],
            "has_more": False,
            "first_id": names_found[0],
            "last_id": names_found[-1],
        }
    )


async def model(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One name; it may hold slashes and colons."""
    asked = incoming.parameters["model_id"]
    found = next((owner for name, owner in _all(gateway) if name == asked), None)
    if found is None:
        raise UnknownModel(
            f"there is no model {asked[:128]!r}; GET /v1/models lists them", param="model"
        )
    return as_json(_anthropic(asked) if _ANTHROPIC in incoming.headers else _model(asked, found))


def _all(gateway: Gateway) -> list[tuple[str, str]]:
    decider = gateway.pipeline.decider
    found = decider.deployments
    return [
        (name, found[name].provider if name in found else "pointsman")
        for name in names(decider.policy, found)
    ]


def _model(name: str, owner: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": owner}


def _anthropic(name: str) -> dict[str, object]:
    created = datetime.fromtimestamp(_CREATED, UTC).isoformat().replace("+00:00", "Z")
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": created,
        "lifecycle": "active",
    }
