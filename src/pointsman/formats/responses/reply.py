"""Whole replies, written for a client."""

from __future__ import annotations

from itertools import groupby

import msgspec

from pointsman.conversation import Choice, ModelReply, Part, Refusal, Text, Thinking, ToolCall
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
from pointsman.types import Json, ModelRequest


def whole(reply: ModelReply, request: ModelRequest, head: Head) -> bytes:
    """The body of a reply: a response object with all its items. It has one choice."""
    frame = Frame(request, head)
    choice = reply.choices[0]
    reason = REASONS.get(choice.finish)
    return msgspec.json.encode(
        frame.response(
            "incomplete" if reason else "completed",
            _items(frame, choice),
            usage=reply.usage,
            reason=reason,
        )
    )


def _items(frame: Frame, choice: Choice) -> list[Object]:
    runs = _runs(choice)
    items: list[Object] = []
    for run in runs:
        cut = choice.finish in REASONS and run is runs[-1]
        status: Status = "incomplete" if cut else "completed"
        index = len(items)
        match run[0]:
            case Text() | Refusal():
                logprobs = logprobs_of(choice.logprobs if run is _first_said(runs) else None)
                items.append(frame.message(index, _content(run, logprobs), status))
            case Thinking(text=text, signature=proof, redacted=redacted):
                encrypted = seals.of_thinking(proof, redacted=redacted)
                items.append(frame.thought(index, text, encrypted, status))
            case ToolCall(signature=proof) as call:
                if proof is not None:
                    encrypted = seals.sealed("call", proof)
                    items.append(frame.thought(index, "", encrypted, "completed"))
                items.append(frame.call(len(items), call, status))
    return items


def _runs(choice: Choice) -> list[list[Part]]:
    """The parts that say something, those together that stand in one item."""
    parts = [part for part in choice.parts if _says(part)]
    if choice.finish == "refusal" and not any(isinstance(part, Refusal) for part in parts):
        parts.append(Refusal(DECLINED))
    runs: list[list[Part]] = []
    for said, group in groupby(parts, lambda part: isinstance(part, Text | Refusal)):
        run = list(group)
        runs += [run] if said else [[part] for part in run]
    return runs


def _says(part: Part) -> bool:
    match part:
        case Text(text=text) | Refusal(text=text):
            return bool(text)
        case Thinking(text=text, signature=proof):
            return bool(text or proof)
    return isinstance(part, ToolCall)


def _first_said(runs: list[list[Part]]) -> list[Part] | None:
    return next((run for run in runs if isinstance(run[0], Text)), None)


def _content(run: list[Part], logprobs: list[Json]) -> list[Object]:
    content: list[Object] = []
    for kind, group in groupby(run, type):
        words = "".join(part.text for part in group if isinstance(part, Text | Refusal))
        content.append(refusal_part(words) if kind is Refusal else text_part(words, logprobs))
        logprobs = []
    return content
