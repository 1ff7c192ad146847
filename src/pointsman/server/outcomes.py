"""What learning has to go by: outcomes, their signals, and how each version did."""

from __future__ import annotations

import asyncio

from pointsman.access.permissions import narrowed, scope_of
from pointsman.errors import Forbidden
from pointsman.feedback.outcomes import outcomes_view
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names
from pointsman.types import Filter

#: The newest that are read.
_MOST = 5_000


async def outcomes(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What is known of the newest 5,000 answers: ratings, how far each signal is trusted, quality and cost by version. `?organisation=` one of them."""
    check_names(incoming.query, ("organisation",))
    scope = scope_of(incoming.principal)
    if scope.key is not None:
        raise Forbidden("outcomes are a whole organisation's, and this key sees its own requests")
    whose = narrowed(Filter(organisation=incoming.query.get("organisation")), scope).organisation
    found = await gateway.evidence.observed(organisation=whose, limit=_MOST + 1)
    view = await asyncio.to_thread(
        outcomes_view, found[-_MOST:], least=gateway.least_outcomes, more=len(found) > _MOST
    )
    return as_json(view)
