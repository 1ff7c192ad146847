"""What the cache holds, and how it does. Lists have no words of prompts or replies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from pointsman.access.permissions import narrowed, require_everywhere, scope_of
from pointsman.cache.view import cache_stats, held_page, held_text
from pointsman.errors import BadRequest, NotFound
from pointsman.ledger.pages import Cursor
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names, cursor_of, limit_of, time_of
from pointsman.types import EVERYWHERE, Filter, Principal, Selection

#: `model` and `deployment` are the same, as in reports.
_FILTERS = ("organisation", "scope", "route", "deployment", "model", "tag")


async def cached_replies(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What the cache holds, the newest first, without its words. `?organisation=`, `?scope=`, `?route=`, `?deployment=`, `?tag=`, `?limit=`; `?cursor=` the `next` of the page before; `?before=` a time."""
    which = _selection(incoming, others=("limit", "cursor", "before"))
    limit, after = limit_of(incoming.query), _after(incoming.query)
    found = await gateway.pipeline.cache.store.list(which, limit=limit + 1, after=after)
    shown = replace(found, replies=found.replies[:limit])
    following = None
    if len(found.replies) > limit:
        last = shown.replies[-1]
        following = str(Cursor(last.stored, last.id))
    return as_json(held_page(shown, gateway.clock.now(), following))


async def cached_reply(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One cached reply with what it says, by the `id` in `x-pointsman-cache`."""
    reply_id = incoming.parameters["id"]
    which = _own(Selection(id=reply_id), incoming.principal)
    found = await gateway.pipeline.cache.store.list(which, limit=1)
    if not found.replies:
        raise _missing(reply_id)
    return as_json(held_text(found.replies[0], gateway.clock.now()))


async def forget_reply(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Forget one cached reply."""
    reply_id = incoming.parameters["id"]
    which = _own(Selection(id=reply_id), incoming.principal)
    removed = await gateway.pipeline.cache.remove(which)
    if not removed:
        raise _missing(reply_id)
    return as_json({"removed": removed})


async def forget_replies(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Forget what fits `?organisation=`, `?scope=`, `?route=`, `?deployment=`, `?tag=`, or `?all=true`."""
    which = _selection(incoming, others=("all",))
    if which == _own(Selection(), incoming.principal) and incoming.query.get("all") != "true":
        named = ", ".join(f"`{name}`" for name in _FILTERS)
        raise BadRequest(f"say which: {named}, or `all=true`", param="all")
    return as_json({"removed": await gateway.pipeline.cache.remove(which)})


async def stats(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """How the cache does: hits, savings, what is kept and what is not, false hits. `?since=` a time."""
    check_names(incoming.query, ("since",))
    scope = scope_of(incoming.principal)
    which = narrowed(Filter(since=time_of(incoming.query, "since")), scope)
    rows = await gateway.books.report(which)
    cache = gateway.pipeline.cache
    held = Selection(organisation=scope.organisation, scope=scope.key)
    listing = await cache.store.list(held, limit=0)
    if scope != EVERYWHERE:  # what is not kept and what was wrong is counted for all together
        return as_json(cache_stats(rows, listing, (), {}))
    return as_json(
        cache_stats(rows, listing, cache.truth.routes(gateway.clock.now()), cache.refused)
    )


async def begin_anew(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Forget what checks said of a route's semantic hits: it begins anew, on again."""
    require_everywhere(incoming.principal, "what was found of a route")
    route = incoming.parameters["route"]
    removed = await gateway.checks.forget_checks(route)
    if not removed:
        raise NotFound(f"there are no checks of a route {route[:128]!r}")
    gateway.pipeline.cache.begin_anew(route)
    return as_json({"removed": removed})


def _selection(incoming: Incoming, *, others: tuple[str, ...]) -> Selection:
    """What the filters say."""
    query = incoming.query
    check_names(query, (*_FILTERS, *others))
    if "deployment" in query and "model" in query:
        raise BadRequest("send `deployment` or `model`, not both: they are the same", param="model")
    which = Selection(
        organisation=query.get("organisation"),
        scope=query.get("scope"),
        route=query.get("route"),
        deployment=query.get("deployment") or query.get("model"),
        tag=query.get("tag"),
    )
    return _own(which, incoming.principal)


def _after(query: Mapping[str, str]) -> tuple[datetime, str] | None:
    """The place in the list that the page comes after."""
    cursor, before = cursor_of(query), time_of(query, "before")
    if cursor and before:
        raise BadRequest("send `cursor` or `before`, not both", param="cursor")
    if cursor:
        return cursor.time, cursor.request_id
    return None if before is None else (before, "")


def _own(which: Selection, principal: Principal) -> Selection:
    """What is meant, of the organisation that the principal is confined to."""
    scope = scope_of(principal)
    mine = narrowed(Filter(organisation=which.organisation), scope)
    return replace(which, organisation=mine.organisation)


def _missing(reply_id: str) -> NotFound:
    return NotFound(f"there is no cached reply {reply_id[:128]!r}")
