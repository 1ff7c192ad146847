"""`/v1/chat/completions`: OpenAI's chat, passed through."""

from __future__ import annotations

from pointsman.formats.chat.request import parse_chat
from pointsman.server import headers
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing, aside
from pointsman.types import ModelRequest


async def chat_completions(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Chat, streamed or not."""
    request = await parse(incoming.body)
    reply = await gateway.pipeline.answer(call_of(gateway, incoming, request))
    return Outgoing(reply.status, reply.body, reply.content_type, headers.of(reply))


async def parse(body: bytes) -> ModelRequest:
    """The request in `body`. Raises BadRequest."""
    return await aside(parse_chat, body)
