"""Whole chat replies, read and written."""

from __future__ import annotations

import msgspec

from pointsman.conversation import (
    Choice,
    Finish,
    ModelReply,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.chat import calls, follow, shape, thinking, usage
from pointsman.formats.chat.deltas import ChoiceReader
from pointsman.formats.collecting import collected
from pointsman.formats.wire import Head
from pointsman.types import Json


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """A whole reply. Raises UpstreamBroken where it is none.

    It is read as a stream of one large chunk, so that streamed and not streamed mean the same.
    """
    seen = follow.look(body, prompt_tokens)
    reply = shape.decode(body)
    if not reply.choices:
        raise UpstreamBroken("a reply without choices")
    choices = []
    for position, each in enumerate(reply.choices):
        index = shape.index_of(each, position)
        salt = reply.id if isinstance(reply.id, str) else str(prompt_tokens)
        choices.append(collected(ChoiceReader(index, salt).read(each), index))
    return ModelReply(seen.model or "", tuple(choices), seen.usage)


def written(reply: ModelReply, head: Head, *, legacy: bool) -> bytes:
    """A whole reply with all that OpenAI's schema requires.

    `legacy`: the client spoke of `functions`, and gets a `function_call`.
    """
    choices: list[Json] = [_choice(choice, legacy=legacy) for choice in reply.choices]
    return msgspec.json.encode(
        {
            "id": f"chatcmpl-{head.request_id}",
            "object": "chat.completion",
            "created": int(head.time.timestamp()),
            "model": head.model,
            "choices": choices,
            "usage": usage.written(reply.usage),
        }
    )


def finish_reason(finish: Finish, *, refused: bool, legacy: bool) -> str:
    """OpenAI's word. A refusal in words is a `stop`; one without is the provider's filter."""
    if finish == "other":
        return "stop"
    if finish == "refusal":
        return "stop" if refused else "content_filter"
    if finish == "tool_calls" and legacy:
        return "function_call"
    return finish


def _choice(choice: Choice, *, legacy: bool) -> Json:
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    message: dict[str, Json] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        "annotations": [],
    }
    thoughts = [part for part in choice.parts if isinstance(part, Thinking)]
    if thoughts:
        message |= thinking.spoken(thoughts)
    called = [part for part in choice.parts if isinstance(part, ToolCall)]
    if called and legacy:
        message["function_call"] = {"name": called[0].name, "arguments": called[0].arguments}
    elif called:
        message["tool_calls"] = [calls.write(call) for call in called]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": finish_reason(choice.finish, refused=bool(refusals), legacy=legacy),
    }
