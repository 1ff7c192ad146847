"""A streamed reply of an upstream, followed event by event."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.conversation import (
    Began,
    Delta,
    Finished,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.messages import error, reply, usage
from pointsman.formats.messages.reply import Block, StopDetails
from pointsman.formats.sse import Event
from pointsman.formats.wire import Fault
from pointsman.types import Usage

_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class _Message(msgspec.Struct):
    model: str | None = None
    usage: object = None


class _Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None

    @property
    def size(self) -> int:
        """Bytes that the model wrote."""
        said = self.text or self.thinking or self.partial_json
        return len(said.encode()) if said else 0


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: Block | None = None
    delta: _Delta | None = None
    usage: object = None
    error: object = None


_EVENT = msgspec.json.Decoder(_Event)
_FAULT = _Event(type="error")


class MessagesReader:
    """Follows a stream; a `StreamReader`."""

    def __init__(self, prompt_tokens: int) -> None:
        """`prompt_tokens` as estimated, for an upstream that does not say."""
        self._prompt_tokens = prompt_tokens
        self._stated = usage.Stated()
        self._final = False
        self.produced = 0
        self._last = _STOP
        #: Of each block that is a tool call: which call it is, and whether it has arguments.
        self._calls: dict[int, int] = {}
        self._bare: set[int] = set()
        self.begun = False
        self.done = False
        self.finished = False
        self.error: Fault | None = None
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        """The upstream's figures once it gave its last ones, until then our count."""
        stated = self._stated if self._final else self._stated.of_input
        return stated.usage(self._prompt_tokens, self.produced)

    def follow(self, event: Event) -> bytes:
        """The event as it came; `message_stop` is held back. Raises UpstreamBroken."""
        if self._is_empty(event):
            return b"" if self.done or event.data else event.raw
        kind = self._note(event.data or b"").type
        if kind == "message_stop":
            self._last = event.raw
        return b"" if kind in {"message_stop", "error"} else event.raw

    def ending(self) -> bytes:
        """`message_stop`, as it came or as it should have come."""
        return self._last

    def read(self, event: Event) -> Sequence[Delta]:
        """What an event says; nothing for those of unknown type. Raises UpstreamBroken."""
        if self._is_empty(event):
            return ()
        ended = self.finished
        said: list[Delta] = []
        match self._note(event.data or b""):
            case _Event(type="message_start"):
                said = [Began(self.model)]
            case _Event(type="content_block_start", index=index, content_block=Block() as block):
                said = self._block(index, block)
            case _Event(type="content_block_delta", index=index, delta=_Delta() as delta):
                said = self._more(index, delta)
            case _Event(type="content_block_stop", index=index) if index in self._bare:
                self._bare.discard(index)
                said = [ToolCallDelta(self._calls[index], "{}")]
            case _Event(type="message_delta", delta=_Delta() as delta) if not ended:
                said = _finished(delta) if self.finished else []
        return said

    def _is_empty(self, event: Event) -> bool:
        """Comments, what follows on the end, and the `[DONE]` that some servers end with."""
        return event.data is None or self.done or event.data == b"[DONE]"

    def _note(self, data: bytes) -> _Event:
        try:
            seen = _EVENT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as broken:
            raise UpstreamBroken(f"not a Messages stream: {broken}") from broken
        if seen.type == "error" or seen.error is not None:
            self.error = error.fault(data)
            return _FAULT
        if not seen.type:
            raise UpstreamBroken("an event without a type")
        match seen.type:
            case "message_start" if seen.message:
                self.model = seen.message.model
                self._stated = usage.stated(seen.message.usage)
            case "content_block_start":
                self.begun = True
                self.produced += seen.content_block.size if seen.content_block else 0
            case "content_block_delta":
                self.begun = True
                self.produced += seen.delta.size if seen.delta else 0
            case "message_delta":
                self.begun = True
                self.finished |= bool(seen.delta and seen.delta.stop_reason)
                self._final |= seen.usage is not None
                self._stated = self._stated.updated(usage.stated(seen.usage))
            case "message_stop":
                self.done = True
        return seen

    def _block(self, index: int, block: Block) -> list[Delta]:
        match block.type:
            case "text" if block.text:
                return [TextDelta(block.text)]
            case "thinking" if block.thinking or block.signature:
                return [ThinkingDelta(block.thinking or "", block.signature or None)]
            case "redacted_thinking":
                return [ThinkingDelta(signature=block.data, redacted=True)]
            case "tool_use":
                call = self._calls[index] = len(self._calls)
                began = ToolCallBegan(call, block.id or "", block.name or "")
                if block.arguments:
                    return [began, ToolCallDelta(call, block.arguments)]
                self._bare.add(index)
                return [began]
        return []

    def _more(self, index: int, delta: _Delta) -> list[Delta]:
        match delta.type:
            case "text_delta" if delta.text:
                return [TextDelta(delta.text)]
            case "thinking_delta" if delta.thinking:
                return [ThinkingDelta(delta.thinking)]
            case "signature_delta" if delta.signature:
                return [ThinkingDelta(signature=delta.signature)]
            case "input_json_delta" if delta.partial_json and index in self._calls:
                self._bare.discard(index)
                return [ToolCallDelta(self._calls[index], delta.partial_json)]
        return []


def _finished(delta: _Delta) -> list[Delta]:
    finish = reply.finish_of(delta.stop_reason)
    said: list[Delta] = [Finished(finish, stop_sequence=delta.stop_sequence)]
    if finish == "refusal" and delta.stop_details and delta.stop_details.explanation:
        said.insert(0, RefusalDelta(delta.stop_details.explanation))
    return said
