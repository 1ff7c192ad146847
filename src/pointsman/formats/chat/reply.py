"""Whole chat replies, read and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from pointsman.conversation import (
    Choice,
    Delta,
    Finish,
    Finished,
    ModelReply,
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
from pointsman.errors import UpstreamBroken
from pointsman.formats.chat import calls, follow, shape, thinking, usage
from pointsman.formats.chat.deltas import ChoiceReader
from pointsman.formats.wire import Head
from pointsman.types import Json


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """A whole reply. Raises UpstreamBroken where it is none.

    It is read as a stream of one large chunk, so that streamed and not streamed mean the same.
    """
    seen = follow.look(body, prompt_tokens)
    reply = shape.decode(body)
    if not reply.choices:
        raise UpstreamBroken("a reply without choices")
    choices = []
    for position, each in enumerate(reply.choices):
        index = shape.index_of(each, position)
        salt = reply.id if isinstance(reply.id, str) else str(prompt_tokens)
        choices.append(collected(ChoiceReader(index, salt).read(each), index))
    return ModelReply(seen.model or "", tuple(choices), seen.usage)


def collected(deltas: Iterable[Delta], index: int = 0) -> Choice:
    """The deltas of one choice as the choice that they make."""
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


def written(reply: ModelReply, head: Head, *, legacy: bool) -> bytes:
    """A whole reply with all that OpenAI's schema requires.

    `legacy`: the client spoke of `functions`, and gets a `function_call`.
    """
    choices: list[Json] = [_choice(choice, legacy=legacy) for choice in reply.choices]
    return msgspec.json.encode(
        {
            "id": f"chatcmpl-{head.request_id}",
            "object": "chat.completion",
            "created": int(head.time.timestamp()),
            "model": head.model,
            "choices": choices,
            "usage": usage.written(reply.usage),
        }
    )


def finish_reason(finish: Finish, *, refused: bool, legacy: bool) -> str:
    """OpenAI's word. A refusal in words is a `stop`; one without is the provider's filter."""
    if finish == "refusal":
        return "stop" if refused else "content_filter"
    if finish == "tool_calls" and legacy:
        return "function_call"
    return finish


def _choice(choice: Choice, *, legacy: bool) -> Json:
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    message: dict[str, Json] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        "annotations": [],
    }
    thoughts = [part for part in choice.parts if isinstance(part, Thinking)]
    if thoughts:
        message |= thinking.spoken(thoughts)
    called = [part for part in choice.parts if isinstance(part, ToolCall)]
    if called and legacy:
        message["function_call"] = {"name": called[0].name, "arguments": called[0].arguments}
    elif called:
        message["tool_calls"] = [calls.write(call) for call in called]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": finish_reason(choice.finish, refused=bool(refusals), legacy=legacy),
    }


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
                self.parts[-1:] = thinking.joined([last, part])
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
