"""A whole reply: what its one chunk says, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finish,
    Finished,
    ModelReply,
    Part,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.gemini.stream import GeminiReader
from pointsman.formats.wire import Seen
from pointsman.types import Json


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """A whole reply. Raises UpstreamBroken where it is none, or where the model failed."""
    reader, deltas = _read(body, prompt_tokens)
    return ModelReply(reader.model or "", collected(deltas), reader.usage)


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage of a whole reply. Raises UpstreamBroken as `read` does."""
    reader, _ = _read(body, prompt_tokens)
    return Seen(reader.usage, reader.model)


def collected(deltas: Iterable[Delta]) -> tuple[Choice, ...]:
    """The choices that a reply's deltas make, by their index; one without an end has stopped."""
    drafts: dict[int, _Draft] = {}
    for delta in deltas:
        if not isinstance(delta, Began):
            drafts.setdefault(delta.choice, _Draft()).add(delta)
    return tuple(drafts[index].choice(index) for index in sorted(drafts))


class _Draft:
    """A choice in the making."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._finish: Finish = "stop"
        self._logprobs: list[Json] | None = None

    def add(self, delta: Delta) -> None:
        last = self._parts[-1] if self._parts else None
        match delta:
            case TextDelta(text=text, logprobs=logprobs):
                if isinstance(last, Text):
                    self._parts[-1] = Text(last.text + text)
                elif text:
                    self._parts.append(Text(text))
                self._note(logprobs)
            case ThinkingDelta(text=text, signature=signature):
                if isinstance(last, Thinking) and last.signature is None:
                    self._parts[-1] = Thinking(last.text + text, signature)
                else:
                    self._parts.append(Thinking(text, signature))
            case ToolCallBegan(id=call_id, name=name, signature=signature):
                self._parts.append(ToolCall(call_id, name, "", signature))
            case ToolCallDelta(arguments=arguments):
                if isinstance(last, ToolCall):
                    self._parts[-1] = replace(last, arguments=last.arguments + arguments)
            case Finished(finish=finish):
                self._finish = finish
            case _:
                pass

    def choice(self, index: int) -> Choice:
        logprobs: Json = None
        if self._logprobs is not None:
            logprobs = {"content": self._logprobs, "refusal": None}
        return Choice(tuple(self._parts), self._finish, index, logprobs=logprobs)

    def _note(self, logprobs: Json) -> None:
        content = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(content, list):
            self._logprobs = (self._logprobs or []) + content


def _read(body: bytes, prompt_tokens: int) -> tuple[GeminiReader, list[Delta]]:
    reader = GeminiReader(prompt_tokens)
    deltas = reader.take(body)
    if not reader.begun:
        raise UpstreamBroken("a reply without candidates")
    return reader, deltas
