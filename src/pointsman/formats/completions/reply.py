"""Legacy completions, written: whole replies and chunks have one shape."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.conversation import (
    Began,
    Delta,
    Finish,
    Finished,
    ModelReply,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
)
from pointsman.formats import sse
from pointsman.formats.chat import usage
from pointsman.formats.wire import Head
from pointsman.types import Json, Usage

_FINISHES: Mapping[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",
    "content_filter": "content_filter",
    "refusal": "stop",
    "other": "stop",
}


def written(reply: ModelReply, head: Head) -> bytes:
    """A whole reply. What was thought is no part of the text; a refusal is."""
    choices: list[Json] = []
    for choice in reply.choices:
        said = [part.text for part in choice.parts if isinstance(part, Text | Refusal)]
        choices.append(_choice(choice.index, "".join(said), choice.finish))
    body: dict[str, Json] = {"choices": choices, "usage": usage.written(reply.usage)}
    return msgspec.json.encode(_head(head) | body)


class StreamWriter:
    """Writes a stream: a chunk for each piece of text, usage only if asked for."""

    def __init__(self, head: Head, *, include_usage: bool) -> None:
        """`include_usage`: the client asked for it."""
        self._include_usage = include_usage
        self._head = _head(head)

    def write(self, delta: Delta) -> bytes:
        """The bytes for one delta; may be none."""
        match delta:
            case Began():
                return b""
            case TextDelta() | RefusalDelta() if delta.text:
                choice = _choice(delta.choice, delta.text, None)
            case Finished():
                choice = _choice(delta.choice, "", delta.finish)
            case _:
                return b""
        chunk = self._head | {"choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.event(msgspec.json.encode(chunk))

    def ending(self, used: Usage) -> bytes:
        """Usage where it was asked for, and the last event."""
        if not self._include_usage:
            return sse.DONE
        last = self._head | {"choices": [], "usage": usage.written(used)}
        return sse.event(msgspec.json.encode(last)) + sse.DONE


def _head(head: Head) -> dict[str, Json]:
    return {
        "id": f"cmpl-{head.request_id}",
        "object": "text_completion",
        "created": int(head.time.timestamp()),
        "model": head.model,
    }


def _choice(index: int, text: str, finish: Finish | None) -> Json:
    return {
        "index": index,
        "text": text,
        "logprobs": None,
        "finish_reason": _FINISHES[finish] if finish else None,
    }
