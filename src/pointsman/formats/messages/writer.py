"""A streamed reply, written for a client."""

from __future__ import annotations

import msgspec

from pointsman.conversation import (
    Began,
    Delta,
    Finish,
    Finished,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.messages import reply, usage
from pointsman.formats.wire import Head
from pointsman.types import Json, Usage

_THINKING: dict[str, Json] = {"type": "thinking", "thinking": "", "signature": ""}


class MessagesWriter:
    """Writes blocks one after the other, as the format has them; a `StreamWriter`.

    Deltas of tool calls that overlap are held back until the call before them is complete. A
    stream begins with our estimate of the input and ends with what was used.
    """

    def __init__(self, head: Head, prompt_tokens: int) -> None:
        """`prompt_tokens` as estimated: the upstream only tells at the end."""
        self._head = head
        self._prompt_tokens = prompt_tokens
        self._begun = False
        self._index = -1
        #: What the open block is: `text`, `thinking`, a tool call's number, or nothing.
        self._open: str | int | None = None
        self._arguments = ""
        self._waiting: list[ToolCallBegan | ToolCallDelta] = []
        self._finish: Finish = "stop"
        self._stop_sequence: str | None = None

    def write(self, delta: Delta) -> bytes:
        """The events for one delta; choices other than the first have no place here."""
        if isinstance(delta, Began):
            return self._begin(delta.model)
        if delta.choice:
            return b""
        return self._begin(None) + self._events(delta)

    def ending(self, usage_: Usage) -> bytes:
        """Closes what is open, then `message_delta` with the usage and `message_stop`."""
        last: dict[str, Json] = {
            "delta": {**reply.ending(self._finish, self._stop_sequence), "container": None},
            "usage": usage.written(usage_),
        }
        return b"".join(
            (
                self._begin(None),
                self._close_all(),
                _event("message_delta", last),
                _event("message_stop", {}),
            )
        )

    def _begin(self, model: str | None) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        used = usage.written(Usage(input_tokens=self._prompt_tokens))
        return _event("message_start", {"message": reply.envelope(self._head, model, [], used)})

    def _events(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(text=text) | RefusalDelta(text=text):
                return self._text(text)
            case ThinkingDelta():
                return self._thinking(delta)
            case ToolCallBegan() | ToolCallDelta():
                return self._call(delta)
            case Finished():
                self._finish = delta.finish
                self._stop_sequence = delta.stop_sequence
        return b""

    def _text(self, text: str) -> bytes:
        if not text:
            return b""
        start = (
            b""
            if self._open == "text"
            else self._close_all() + self._start("text", reply.text_block(""))
        )
        return start + self._more({"type": "text_delta", "text": text})

    def _thinking(self, delta: ThinkingDelta) -> bytes:
        if delta.redacted:
            block: dict[str, Json] = {"type": "redacted_thinking", "data": delta.signature or ""}
            return self._close_all() + self._start("redacted", block) + self._close()
        if not delta.text and delta.signature is None:
            return b""
        out = b""
        if self._open != "thinking":
            out = self._close_all() + self._start("thinking", _THINKING)
        if delta.text:
            out += self._more({"type": "thinking_delta", "thinking": delta.text})
        if delta.signature is not None:  # it signs the whole block
            out += self._more({"type": "signature_delta", "signature": delta.signature})
            out += self._close()
        return out

    def _call(self, delta: ToolCallBegan | ToolCallDelta) -> bytes:
        if isinstance(delta, ToolCallDelta) and delta.call == self._open:
            self._arguments += delta.arguments
            return self._more({"type": "input_json_delta", "partial_json": delta.arguments})
        if isinstance(self._open, int) and not _complete(self._arguments):
            self._waiting.append(delta)
            return b""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            return self._close() + b"".join(map(self._call, [*waiting, delta]))
        if isinstance(delta, ToolCallDelta):  # of a call that is complete
            return b""
        out = self._close()
        self._arguments = ""
        return out + self._start(delta.call, reply.tool_block(delta.id, delta.name, {}))

    def _close_all(self) -> bytes:
        """Closes the open block, and writes the calls that waited for that."""
        out = self._close()
        waiting, self._waiting = self._waiting, []
        for delta in sorted(waiting, key=lambda each: each.call):
            if isinstance(delta, ToolCallBegan):
                out += self._close()
            out += self._call(delta)
        return out + self._close()

    def _start(self, kind: str | int, block: dict[str, Json]) -> bytes:
        self._index += 1
        self._open = kind
        return _event("content_block_start", {"index": self._index, "content_block": block})

    def _more(self, delta: dict[str, Json]) -> bytes:
        return _event("content_block_delta", {"index": self._index, "delta": delta})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event("content_block_stop", {"index": self._index})


def _complete(arguments: str) -> bool:
    """Whether nothing can follow: arguments are an object, and this is a whole one."""
    if not arguments.rstrip().endswith("}"):
        return False
    try:
        msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return False
    return True


def _event(kind: str, members: dict[str, Json]) -> bytes:
    data = msgspec.json.encode({"type": kind, **members})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"
