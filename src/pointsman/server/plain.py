"""A prompt in, an answer and its figures out: `/v1/complete` and the older `/api/v1/chat`."""

from __future__ import annotations

from msgspec.structs import replace

from pointsman.errors import UnknownModel
from pointsman.formats.chat.follow import reply_text
from pointsman.formats.chat.request import chat_body
from pointsman.server import headers
from pointsman.server.bodies import MessageRequest, PlainRequest, read
from pointsman.server.gateway import Gateway, call_of
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.talk import parse
from pointsman.types import Reply


async def complete(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """`{prompt, force_tier?, max_tokens?}` to the answer with what it took."""
    asked = await read(incoming.body, PlainRequest)
    limit = {} if asked.max_tokens is None else {"max_tokens": asked.max_tokens}
    body = chat_body(asked.force_tier or "auto", asked.prompt, limit)
    try:
        reply = await _answer(gateway, incoming, body)
    except UnknownModel as error:
        if error.param == "model":  # as the chat request that is made of it has it
            error.param = "force_tier"
        raise
    return _shaped(reply, tier="difficulty_tag", cost="estimated_cost", cached="cache_hit")


async def message(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """`{message}` to the answer, in the shape that older routers gave."""
    asked = await read(incoming.body, MessageRequest)
    reply = await _answer(gateway, incoming, chat_body("auto", asked.message, {}))
    return _shaped(reply, tier="complexity", cost="actual_cost", cached="was_cached")


async def _answer(gateway: Gateway, incoming: Incoming, body: bytes) -> Reply:
    return await gateway.pipeline.answer(
        call_of(gateway, incoming, await parse(gateway, "chat", body))
    )


def _shaped(reply: Reply, *, tier: str, cost: str, cached: str) -> Outgoing:
    """The figures, three of them under the name that the route gives them."""
    settled = reply.settlement
    if not isinstance(reply.body, bytes) or settled is None or settled.usage is None:
        return Outgoing(reply.status, reply.body, reply.content_type, headers.of(reply))
    figures = {
        "response": reply_text(reply.body),
        "model_used": reply.deployment.id,
        tier: reply.decision.tier,
        "score": reply.decision.scored.made,
        "input_tokens": settled.usage.input_tokens,
        "output_tokens": settled.usage.output_tokens,
        cost: settled.cost,
        "baseline_cost": settled.baseline_cost,
        "estimated_savings": settled.saved,
        "latency_ms": settled.latency_ms,
        cached: reply.lookup.state in {"exact", "semantic"},
        "request_id": reply.request_id,
    }
    return replace(as_json(figures), headers=headers.of(reply))
