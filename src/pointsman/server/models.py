"""`/v1/models`: what `model` may say, in OpenAI's shape or, to its SDK, in Anthropic's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pointsman.access.permissions import shows
from pointsman.errors import BadRequest, UnknownModel
from pointsman.routing.policy import names
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.types import Principal

#: The wire format wants a time of creation; Pointsman's first release stands in for all.
_CREATED = 1_795_219_200
#: The header by which Anthropic's clients are known.
_ANTHROPIC = "anthropic-version"
#: How many its clients may ask for at once.
_LIMIT = re.compile(r"[1-9][0-9]{0,2}|1000")


async def models(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What the key may ask for: `auto`, the locations, the tiers, the deployments, the aliases."""
    found = shown_names(gateway, incoming.principal)
    if _ANTHROPIC not in incoming.headers:
        return as_json(
            {
                "object": "list",
                "data": [_model(name, _owner(gateway, incoming.principal, name)) for name in found],
            }
        )
    shown, more = _page(found, incoming.query)
    return as_json(
        {
            "data": [_anthropic(name) for name in shown],
            "has_more": more,
            "first_id": shown[0] if shown else None,
            "last_id": shown[-1] if shown else None,
        }
    )


async def model(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One name; it may hold slashes and colons, and be one that only fits an alias's pattern."""
    asked = incoming.parameters["model_id"]
    owner = _owner(gateway, incoming.principal, asked)
    check_shown(gateway, incoming.principal, asked)
    return as_json(_anthropic(asked) if _ANTHROPIC in incoming.headers else _model(asked, owner))


def shown_names(gateway: Gateway, principal: Principal) -> tuple[str, ...]:
    """The names that the principal may ask for."""
    decider = gateway.pipeline.decider
    found = names(decider.policy, decider.deployments_of(principal))
    return tuple(name for name in found if _is_shown(gateway, principal, name))


def check_shown(gateway: Gateway, principal: Principal, name: str) -> None:
    """Raises UnknownModel for what is no name, or none that the principal may ask for."""
    if not _is_shown(gateway, principal, name):
        raise UnknownModel(f"this key may not use {name[:128]!r}", param="model")


def _is_shown(gateway: Gateway, principal: Principal, name: str) -> bool:
    decider = gateway.pipeline.decider
    own, target = decider.deployments_of(principal), decider.resolve(principal, name)
    return shows(principal.grant, target, [own[each] for each in target.deployments])


def _owner(gateway: Gateway, principal: Principal, name: str) -> str:
    """Whose the name is: the provider of all that it names, or ours. Raises UnknownModel."""
    decider = gateway.pipeline.decider
    own, target = decider.deployments_of(principal), decider.resolve(principal, name)
    providers = {own[each].provider for each in target.deployments}
    return providers.pop() if len(providers) == 1 else "pointsman"


def _page(found: Sequence[str], query: Mapping[str, str]) -> tuple[Sequence[str], bool]:
    """The names that Anthropic's paging asks for, and whether more follow. Raises BadRequest."""
    limit = _limit(query)
    if "before_id" in query:
        end = _place(found, query, "before_id")
        start = max(0, end - limit)
        return found[start:end], start > 0
    start = _place(found, query, "after_id") + 1 if "after_id" in query else 0
    return found[start : start + limit], start + limit < len(found)


def _limit(query: Mapping[str, str]) -> int:
    stated = query.get("limit", "1000")
    if not _LIMIT.fullmatch(stated):
        raise BadRequest("`limit` must be a whole number from 1 to 1000", param="limit")
    return int(stated)


def _place(found: Sequence[str], query: Mapping[str, str], name: str) -> int:
    if query[name] not in found:
        raise BadRequest(f"`{name}`: there is no model {query[name][:128]!r}", param=name)
    return found.index(query[name])


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
