"""Content blocks as parts of a conversation."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import msgspec

from pointsman.conversation import File, Image, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from pointsman.formats import members
from pointsman.formats.losses import Notes, is_said
from pointsman.formats.messages import shape
from pointsman.types import Json

_KNOWN: Mapping[str, AbstractSet[str]] = {
    "text": {"type", "text"},
    "image": {"type", "source"},
    "document": {"type", "source", "title"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input"},
    "tool_result": {"type", "tool_use_id", "content", "is_error"},
}
#: Where other formats have what these blocks say, for the names of members.
_PLACES: Mapping[str, str] = {"tool_use": "messages[].tool_calls[].", "tool_result": "messages[]."}
_SOURCE: AbstractSet[str] = {"type", "media_type", "data", "url", "file_id"}
_HINTS = frozenset({"transformations"})
#: Members that say no more than their absence does.
_PLAIN: Mapping[str, Json] = {
    "caller": {"type": "direct"},
    "allowed_callers": ["direct"],
    "citations": {"enabled": False},
}


def says(name: str, member: Json) -> bool:
    """Whether a member says more than its absence does."""
    return is_said(name, member) and member != _PLAIN.get(name)


class Blocks:
    """Reads blocks in order; remembers the calls, so that results know their tool's name."""

    def __init__(self, notes: Notes) -> None:
        """What has no place in the canonical form goes to `notes`."""
        self._notes = notes
        self._called: dict[str, str] = {}

    def read(self, block: dict[str, Json], place: str) -> Part:
        """The part that a block says; Opaque where no other format could. Raises BadRequest."""
        kind = shape.text(block, "type", place)
        if kind not in _KNOWN:
            return Opaque("messages", kind)
        known = _KNOWN[kind] | {"cache_control"}
        if kind != "text" and block.get("cache_control") is not None:
            self._notes.hint("cache_control")
        hints = _HINTS | {"citations"} if kind == "text" else _HINTS
        self._notes.rest(block, known, hints, place=_PLACES.get(kind, "messages[].content[]."))
        match kind:
            case "image":
                return self._image(block, place)
            case "document":
                return self._document(block, place)
            case "tool_use":
                return self._call(block, place)
            case "tool_result":
                return self._result(block, place)
        return _said(block, kind, place)

    def _image(self, block: dict[str, Json], place: str) -> Part:
        source = self._source(block, place)
        within = f"{place}.source"
        match source.get("type"):
            case "base64":
                data = shape.text(source, "data", within)
                return Image(shape.text(source, "media_type", within), data)
            case "url":
                return Image(url=shape.text(source, "url", within))
            case "file":
                return Opaque("messages", "file_id")
        return Opaque("messages", "image")

    def _document(self, block: dict[str, Json], place: str) -> Part:
        source = self._source(block, place)
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

    def _source(self, block: dict[str, Json], place: str) -> dict[str, Json]:
        source = shape.mapping(block, "source", place)
        if source.get("type") in {"base64", "text", "url", "file"}:
            self._notes.rest(source, _SOURCE, place="messages[].content[].source.")
        return source

    def _call(self, block: dict[str, Json], place: str) -> ToolCall:
        name = shape.text(block, "name", place)
        call_id = shape.text(block, "id", place)
        self._called[call_id] = name
        arguments = msgspec.json.encode(shape.mapping(block, "input", place)).decode()
        return ToolCall(call_id, name, arguments)

    def _result(self, block: dict[str, Json], place: str) -> ToolResult:
        call_id = shape.text(block, "tool_use_id", place)
        found = shape.nested(block, place)
        return ToolResult(
            call_id=call_id,
            parts=tuple(self.read(each, f"{place}.content.{i}") for i, each in enumerate(found)),
            is_error=members.flag(block, "is_error", f"{place}.is_error"),
            name=self._called.get(call_id),
        )


def _said(block: dict[str, Json], kind: str, place: str) -> Part:
    """Words and thoughts."""
    match kind:
        case "thinking":
            signature = members.text(block, "signature", f"{place}.signature")
            return Thinking(shape.text(block, "thinking", place), signature or None)
        case "redacted_thinking":
            return Thinking("", shape.text(block, "data", place), redacted=True)
    return Text(shape.text(block, "text", place), block.get("cache_control"))
