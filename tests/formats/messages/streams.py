"""Streams in the Messages format, put together and taken apart."""

import json
from datetime import UTC, datetime

from msgspec.structs import replace
from tests.formats.messages.bodies import events

from pointsman.conversation import (
    Delta,
    Finished,
    Part,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.formats.sse import Event
from pointsman.formats.wire import Head, StreamReader
from pointsman.types import Usage

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()
HEAD = Head("req_0f1e", datetime(2026, 11, 21, tzinfo=UTC), "qwen3:8b")
REQUEST = CLIENT.parse(
    b'{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
)
USED = Usage(600, 89, cached_tokens=100, written_tokens=28, reasoning_tokens=11)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def reader() -> StreamReader:
    return UPSTREAM.reader(7, keep_usage=False)


def read(stream: bytes) -> list[Delta]:
    following = reader()
    return [delta for event in events(stream) for delta in following.read(event)]


def event(**members: object) -> Event:
    data = json.dumps(members).encode()
    return Event(b"data: " + data + b"\n\n", data)


def write(deltas: list[Delta], usage: Usage = USED) -> bytes:
    writer = CLIENT.writer(REQUEST, HEAD)
    return b"".join(map(writer.write, deltas)) + writer.ending(usage)


def collected(deltas: list[Delta]) -> tuple[list[Part], Finished | None]:
    """The parts that deltas add up to."""
    parts: list[Part] = []
    calls: dict[int, int] = {}
    for delta in deltas:
        last = parts[-1] if parts else None
        match delta:
            case TextDelta(text=text) | RefusalDelta(text=text) if isinstance(last, Text):
                parts[-1] = Text(last.text + text)
            case TextDelta(text=text) | RefusalDelta(text=text):
                parts.append(Text(text))
            case ThinkingDelta() if is_open(last) and not delta.redacted:
                parts[-1] = Thinking(last.text + delta.text, delta.signature)
            case ThinkingDelta():
                parts.append(Thinking(delta.text, delta.signature, delta.redacted))
            case ToolCallBegan():
                calls[delta.call] = len(parts)
                parts.append(ToolCall(delta.id, delta.name, ""))
            case ToolCallDelta():
                call = parts[calls[delta.call]]
                more = call.arguments + delta.arguments
                parts[calls[delta.call]] = replace(call, arguments=more)
    return parts, next((each for each in deltas if isinstance(each, Finished)), None)


def is_open(part: Part | None) -> bool:
    """Thinking that is not signed yet: more of it may come."""
    return isinstance(part, Thinking) and part.signature is None
