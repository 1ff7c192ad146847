"""Streamed chat replies, written."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from pointsman.conversation import (
    Began,
    Delta,
    Finished,
    RefusalDelta,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats import sse
from pointsman.formats.chat import calls, thinking, usage
from pointsman.formats.chat.reply import finish_reason
from pointsman.formats.wire import Head
from pointsman.types import Json, Usage


@dataclass(slots=True)
class _Choice:
    """How far a choice is."""

    #: The entry of `reasoning_details` that is being written, and whether it has begun.
    thought: int = 0
    thinking: bool = False
    refused: bool = False


class StreamWriter:
    """Writes a stream: each choice's role first, a chunk for each delta, usage only if asked for."""

    def __init__(self, head: Head, *, include_usage: bool, legacy: bool) -> None:
        """`legacy`: the client spoke of `functions`, and gets a `function_call`."""
        self._include_usage = include_usage
        self._legacy = legacy
        self._choices: dict[int, _Choice] = {}
        self._head: dict[str, Json] = {
            "id": f"chatcmpl-{head.request_id}",
            "object": "chat.completion.chunk",
            "created": int(head.time.timestamp()),
            "model": head.model,
        }

    def write(self, delta: Delta) -> bytes:
        """The bytes for one delta; may be none."""
        if isinstance(delta, Began):
            return self._begin(0)
        begun = self._begin(delta.choice)
        return begun + self._said(delta, self._choices[delta.choice])

    def ending(self, used: Usage) -> bytes:
        """Usage where it was asked for, and the last event."""
        if not self._include_usage:
            return sse.DONE
        last = self._head | {"choices": [], "usage": usage.written(used)}
        return sse.event(msgspec.json.encode(last)) + sse.DONE

    def _said(
        self,
        delta: TextDelta | ThinkingDelta | RefusalDelta | ToolCallBegan | ToolCallDelta | Finished,
        choice: _Choice,
    ) -> bytes:
        match delta:
            case TextDelta():
                return self._chunk(delta.choice, {"content": delta.text}, delta.logprobs)
            case ThinkingDelta():
                return self._thought(delta, choice)
            case RefusalDelta():
                choice.refused = True
                return self._chunk(delta.choice, {"refusal": delta.text})
            case ToolCallBegan():
                return self._call(delta)
            case ToolCallDelta():
                return self._arguments(delta)
            case Finished():
                refused = choice.refused
                reason = finish_reason(delta.finish, refused=refused, legacy=self._legacy)
                return self._chunk(delta.choice, {}, reason=reason)

    def _begin(self, index: int) -> bytes:
        if index in self._choices:
            return b""
        self._choices[index] = _Choice()
        return self._chunk(index, {"role": "assistant", "content": None, "refusal": None})

    def _thought(self, delta: ThinkingDelta, choice: _Choice) -> bytes:
        piece = Thinking(delta.text, delta.signature, delta.redacted)
        if piece == Thinking(""):
            return b""
        if choice.thinking and delta.redacted:
            choice.thought += 1
        details: list[Json] = [thinking.written(piece, choice.thought)]
        choice.thinking = delta.signature is None
        choice.thought += not choice.thinking
        text: dict[str, Json] = {"reasoning_content": delta.text} if delta.text else {}
        return self._chunk(delta.choice, text | {"reasoning_details": details})

    def _call(self, delta: ToolCallBegan) -> bytes:
        if self._legacy:
            return self._function_call(
                delta.call, delta.choice, {"name": delta.name, "arguments": ""}
            )
        call = calls.write(ToolCall(delta.id, delta.name, "", delta.signature))
        return self._chunk(delta.choice, {"tool_calls": [{"index": delta.call} | call]})

    def _arguments(self, delta: ToolCallDelta) -> bytes:
        function: dict[str, Json] = {"arguments": delta.arguments}
        if self._legacy:
            return self._function_call(delta.call, delta.choice, function)
        piece: Json = {"index": delta.call, "function": function}
        return self._chunk(delta.choice, {"tool_calls": [piece]})

    def _function_call(self, call: int, choice: int, function: dict[str, Json]) -> bytes:
        """The legacy shape has room for one call: the first."""
        return b"" if call else self._chunk(choice, {"function_call": function})

    def _chunk(
        self, index: int, delta: dict[str, Json], logprobs: Json = None, reason: str | None = None
    ) -> bytes:
        choice: Json = {
            "index": index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": reason,
        }
        chunk = self._head | {"choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.event(msgspec.json.encode(chunk))
