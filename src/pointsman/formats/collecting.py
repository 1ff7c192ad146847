"""The deltas of a stream, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finish,
    Finished,
    Part,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.types import Json


def collected(deltas: Iterable[Delta], index: int = 0) -> Choice:
    """The deltas of one choice as the choice that they make; without an end it has stopped."""
    making = _Making()
    for delta in deltas:
        making.add(delta)
    parts = (
        ToolCall(part.id, part.name, making.arguments[part.call], part.signature)
        if isinstance(part, ToolCallBegan)
        else part
        for part in making.parts
    )
    return Choice(tuple(parts), making.finish, index, making.stop_sequence, making.logprobs)


def choices(deltas: Iterable[Delta]) -> tuple[Choice, ...]:
    """The choices that a reply's deltas make, by their index."""
    told: dict[int, list[Delta]] = {}
    for delta in deltas:
        if not isinstance(delta, Began):
            told.setdefault(delta.choice, []).append(delta)
    return tuple(collected(told[index], index) for index in sorted(told))


def joined(pieces: Iterable[Thinking]) -> list[Thinking]:
    """Pieces of thoughts put together: a thought's signature comes with the last of its pieces."""
    whole: list[Thinking] = []
    for piece in pieces:
        last = whole[-1] if whole else None
        if last is None or last.signature is not None or piece.redacted:
            whole.append(piece)
        else:
            whole[-1] = replace(last, text=last.text + piece.text, signature=piece.signature)
    return whole


@dataclass(slots=True)
class _Making:
    """A choice in the making."""

    parts: list[Part | ToolCallBegan] = field(default_factory=list)
    arguments: dict[int, str] = field(default_factory=dict)
    finish: Finish = "stop"
    stop_sequence: str | None = None
    logprobs: Json = None

    def add(self, delta: Delta) -> None:
        match delta:
            case TextDelta():
                self._say(Text(delta.text))
                self._logprobs(delta.logprobs)
            case ThinkingDelta():
                self._say(Thinking(delta.text, delta.signature, delta.redacted))
            case RefusalDelta():
                self._say(Refusal(delta.text))
            case ToolCallBegan():
                self.arguments[delta.call] = ""
                self.parts.append(delta)
            case ToolCallDelta():
                self.arguments[delta.call] += delta.arguments
            case Finished():
                self.finish, self.stop_sequence = delta.finish, delta.stop_sequence

    def _say(self, part: Text | Thinking | Refusal) -> None:
        match self.parts[-1:], part:
            case [Text() as last], Text():
                self.parts[-1] = Text(last.text + part.text)
            case [Refusal() as last], Refusal():
                self.parts[-1] = Refusal(last.text + part.text)
            case [Thinking() as last], Thinking():
                self.parts[-1:] = joined([last, part])
            case _ if part != Text(""):
                self.parts.append(part)

    def _logprobs(self, more: Json) -> None:
        if not isinstance(more, dict):
            return
        merged: dict[str, Json] = dict(self.logprobs) if isinstance(self.logprobs, dict) else {}
        for name, tokens in more.items():
            known = merged.get(name)
            if isinstance(known, list) and isinstance(tokens, list):
                merged[name] = [*known, *tokens]
            elif tokens is not None or name not in merged:
                merged[name] = tokens
        self.logprobs = merged
