"""What a healthy chat upstream would send, as bytes, and what a client makes of a stream."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Characters of one to four bytes.
TEXT = "Le train de nuit part à l'été, 夜行列車は海へ走る 🚂."
#: What the upstream says was used.
USAGE = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
DONE = b"data: [DONE]\n\n"
_PIECE = 8


def completion(text: str = TEXT, usage: object = USAGE) -> bytes:
    """A whole reply."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return _json(
        {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice]}, usage
    )


def event(data: bytes) -> bytes:
    """An event of a stream."""
    return b"data: " + data + b"\n\n"


def delta(text: str | None = None, finish: str | None = None) -> bytes:
    """A chunk of a stream, as an event."""
    said = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return event(
        _json({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})
    )


def usage_event(usage: object = USAGE) -> bytes:
    """The chunk that says what was used."""
    return event(
        _json(
            {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": []},
            usage,
        )
    )


def said(text: str = TEXT, piece: int = _PIECE) -> list[bytes]:
    """The events that say a text."""
    return [delta(text[i : i + piece]) for i in range(0, len(text), piece)]


def events(usage: object = USAGE) -> list[bytes]:
    """Every event of a stream."""
    told = [] if usage is None else [usage_event(usage)]
    return [*said(), delta(finish="stop"), *told, DONE]


@dataclass(frozen=True)
class Stream:
    """What a client makes of a stream."""

    text: str
    #: Of its format's last events: how many.
    endings: int
    #: Of its format's errors: how many.
    errors: int
    #: Something follows the first of these.
    more_follows: bool


def understood(body: bytes) -> Stream:
    """A chat or a messages stream, read as WHATWG says."""
    text, marks = "", []
    for data in _data(body.decode("utf-8")):
        if data == "[DONE]":
            marks.append("end")
            continue
        value = json.loads(data)
        if value.get("error"):
            marks.append("error")
        elif value.get("type") == "message_stop":
            marks.append("end")
        else:
            marks.append("")
            text += _text(value)
    ended = [i for i, mark in enumerate(marks) if mark]
    return Stream(
        text,
        endings=marks.count("end"),
        errors=marks.count("error"),
        more_follows=bool(ended) and ended[0] != len(marks) - 1,
    )


def _text(value: dict[str, object]) -> str:
    if value.get("type") == "content_block_delta":
        return value["delta"].get("text", "")
    return "".join(choice["delta"].get("content") or "" for choice in value.get("choices") or ())


def _data(stream: str) -> Sequence[str]:
    blocks, lines = [], []
    for line in re.split(r"\r\n|\n|\r", stream.removeprefix("\ufeff")):
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            blocks.append("\n".join(lines))
            lines = []
    return blocks


def _json(value: dict[str, object], usage: object = None) -> bytes:
    told = {} if usage is None else {"usage": usage}
    return json.dumps(value | told, ensure_ascii=False).encode()
