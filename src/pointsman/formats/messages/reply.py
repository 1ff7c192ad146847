"""A whole reply: looked at, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from pointsman.formats.messages import usage
from pointsman.formats.wire import Head, Seen
from pointsman.types import Json

_NOTHING = msgspec.Raw()
_FINISHES: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
_STOP_REASONS: Mapping[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "other": "end_turn",
}


class Block(msgspec.Struct):
    """A content block of a reply; only what its type has is set."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = _NOTHING

    @property
    def arguments(self) -> str:
        """A tool call's input as the model wrote it; empty where there is none yet."""
        written = bytes(self.input).decode()
        return "" if written in {"{}", "null"} else written

    @property
    def size(self) -> int:
        """Bytes that the model wrote."""
        said = (self.text, self.thinking, self.name, self.arguments)
        return sum(len(each.encode()) for each in said if each)


class StopDetails(msgspec.Struct):
    """Why a model declined."""

    explanation: str | None = None


class _Body(msgspec.Struct):
    content: list[Block] | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: object = None


_BODY = msgspec.json.Decoder(_Body)


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage of a reply and its model. Raises UpstreamBroken where it is none."""
    reply, blocks = _decode(body)
    size = sum(block.size for block in blocks)
    return Seen(usage.stated(reply.usage).usage(prompt_tokens, size), reply.model)


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """The reply in canonical form. Raises UpstreamBroken where it is none.

    Texts that follow on each other are one, as they are for who reads a stream. Blocks of the
    provider's own tools are left out: only who asks for them in this format gets any.
    """
    reply, blocks = _decode(body)
    found = _parts(blocks)
    finish = finish_of(reply.stop_reason)
    if finish == "refusal" and reply.stop_details and reply.stop_details.explanation:
        found.append(Refusal(reply.stop_details.explanation))
    return ModelReply(
        model=reply.model or "",
        choices=(Choice(tuple(found), finish, stop_sequence=reply.stop_sequence),),
        usage=usage.stated(reply.usage).usage(prompt_tokens, sum(each.size for each in blocks)),
    )


def write(reply: ModelReply, head: Head) -> bytes:
    """A `message` object of the first choice: this format has no other."""
    choice = reply.choices[0] if reply.choices else Choice((), "stop")
    content = [block for part in choice.parts if (block := _block(part)) is not None]
    message = envelope(head, reply.model, content, usage.written(reply.usage))
    return msgspec.json.encode(message | ending(choice.finish, choice.stop_sequence))


def envelope(
    head: Head, model: str | None, content: Sequence[Json], used: dict[str, Json]
) -> dict[str, Json]:
    """A `message` object that has not ended."""
    return {
        "id": "msg_" + head.request_id.removeprefix("req_"),
        "type": "message",
        "role": "assistant",
        "model": model or head.model,
        "content": list(content),
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": used,
    }


def text_block(text: str) -> dict[str, Json]:
    """A `text` block."""
    return {"type": "text", "text": text, "citations": None}


def tool_block(call_id: str, name: str, arguments: dict[str, Json]) -> dict[str, Json]:
    """A `tool_use` block."""
    caller: Json = {"type": "direct"}
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments, "caller": caller}


def ending(finish: Finish, stop_sequence: str | None) -> dict[str, Json]:
    """The members of a message that say how it ended."""
    reason = _STOP_REASONS[finish]
    if stop_sequence is not None and finish == "stop":
        reason = "stop_sequence"
    details: Json = None
    if reason == "refusal":
        details = {"type": "refusal", "category": None, "explanation": None}
    return {"stop_reason": reason, "stop_sequence": stop_sequence, "stop_details": details}


def finish_of(stop_reason: str | None) -> Finish:
    """Why it ended."""
    return _FINISHES.get(stop_reason or "end_turn", "other")


def _decode(body: bytes) -> tuple[_Body, list[Block]]:
    try:
        reply = _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not a Messages reply: {error}") from error
    if reply.content is None:
        raise UpstreamBroken("a reply without content")
    return reply, reply.content


def _parts(blocks: Sequence[Block]) -> list[Part]:
    found: list[Part] = []
    for block in blocks:
        last = found[-1] if found else None
        match block.type:
            case "text" if isinstance(last, Text):
                found[-1] = Text(last.text + (block.text or ""))
            case "text" if block.text:
                found.append(Text(block.text))
            case "thinking" if block.thinking or block.signature:
                found.append(Thinking(block.thinking or "", block.signature or None))
            case "redacted_thinking":
                found.append(Thinking("", block.data, redacted=True))
            case "tool_use":
                arguments = block.arguments or "{}"
                found.append(ToolCall(block.id or "", block.name or "", arguments))
    return found


def _block(part: Part) -> dict[str, Json] | None:
    match part:
        case Text(text) | Refusal(text):
            return text_block(text) if text else None
        case Thinking(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature or ""}
        case Thinking():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
        case ToolCall():
            return tool_block(part.id, part.name, _input(part.arguments))
        case _:
            return None


def _input(arguments: str) -> dict[str, Json]:
    """A call's arguments; where they are no object, one that shows what the model wrote."""
    found = arguments_of(arguments)
    return {"arguments": arguments} if found is None else found
