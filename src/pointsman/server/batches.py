"""`/v1/batches`: many requests in one file, answered in their own time."""

from __future__ import annotations

from pointsman.access.permissions import scope_of
from pointsman.batching.wire import NewBatch, batch_view, page_view
from pointsman.ports import Page
from pointsman.server.bodies import read
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names, number_of
from pointsman.types import Batch

_USUAL_PAGE = 20
_LONGEST_PAGE = 100


async def create(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Have a file's requests answered within a window of time."""
    principal = incoming.principal
    wish = await read(incoming.body, NewBatch)
    batch = await gateway.batching.create(wish, principal, scope_of(principal))
    return await _shown(gateway, batch)


async def listed(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Batches, the newest first. `?limit=`; `?after=` the id of the last one of the page before."""
    query = incoming.query
    check_names(query, ("limit", "after"))
    limit = number_of(query, "limit", usual=_USUAL_PAGE, most=_LONGEST_PAGE)
    scope = scope_of(incoming.principal)
    found = await gateway.batching.list(Page(limit + 1, query.get("after")), scope)
    counts = await gateway.batching.counts(found)
    return as_json(page_view([batch_view(each, counts.get(each.id)) for each in found], limit))


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One batch: how far it has come, and its files when it has ended."""
    scope = scope_of(incoming.principal)
    return await _shown(gateway, await gateway.batching.get(incoming.parameters["batch_id"], scope))


async def cancel(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Ask no more of a batch's requests; those that were answered are in its output."""
    scope = scope_of(incoming.principal)
    return await _shown(
        gateway, await gateway.batching.cancel(incoming.parameters["batch_id"], scope)
    )


async def _shown(gateway: Gateway, batch: Batch) -> Outgoing:
    counts = await gateway.batching.counts([batch])
    return as_json(batch_view(batch, counts.get(batch.id)))
