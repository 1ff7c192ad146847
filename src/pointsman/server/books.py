"""Decide without making a call, and take what users say of a reply."""

from __future__ import annotations

import msgspec

from pointsman.access.permissions import scope_of
from pointsman.errors import BadRequest
from pointsman.feedback.rating import number_of, said
from pointsman.formats.chat.request import chat_body
from pointsman.ledger.view import decision_view
from pointsman.server.bodies import FeedbackRequest, RouteRequest, read
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.talk import parse
from pointsman.types import Json


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
    """Store what a user says of a reply: a `rating` from -1 to 1 or in a word, a `comment`, or both."""
    body = await read(incoming.body, FeedbackRequest)
    now = gateway.clock.now()
    rating = None if body.rating is None else number_of(body.rating)
    feedback = said(body.request_id, now, rating, body.comment)
    await gateway.feedback.add(feedback, scope_of(incoming.principal))
    stored: dict[str, Json] = {"request_id": body.request_id, "stored": True}
    return as_json(stored | _ignored(incoming.body), status=201)


def _ignored(body: bytes) -> dict[str, Json]:
    """The members of feedback that are not stored, named: clients of other routers send more."""
    sent = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    names: list[Json] = [name for name in sent if name not in FeedbackRequest.__struct_fields__]
    return {"ignored": names} if names else {}


def _with_model(body: bytes) -> bytes:
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    members.pop("shift", None)
    return msgspec.json.encode({"model": "auto", **members})
