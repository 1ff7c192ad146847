"""Whole replies, read and written."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from pointsman.conversation import (
    Choice,
    Finish,
    ModelReply,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.calls import arguments_of
from pointsman.formats.ollama import logprobs, shape
from pointsman.formats.wire import Head, Seen
from pointsman.types import Usage


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage of a whole reply, counted where it does not say. Raises UpstreamBroken."""
    reply = _decode(body)
    used = shape.usage(reply, prompt_tokens, shape.size(reply.said))
    return Seen(used, reply.model if isinstance(reply.model, str) else None)


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """A whole reply. Raises UpstreamBroken where it is none."""
    reply = _decode(body)
    seen = look(body, prompt_tokens)
    found = tuple(shape.parts(reply, 0))
    calls = sum(isinstance(part, ToolCall) for part in found)
    choice = Choice(found, shape.finish(reply, calls), logprobs=logprobs.read(reply.logprobs))
    return ModelReply(seen.model or "", (choice,), seen.usage)


def written(reply: ModelReply, head: Head, *, generate: bool) -> bytes:
    """A whole reply, of `/api/generate` or of `/api/chat`. Raises UpstreamBroken, see `call`."""
    choice = reply.choices[0] if reply.choices else Choice((), "stop")
    words = [part.text for part in choice.parts if isinstance(part, Text | Refusal)]
    thoughts = [part.text for part in choice.parts if isinstance(part, Thinking)]
    made = calls(choice.parts, choice.finish)
    return msgspec.json.encode(
        {"model": head.model, "created_at": timestamp(head.time)}
        | said("".join(words), "".join(thoughts), made, generate=generate)
        | logprobs.write(choice.logprobs)
        | ended(choice.finish, reply.usage)
    )


def timestamp(time: datetime) -> str:
    """A time as Go writes it."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def said(
    words: str,
    thoughts: str = "",
    made: list[object] | None = None,
    *,
    generate: bool,
) -> dict[str, object]:
    """The members of a reply, or of a line of one, that hold what the model says."""
    more: dict[str, object] = {"thinking": thoughts} if thoughts else {}
    more |= {"tool_calls": made} if made else {}
    if generate:
        return {"response": words} | more
    return {"message": {"role": "assistant", "content": words} | more}


def ended(finish: Finish, usage: Usage) -> dict[str, object]:
    """The members of the last line. Durations (nanoseconds) are not measured here: 0, unknown."""
    return {
        "done": True,
        "done_reason": "length" if finish == "length" else "stop",
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": usage.input_tokens,
        "prompt_eval_duration": 0,
        "eval_count": usage.output_tokens,
        "eval_duration": 0,
    }


def calls(parts: tuple[Part, ...], finish: Finish) -> list[object]:
    """The tool calls among the parts, their arguments as objects.

    A call that the length limit cut short is left out, as Ollama does. Raises UpstreamBroken for
    one whose arguments are no object otherwise: Ollama has no words for it.
    """
    found: list[object] = []
    for call in (part for part in parts if isinstance(part, ToolCall)):
        arguments = arguments_of(call.arguments)
        if arguments is not None:
            function = {"index": len(found), "name": call.name, "arguments": arguments}
            found.append({"id": call.id, "function": function})
        elif finish != "length":
            raise UpstreamBroken(f"the arguments of a call of `{call.name}` are no JSON object")
    return found


def _decode(body: bytes) -> shape.Body:
    reply = shape.decode(body)
    if reply.error is not None:
        raise UpstreamBroken(f"an error in a reply's place: {shape.fault(reply.error).message}")
    return reply
