"""Content blocks as parts of a conversation."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from pointsman.conversation import File, Image, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from pointsman.formats import members
from pointsman.formats.messages import shape
from pointsman.formats.messages.notes import Notes
from pointsman.types import Json

_KNOWN: Mapping[str, AbstractSet[str]] = {
    "text": {"type", "text", "cache_control"},
    "image": {"type", "source"},
    "document": {"type", "source", "title"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input"},
    "tool_result": {"type", "tool_use_id", "content", "is_error"},
}
_HINTS = frozenset({"cache_control", "transformations"})


def read(block: dict[str, Json], place: str, notes: Notes) -> Part:
    """The part that a block says; Opaque where no other format could. Raises BadRequest."""
    kind = shape.text(block, "type", place)
    if kind not in _KNOWN:
        return Opaque("messages", kind)
    hints = _HINTS | {"citations"} if kind == "text" else _HINTS
    notes.rest(block, _KNOWN[kind], hints=hints)
    return _READERS[kind](block, place, notes)


def _text(block: dict[str, Json], place: str, _: Notes) -> Part:
    return Text(shape.text(block, "text", place), block.get("cache_control"))


def _thinking(block: dict[str, Json], place: str, _: Notes) -> Part:
    signature = members.text(block, "signature", f"{place}.signature")
    return Thinking(shape.text(block, "thinking", place), signature or None)


def _redacted(block: dict[str, Json], place: str, _: Notes) -> Part:
    return Thinking("", shape.text(block, "data", place), redacted=True)


def _image(block: dict[str, Json], place: str, _: Notes) -> Part:
    source = shape.mapping(block, "source", place)
    match source.get("type"):
        case "base64":
            return Image(
                media_type=shape.text(source, "media_type", f"{place}.source"),
                data=shape.text(source, "data", f"{place}.source"),
            )
        case "url":
            return Image(url=shape.text(source, "url", f"{place}.source"))
    return Opaque("messages", "image")


def _document(block: dict[str, Json], place: str, _: Notes) -> Part:
    source = shape.mapping(block, "source", place)
    name = members.text(block, "title", f"{place}.title")
    within = f"{place}.source"
    match source.get("type"):
        case "base64":
            media_type = shape.text(source, "media_type", within)
            return File(name, media_type, shape.text(source, "data", within))
        case "text":
            data = base64.b64encode(shape.text(source, "data", within).encode()).decode()
            return File(name, "text/plain", data)
        case "url":
            return File(name, url=shape.text(source, "url", within))
        case "file":
            return File(name, file_id=shape.text(source, "file_id", within))
    return Opaque("messages", "document")


def _call(block: dict[str, Json], place: str, notes: Notes) -> ToolCall:
    name = shape.text(block, "name", place)
    call_id = shape.text(block, "id", place)
    notes.called[call_id] = name
    arguments = msgspec.json.encode(shape.mapping(block, "input", place)).decode()
    return ToolCall(call_id, name, arguments)


def _result(block: dict[str, Json], place: str, notes: Notes) -> ToolResult:
    call_id = shape.text(block, "tool_use_id", place)
    found = shape.nested(block, place)
    return ToolResult(
        call_id=call_id,
        parts=tuple(read(each, f"{place}.content.{i}", notes) for i, each in enumerate(found)),
        is_error=members.flag(block, "is_error", f"{place}.is_error"),
        name=notes.called.get(call_id),
    )


_READERS: Mapping[str, Callable[[dict[str, Json], str, Notes], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _call,
    "tool_result": _result,
}
