"""`/v1/models`: what `model` may say, in OpenAI's shape."""

from __future__ import annotations

from pointsman.errors import UnknownModel
from pointsman.routing.policy import names
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json

#: The wire format wants a time of creation; Pointsman's first release stands in for all.
_CREATED = 1_795_219_200


async def models(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Every name: `auto`, the locations, the tiers, the deployments and the aliases."""
    del incoming
    return as_json(
        {"object": "list", "data": [_model(name, owner) for name, owner in _all(gateway)]}
    )


async def model(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One name; it may hold slashes and colons."""
    asked = incoming.parameters["model_id"]
    found = next((owner for name, owner in _all(gateway) if name == asked), None)
    if found is None:
        raise UnknownModel(
            f"there is no model {asked[:128]!r}; GET /v1/models lists them", param="model"
        )
    return as_json(_model(asked, found))


def _all(gateway: Gateway) -> list[tuple[str, str]]:
    decider = gateway.pipeline.decider
    found = decider.deployments
    return [
        (name, found[name].provider if name in found else "pointsman")
        for name in names(decider.policy, found)
    ]


def _model(name: str, owner: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": owner}
