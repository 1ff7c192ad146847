"""What clients ask models for: one handler per path, each format's own reading and writing."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from pointsman.formats.messages import request as requests
from pointsman.server import headers
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing, aside
from pointsman.types import FormatName, ModelRequest


class _Named(msgspec.Struct):
    model: str


async def chat_completions(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """OpenAI's chat, streamed or not."""
    return await answer(gateway, incoming, "chat", incoming.body)


async def completions(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """OpenAI's older completions, streamed or not."""
    return await answer(gateway, incoming, "completions", incoming.body)


async def embeddings(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Embeddings of strings or of tokens, as numbers or in base64."""
    return await answer(gateway, incoming, "embeddings", incoming.body)


async def messages(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Anthropic's messages, streamed or not."""
    outgoing = await answer(gateway, incoming, "messages", incoming.body)
    return replace(outgoing, headers={**outgoing.headers, "request-id": incoming.request_id})


async def count_tokens(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """How many tokens a messages request has, estimated without calling a model."""
    counted = await aside(requests.count_tokens, incoming.body)
    named = msgspec.json.decode(incoming.body, type=_Named).model
    gateway.pipeline.decider.resolve(incoming.principal, named)
    return Outgoing(200, counted, headers={"request-id": incoming.request_id})


async def answer(
    gateway: Gateway, incoming: Incoming, format_name: FormatName, body: bytes
) -> Outgoing:
    """The answer to a request in a format."""
    return await ask(gateway, incoming, await parse(gateway, format_name, body))


async def ask(gateway: Gateway, incoming: Incoming, request: ModelRequest) -> Outgoing:
    """The answer to a request that has been read."""
    reply = await gateway.pipeline.answer(call_of(gateway, incoming, request))
    told = headers.of(reply, request.format, gateway.clock.now())
    return Outgoing(reply.status, reply.body, reply.content_type, told)


async def parse(gateway: Gateway, format_name: FormatName, body: bytes) -> ModelRequest:
    """The request in `body`. Raises BadRequest."""
    return await aside(gateway.clients[format_name].parse, body)
