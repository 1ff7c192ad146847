"""Look at decisions without making a call, and at the books: route, decisions, feedback, report."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from pointsman.errors import BadRequest, NotFound
from pointsman.feedback.signals import said
from pointsman.formats.chat.request import chat_body
from pointsman.ledger.report import report
from pointsman.ledger.view import decision_view, entry_view
from pointsman.server.bodies import FeedbackRequest, RouteRequest, read
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import limit_of, time_of
from pointsman.server.talk import parse


async def route(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The decision for a chat request or a text, explained; calls no model but a local judge."""
    asked = await read(incoming.body, RouteRequest)
    if asked.messages is not None:
        body = _with_model(incoming.body)
    else:
        text = next((t for t in (asked.prompt, asked.message, asked.query) if t is not None), None)
        if text is None:
            raise BadRequest("send `messages`, or a text as `prompt`, `message` or `query`")
        body = chat_body(asked.model, text, {})
    call = call_of(gateway, incoming, await parse(gateway, "chat", body))
    decider = gateway.pipeline.decider
    seen = await decider.look(call, await decider.confine(call), [], local=True)
    return as_json(decision_view(decider.decide(call, seen)))


async def decisions(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The newest decision records. `?limit=`, and `?before=` a record's `time` for the next page."""
    limit = limit_of(incoming.query)
    before = time_of(incoming.query, "before")
    entries = await gateway.ledger.list(limit=limit, before=before)
    return as_json({"object": "list", "data": [entry_view(entry) for entry in entries]})


async def decision(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One decision record, by the `x-request-id` of its reply."""
    request_id = incoming.parameters["request_id"]
    entry = await gateway.ledger.get(request_id)
    if entry is None:
        raise NotFound(f"there is no decision {request_id[:128]!r}")
    return as_json(entry_view(entry))


async def feedback(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Store what a user says of a reply."""
    body = await read(incoming.body, FeedbackRequest)
    now = gateway.clock.now()
    await gateway.feedback.add(said(body.request_id, now, body.rating, body.comment))
    return as_json({"request_id": body.request_id, "stored": True}, status=201)


async def report_totals(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What was spent and saved. `?since=` a time, ISO 8601."""
    since = time_of(incoming.query, "since")
    return as_json(asdict(report(await gateway.ledger.report(since=since))))


def _with_model(body: bytes) -> bytes:
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({"model": "auto", **members})
