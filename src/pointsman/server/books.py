"""Decide without making a call, and take what users say of a reply."""

from __future__ import annotations

import msgspec

from pointsman.access.permissions import scope_of
from pointsman.errors import BadRequest
from pointsman.feedback.rating import said
from pointsman.formats.chat.request import chat_body
from pointsman.ledger.view import decision_view
from pointsman.server.bodies import FeedbackRequest, RouteRequest, read
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.talk import parse


async def route(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The decision for a chat request or a text, explained; calls no model but a local judge. `shift` moves the thresholds."""
    asked = await read(incoming.body, RouteRequest)
    if asked.messages is not None:
        body = _with_model(incoming.body)
    else:
        text = next((t for t in (asked.prompt, asked.message, asked.query) if t is not None), None)
        if text is None:
            told = "send `messages`, or a text as `prompt`, `message` or `query`"
            raise BadRequest(told, param="messages")
        body = chat_body(asked.model, text, {})
    call = call_of(gateway, incoming, await parse(gateway, "chat", body))
    decision = await gateway.pipeline.look_ahead(call, shift=asked.shift)
    return as_json({**decision_view(decision), "shift": asked.shift})


async def feedback(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Store what a user says of a reply."""
    body = await read(incoming.body, FeedbackRequest)
    now = gateway.clock.now()
    feedback = said(body.request_id, now, body.rating, body.comment)
    await gateway.feedback.add(feedback, scope_of(incoming.principal))
    return as_json({"request_id": body.request_id, "stored": True}, status=201)


def _with_model(body: bytes) -> bytes:
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    members.pop("shift", None)
    return msgspec.json.encode({"model": "auto", **members})
