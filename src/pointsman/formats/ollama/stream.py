"""Streamed replies, read and written: a JSON object a line, the last with `done: true`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.conversation import (
    Began,
    Delta,
    Finish,
    Finished,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.ollama import logprobs, reply, shape
from pointsman.formats.sse import Event
from pointsman.formats.wire import Fault, Head
from pointsman.types import Json, Usage


class StreamReader:
    """Follows a streamed reply line by line; see `wire.StreamReader`."""

    def __init__(self, prompt_tokens: int, *, generate: bool = False) -> None:
        """`generate`: the stream is `/api/generate`'s."""
        self._prompt_tokens = prompt_tokens
        self._generate = generate
        self.produced = 0
        self._calls = 0
        self._told_began = False
        self._last: shape.Body | None = None
        self._held = b""
        self.begun = False
        self.error: Fault | None = None
        self.model: str | None = None

    @property
    def done(self) -> bool:
        """The last line was seen."""
        return self._last is not None

    @property
    def finished(self) -> bool:
        """The same: Ollama's last line tells why it ended."""
        return self.done

    @property
    def usage(self) -> Usage:
        """What was used so far: the upstream's figures, or our count."""
        return shape.usage(self._last, self._prompt_tokens, self.produced)

    def follow(self, event: Event) -> bytes:
        """Take note of a line; returns it, but for the last one and errors.

        Raises UpstreamBroken where it is not a line of a reply.
        """
        line = self._note(event)
        if line is None:
            return b""
        if line.done:
            self._held = event.raw
            return b""
        return event.raw

    def ending(self) -> bytes:
        """The last line: the upstream's own, or one in its place."""
        if self._held:
            return self._held
        line = (
            {"model": self.model or "", "created_at": ""}
            | reply.said("", generate=self._generate)
            | reply.ended("stop", self.usage)
        )
        return msgspec.json.encode(line) + b"\n"

    def read(self, event: Event) -> Sequence[Delta]:
        """Take note of a line; returns what it says.

        Raises UpstreamBroken where it is not a line of a reply.
        """
        line = self._note(event)
        if line is None:
            return ()
        deltas: list[Delta] = [] if self._told_began else [Began(self.model)]
        self._told_began = True
        likely = logprobs.read(line.logprobs)
        for part in shape.parts(line, self._calls):
            match part:
                case Thinking(thought):
                    deltas.append(ThinkingDelta(thought))
                case Text(text):
                    deltas.append(TextDelta(text, logprobs=likely))
                    likely = None
                case ToolCall(call_id, name, arguments):
                    deltas += self._call(call_id, name, arguments)
        if likely is not None:  # of tokens that were thought, or are part of a call
            deltas.append(TextDelta("", logprobs=likely))
        if line.done:
            deltas.append(Finished(shape.finish(line, self._calls)))
        return deltas

    def _call(self, call_id: str, name: str, arguments: str) -> Sequence[Delta]:
        number = self._calls
        self._calls += 1
        return ToolCallBegan(number, call_id, name), ToolCallDelta(number, arguments)

    def _note(self, event: Event) -> shape.Body | None:
        """The line; None where it is an error, or empty."""
        if not event.data:
            return None
        line = shape.decode(event.data)
        if line.error is not None:
            self.error = shape.fault(line.error)
            return None
        produced = shape.size(line.said)
        self.produced += produced
        self.begun = self.begun or produced > 0 or bool(line.done)
        if isinstance(line.model, str):
            self.model = line.model
        if line.done:
            self._last = line
        return line


class StreamWriter:
    """Writes a stream. Tool calls are said whole, so they come when the reply has ended."""

    def __init__(self, head: Head, *, generate: bool = False) -> None:
        """`generate`: the stream is `/api/generate`'s."""
        self._generate = generate
        self._head: dict[str, object] = {
            "model": head.model,
            "created_at": reply.timestamp(head.time),
        }
        self._calls: dict[int, ToolCallBegan] = {}
        self._arguments: dict[int, list[str]] = {}
        self._finish: Finish = "stop"

    def write(self, delta: Delta) -> bytes:
        """The bytes for one delta; none for other choices than the first.

        Raises UpstreamBroken where the reply ends with a call whose arguments are no JSON object.
        """
        if isinstance(delta, Began) or delta.choice:
            return b""
        match delta:
            case TextDelta(text, _, likely):
                return self._line(text, likely=likely) if text or likely is not None else b""
            case RefusalDelta(text):
                return self._line(text) if text else b""
            case ThinkingDelta(text):
                return self._line("", text) if text else b""
            case ToolCallBegan(call):
                self._calls[call] = delta
                self._arguments[call] = []
            case ToolCallDelta(call, arguments):
                self._arguments[call].append(arguments)
            case Finished(finish):
                self._finish = finish
                return self._called()
        return b""

    def ending(self, usage: Usage) -> bytes:
        """The last line, with the counts."""
        last = (
            self._head | reply.said("", generate=self._generate) | reply.ended(self._finish, usage)
        )
        return msgspec.json.encode(last) + b"\n"

    def _called(self) -> bytes:
        parts = tuple(
            ToolCall(call.id, call.name, "".join(self._arguments[number]))
            for number, call in sorted(self._calls.items())
        )
        made = reply.calls(parts, self._finish)
        return self._line("", made=made) if made else b""

    def _line(
        self,
        words: str,
        thoughts: str = "",
        made: list[object] | None = None,
        likely: Json = None,
    ) -> bytes:
        line = (
            self._head
            | reply.said(words, thoughts, made, generate=self._generate)
            | {"done": False}
            | logprobs.write(likely)
        )
        return msgspec.json.encode(line) + b"\n"
