"""`/v1/chat/completions`: OpenAI's chat, passed through."""

from __future__ import annotations

import asyncio

from pointsman.formats.openai_request import parse_chat
from pointsman.server import headers
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing
from pointsman.types import ChatRequest

#: Bodies over so many bytes are parsed off the event loop.
_PARSE_ASIDE_BYTES = 128 * 1024


async def chat_completions(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Chat, streamed or not."""
    request = await parse(incoming.body)
    reply = await gateway.pipeline.answer(call_of(gateway, incoming, request))
    return Outgoing(reply.status, reply.body, reply.content_type, headers.of(reply))


async def parse(body: bytes) -> ChatRequest:
    """The request in `body`; a large one is parsed in a thread."""
    if len(body) > _PARSE_ASIDE_BYTES:
        return await asyncio.to_thread(parse_chat, body)
    return parse_chat(body)
