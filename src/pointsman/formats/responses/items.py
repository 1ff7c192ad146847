"""The items of `input`, read as messages."""

from __future__ import annotations

import re
from typing import cast

from pointsman.conversation import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.responses import seals
from pointsman.formats.responses.notes import Notes
from pointsman.formats.responses.tools import FORMAT, Names
from pointsman.types import Json

_ROLES = frozenset({"system", "developer", "user", "assistant"})
#: Turns that are written as several items.
_JOINED = frozenset({"assistant", "tool"})
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)


class History:
    """Messages, as the items of `input` tell them one by one.

    What an assistant says in one go stands in several items (reasoning, messages, calls): they are
    one message here, and so are tool results that follow each other.
    """

    def __init__(self, names: Names, notes: Notes) -> None:
        """`names` are those of functions in namespaces."""
        self._names = names
        self._notes = notes
        self._turns: list[tuple[Role, list[Part]]] = []
        self._called: dict[str, str] = {}
        self._signature: str | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages so far."""
        return tuple(Message(role, tuple(parts)) for role, parts in self._turns)

    def say(self, role: Role, *parts: Part) -> None:
        """Add what somebody said."""
        if role in _JOINED and self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(parts)
        else:
            self._turns.append((role, list(parts)))

    def take(self, item: dict[str, Json], place: str) -> None:
        """Add an item. Raises BadRequest that names the member at fault."""
        kind = members.text(item, "type", f"{place}.type")
        if kind == "message" or (kind is None and "role" in item):
            self._message(item, place)
        elif kind == "function_call":
            self.say("assistant", self._call(item, place))
        elif kind == "function_call_output":
            self.say("tool", self._result(item, place))
        elif kind == "reasoning":
            self._reasoning(item, place)
        elif kind is not None or "id" in item:
            self.say("assistant", Opaque(FORMAT, kind or "item_reference"))
        else:
            raise BadRequest(f"`{place}` must be an object with a `type` or a `role`", param=place)

    def _message(self, item: dict[str, Json], place: str) -> None:
        role = item.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            known = ", ".join(sorted(_ROLES))
            raise BadRequest(f"`{place}.role` must be one of {known}", param=f"{place}.role")
        if item.get("phase") is not None:
            self._notes.hint("phase")
        if item.get("content") is None:
            raise BadRequest(f"`{place}.content` is missing", param=f"{place}.content")
        self.say(cast("Role", role), *self._parts(item, "content", place))

    def _call(self, item: dict[str, Json], place: str) -> ToolCall:
        call_id = _required(item, "call_id", place)
        name = _required(item, "name", place)
        namespace = members.text(item, "namespace", f"{place}.namespace")
        self._called[call_id] = flat = self._names.flattened(name, namespace)
        signature, self._signature = self._signature, None
        return ToolCall(call_id, flat, _required(item, "arguments", place), signature)

    def _result(self, item: dict[str, Json], place: str) -> ToolResult:
        call_id = _required(item, "call_id", place)
        parts = self._parts(item, "output", place)
        return ToolResult(call_id, parts, name=self._called.get(call_id))

    def _reasoning(self, item: dict[str, Json], place: str) -> None:
        content = members.text(item, "encrypted_content", f"{place}.encrypted_content")
        texts = [
            members.text(part, "text", f"{place}.{member}[{i}].text") or ""
            for member in ("summary", "content")
            for i, part in enumerate(members.objects(item, member, f"{place}.{member}"))
        ]
        text = "\n\n".join(texts)
        match seals.opened(content):
            case "call", proof:
                self._signature = proof
            case "redacted", proof:
                self.say("assistant", Thinking("", proof, redacted=True))
            case "thinking", proof:
                self.say("assistant", Thinking(text, proof or None))
            case _ if text:
                self.say("assistant", Thinking(text))

    def _parts(self, item: dict[str, Json], member: str, place: str) -> tuple[Part, ...]:
        value = item.get(member)
        if isinstance(value, str):
            return (Text(value),) if value else ()
        where = f"{place}.{member}"
        if not isinstance(value, list):
            raise BadRequest(f"`{where}` must be a string or an array of parts", param=where)
        return tuple(
            self._part(part, f"{where}[{i}]")
            for i, part in enumerate(members.objects(item, member, where))
        )

    def _part(self, part: dict[str, Json], place: str) -> Part:
        kind = members.text(part, "type", f"{place}.type")
        if kind is None:
            raise BadRequest(f"`{place}` must be an object with a `type`", param=place)
        if part.get("prompt_cache_breakpoint") is not None:
            self._notes.hint("prompt_cache_breakpoint")
        if kind in {"input_text", "output_text", "text"}:
            return Text(_required(part, "text", place))
        if kind == "refusal":
            return Refusal(_required(part, "refusal", place))
        if kind == "input_image":
            return _image(part, place)
        if kind == "input_file":
            return self._file(part, place)
        if kind == "input_audio":
            return _audio(part, place)
        return Opaque(FORMAT, kind)

    def _file(self, part: dict[str, Json], place: str) -> Part:
        if part.get("detail") is not None:
            self._notes.hint("detail")
        said = {
            name: members.text(part, name, f"{place}.{name}")
            for name in ("file_data", "file_url", "file_id", "filename")
        }
        media_type, data = _data(said["file_data"] or "")
        if not (data or said["file_url"] or said["file_id"]):
            raise BadRequest(
                f"`{place}` needs `file_data`, `file_url` or `file_id`", param=f"{place}.file_data"
            )
        return File(said["filename"], media_type, data or None, said["file_url"], said["file_id"])


def _image(part: dict[str, Json], place: str) -> Part:
    url = members.text(part, "image_url", f"{place}.image_url")
    detail = members.text(part, "detail", f"{place}.detail")
    if url is None and members.text(part, "file_id", f"{place}.file_id") is not None:
        return Opaque(FORMAT, "input_image.file_id")
    if not url:
        raise BadRequest(f"`{place}.image_url` is missing", param=f"{place}.image_url")
    wish = None if detail == "auto" else detail
    if not _DATA_URL.match(url):
        return Image(url=url, detail=wish)
    media_type, data = _data(url)
    return Image(media_type, data, detail=wish)


def _audio(part: dict[str, Json], place: str) -> Part:
    match part.get("input_audio"):
        case {"data": str(data), "format": str(sort)}:
            return Audio(data, sort)
    where = f"{place}.input_audio"
    raise BadRequest(f"`{where}` must be an object with `data` and `format`", param=where)


def _data(url: str) -> tuple[str | None, str]:
    """Media type and base64 of a data URL; what is no data URL is base64 itself."""
    found = _DATA_URL.match(url)
    return (found[1] or None, url[found.end() :]) if found else (None, url)


def _required(value: dict[str, Json], name: str, place: str) -> str:
    where = f"{place}.{name}"
    said = members.text(value, name, where)
    if said is None:
        raise BadRequest(f"`{where}` is missing", param=where)
    return said
