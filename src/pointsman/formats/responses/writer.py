"""Streamed replies, written for a client."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from pointsman.conversation import (
    Delta,
    Finish,
    Finished,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.responses import seals
from pointsman.formats.responses.output import (
    DECLINED,
    REASONS,
    Frame,
    Object,
    Status,
    logprobs_of,
    refusal_part,
    text_part,
)
from pointsman.formats.wire import Head
from pointsman.types import Json, ModelRequest, Usage


@dataclass(slots=True)
class _Words:
    """A content part that is being said."""

    refusal: bool
    pieces: list[str] = field(default_factory=list)
    logprobs: list[Json] = field(default_factory=list)

    def part(self) -> Object:
        words = "".join(self.pieces)
        return refusal_part(words) if self.refusal else text_part(words, self.logprobs)


@dataclass(slots=True)
class _Message:
    """A message item that is open; the last of its parts is."""

    index: int
    parts: list[_Words] = field(default_factory=list)


@dataclass(slots=True)
class _Thought:
    """A reasoning item that is open."""

    index: int
    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    """A function call that is open."""

    index: int
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)


def event(kind: str, number: int, members: Object) -> bytes:
    """An event of a stream."""
    data = msgspec.json.encode({"type": kind, "sequence_number": number, **members})
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


class StreamWriter:
    """Writes a reply item by item.

    One message or reasoning item is open at a time; calls stay open until the reply is finished,
    since an upstream may tell several of them in turns.
    """

    def __init__(self, request: ModelRequest, head: Head) -> None:
        """Nothing is written yet."""
        self._frame = Frame(request, head)
        self._number = 0
        self._items: dict[int, Object] = {}
        self._next_index = 0
        self._open: _Message | _Thought | None = None
        self._calls: dict[int, _Call] = {}
        self._refused = False
        self._finish: Finish | None = None

    def write(self, delta: Delta) -> bytes:
        """The events for one delta; none for other choices than the first."""
        written = self._begin()
        match delta:
            case TextDelta(text=text, logprobs=logprobs, choice=0) if text or logprobs:
                written += self._say(text, logprobs_of(logprobs), refusal=False)
            case RefusalDelta(text=text, choice=0) if text:
                self._refused = True
                written += self._say(text, [], refusal=True)
            case ThinkingDelta(text=text, signature=proof, choice=0) if text or proof:
                written += self._think(delta)
            case ToolCallBegan(choice=0):
                written += self._call(delta)
            case ToolCallDelta(call=call, arguments=arguments, choice=0) if arguments:
                written += self._argue(self._calls[call], arguments)
            case Finished(finish=finish, choice=0):
                written += self._close_all(finish)
        return written

    def ending(self, usage: Usage) -> bytes:
        """The terminal event, which carries the whole reply."""
        before = self._begin()
        if self._finish is None:
            before += self._close_all("stop")
        reason = REASONS.get(self._finish or "stop")
        status: Status = "incomplete" if reason else "completed"
        output = [item for _, item in sorted(self._items.items())]
        response = self._frame.response(status, output, usage=usage, reason=reason)
        return before + self._event(f"response.{status}", response=_raw(response))

    def _begin(self) -> bytes:
        if self._number:
            return b""
        response = _raw(self._frame.response("in_progress"))
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _say(self, text: str, logprobs: list[Json], *, refusal: bool) -> bytes:
        written = b""
        if not isinstance(self._open, _Message):
            written += self._close()
            message = self._open = _Message(self._take_index())
            item = self._frame.message(message.index, (), "in_progress")
            written += self._item("added", message.index, item)
        message = self._open
        if not message.parts or message.parts[-1].refusal != refusal:
            written += self._end_part(message)
            message.parts.append(_Words(refusal))
            written += self._part(
                message, "content_part.added", part=_raw(message.parts[-1].part())
            )
        words = message.parts[-1]
        words.pieces.append(text)
        words.logprobs += logprobs
        if refusal:
            return written + self._part(message, "refusal.delta", delta=text)
        return written + self._part(message, "output_text.delta", delta=text, logprobs=logprobs)

    def _think(self, delta: ThinkingDelta) -> bytes:
        written = self._close() if delta.redacted else b""
        if not isinstance(self._open, _Thought):
            written += self._close()
            thought = self._open = _Thought(self._take_index())
            item = self._frame.thought(thought.index, "", None, "in_progress")
            written += self._item("added", thought.index, item)
        thought = self._open
        if delta.text:
            if not thought.pieces:
                blank: Json = {"type": "summary_text", "text": ""}
                written += self._summary(thought, "part.added", part=blank)
            thought.pieces.append(delta.text)
            written += self._summary(thought, "text.delta", delta=delta.text)
        if delta.signature is not None:
            written += self._close(delta.signature, redacted=delta.redacted)
        return written

    def _call(self, delta: ToolCallBegan) -> bytes:
        written = self._close()
        if delta.signature is not None:
            index = self._take_index()
            encrypted = seals.sealed("call", delta.signature)
            item = self._frame.thought(index, "", encrypted, "completed")
            written += self._item("added", index, item) + self._item("done", index, item)
        call = self._calls[delta.call] = _Call(self._take_index(), delta.id, delta.name)
        item = self._frame.call(call.index, ToolCall(call.id, call.name, ""), "in_progress")
        return written + self._item("added", call.index, item)

    def _argue(self, call: _Call, arguments: str) -> bytes:
        call.pieces.append(arguments)
        return self._event(
            "response.function_call_arguments.delta",
            item_id=self._frame.item_id("fc", call.index),
            output_index=call.index,
            delta=arguments,
        )

    def _close_all(self, finish: Finish) -> bytes:
        written = b""
        if finish == "refusal" and not self._refused:
            written += self._say(DECLINED, [], refusal=True)
        self._finish = finish
        written += self._close()
        for call in self._calls.values():
            written += self._end_call(call)
        self._calls.clear()
        return written

    def _close(self, proof: str | None = None, *, redacted: bool = False) -> bytes:
        """End the open message or reasoning item; the latter with its proof."""
        closing, self._open = self._open, None
        if closing is None:
            return b""
        status = self._status(closing.index)
        if isinstance(closing, _Message):
            written = self._end_part(closing)
            content = [words.part() for words in closing.parts]
            item = self._frame.message(closing.index, content, status)
        else:
            written = self._end_summary(closing)
            encrypted = seals.of_thinking(proof, redacted=redacted)
            item = self._frame.thought(closing.index, "".join(closing.pieces), encrypted, status)
        return written + self._item("done", closing.index, item)

    def _end_part(self, message: _Message) -> bytes:
        if not message.parts:
            return b""
        words = message.parts[-1]
        said = "".join(words.pieces)
        if words.refusal:
            written = self._part(message, "refusal.done", refusal=said)
        else:
            written = self._part(message, "output_text.done", text=said, logprobs=words.logprobs)
        return written + self._part(message, "content_part.done", part=_raw(words.part()))

    def _end_summary(self, thought: _Thought) -> bytes:
        if not thought.pieces:
            return b""
        text = "".join(thought.pieces)
        part: Json = {"type": "summary_text", "text": text}
        return self._summary(thought, "text.done", text=text) + self._summary(
            thought, "part.done", part=part
        )

    def _end_call(self, call: _Call) -> bytes:
        arguments = "".join(call.pieces)
        item = self._frame.call(
            call.index, ToolCall(call.id, call.name, arguments), self._status(call.index)
        )
        return self._event(
            "response.function_call_arguments.done",
            item_id=self._frame.item_id("fc", call.index),
            output_index=call.index,
            name=item["name"],
            arguments=arguments,
        ) + self._item("done", call.index, item)

    def _status(self, index: int) -> Status:
        """How the item ends: where the reply is cut off, its last one is."""
        cut = self._finish in REASONS and index == self._next_index - 1
        return "incomplete" if cut else "completed"

    def _take_index(self) -> int:
        self._next_index += 1
        return self._next_index - 1

    def _item(self, step: str, index: int, item: Object) -> bytes:
        if step == "done":
            self._items[index] = item
        return self._event(f"response.output_item.{step}", output_index=index, item=_raw(item))

    def _part(self, message: _Message, kind: str, **more: Json | msgspec.Raw) -> bytes:
        return self._event(
            f"response.{kind}",
            item_id=self._frame.item_id("msg", message.index),
            output_index=message.index,
            content_index=len(message.parts) - 1,
            **more,
        )

    def _summary(self, thought: _Thought, kind: str, **more: Json | msgspec.Raw) -> bytes:
        return self._event(
            f"response.reasoning_summary_{kind}",
            item_id=self._frame.item_id("rs", thought.index),
            output_index=thought.index,
            summary_index=0,
            **more,
        )

    def _event(self, kind: str, **more: Json | msgspec.Raw) -> bytes:
        self._number += 1
        return event(kind, self._number - 1, more)


def _raw(value: Object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
