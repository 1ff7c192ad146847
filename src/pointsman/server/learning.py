"""What was learned: shown, learned anew, and taken back."""

from __future__ import annotations

import msgspec

from pointsman.access.permissions import narrowed, scope_of
from pointsman.feedback.learning_view import Changes, change_view
from pointsman.server.bodies import read
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names
from pointsman.types import Filter, Principal


class RetrainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose outcomes to learn from: an organisation's, or everybody's."""

    organisation: str | None = None


class RevertRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to put in force again, and for whom: for all without an organisation."""

    #: `shipped`, or one that `/v1/learning` shows; the one before where not given.
    version: str | None = None
    organisation: str | None = None


async def status(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What is in force of what was learned, since when and why, what happened, and what exploring takes. `?organisation=` one of them."""
    check_names(incoming.query, ("organisation",))
    whose = _whose(incoming.query.get("organisation"), incoming.principal)
    return as_json(await gateway.learning.status(whose))


async def retrain(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Learn now from what is known, and say what that changed, or why nothing."""
    asked = await read(incoming.body, RetrainRequest) if incoming.body else RetrainRequest()
    whose = _whose(asked.organisation, incoming.principal)
    changes = await gateway.learning.retrain(whose)
    return as_json(Changes([change_view(each) for each in changes]))


async def revert(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Put an earlier version in force again; nothing is promoted by itself until a retrain is asked for."""
    asked = await read(incoming.body, RevertRequest) if incoming.body else RevertRequest()
    whose = _whose(asked.organisation, incoming.principal)
    change = await gateway.learning.revert(whose or "", asked.version)
    return as_json(change_view(change))


def _whose(asked: str | None, principal: Principal) -> str | None:
    """The organisation that is meant; None for all. Raises Forbidden."""
    return narrowed(Filter(organisation=asked or None), scope_of(principal)).organisation
