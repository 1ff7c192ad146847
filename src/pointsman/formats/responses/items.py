"""The items of `input`, read as messages."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
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
from pointsman.formats import data_urls, members
from pointsman.formats.losses import Notes
from pointsman.formats.responses import seals
from pointsman.formats.responses.reader import SEAL
from pointsman.formats.responses.tools import FORMAT, Names
from pointsman.types import Json

_ROLES = frozenset({"system", "developer", "user", "assistant"})
#: Turns that are written as several items.
_JOINED = frozenset({"assistant", "tool"})
#: Members of all items that are the provider's own bookkeeping, said again by their order.
_ITEM = frozenset({"type", "id", "status"})
_MESSAGE = _ITEM | {"role", "content"}
_CALL = _ITEM | {"call_id", "name", "namespace", "arguments"}
_RESULT = _ITEM | {"call_id", "output", "name", "namespace"}
_REASONING = _ITEM | {"summary", "content", "encrypted_content"}
#: Of parts, by their type.
_PARTS: Mapping[str, AbstractSet[str]] = {
    "input_text": {"text"},
    "output_text": {"text"},
    "text": {"text"},
    "refusal": {"refusal"},
    "input_image": {"image_url", "detail", "file_id"},
    "input_file": {"file_data", "file_url", "file_id", "filename", "detail"},
    "input_audio": {"input_audio"},
}
_PLACE = "messages[].content[]."


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
        self._notes.strangers(item, _MESSAGE, place="messages[].")
        if item.get("content") is None:
            raise BadRequest(f"`{place}.content` is missing", param=f"{place}.content")
        self.say(cast("Role", role), *self._parts(item, "content", place))

    def _call(self, item: dict[str, Json], place: str) -> ToolCall:
        self._notes.strangers(item, _CALL, place="messages[].tool_calls[].")
        call_id = members.required(item, "call_id", place)
        name = members.required(item, "name", place)
        namespace = members.text(item, "namespace", f"{place}.namespace")
        self._called[call_id] = flat = self._names.flattened(name, namespace)
        signature, self._signature = self._signature, None
        return ToolCall(call_id, flat, members.required(item, "arguments", place), signature)

    def _result(self, item: dict[str, Json], place: str) -> ToolResult:
        self._notes.strangers(item, _RESULT, place="messages[].")
        call_id = members.required(item, "call_id", place)
        parts = self._parts(item, "output", place)
        return ToolResult(call_id, parts, name=self._called.get(call_id))

    def _reasoning(self, item: dict[str, Json], place: str) -> None:
        self._notes.strangers(item, _REASONING, place="messages[].")
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
            case _ if text or content:
                self.say("assistant", Thinking(text, SEAL + content if content else None))

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
        if kind not in _PARTS:
            return Opaque(FORMAT, kind)
        self._notes.strangers(part, _PARTS[kind] | {"type"}, place=_PLACE)
        match kind:
            case "refusal":
                return Refusal(members.required(part, "refusal", place))
            case "input_image":
                return _image(part, place)
            case "input_file":
                if part.get("detail") is not None:
                    self._notes.hint("detail")
                return _file(part, place)
            case "input_audio":
                return self._audio(part, place)
        return Text(members.required(part, "text", place))

    def _audio(self, part: dict[str, Json], place: str) -> Audio:
        audio = members.mapping(part, "input_audio", place)
        where = f"{place}.input_audio"
        data, form = (members.required(audio, name, where) for name in ("data", "format"))
        self._notes.rest(audio, {"data", "format"}, place=f"{_PLACE}input_audio.")
        return Audio(data, form)


def _file(part: dict[str, Json], place: str) -> Part:
    said = {
        name: members.text(part, name, f"{place}.{name}")
        for name in ("file_data", "file_url", "file_id", "filename")
    }
    data = said["file_data"]
    if not (data or said["file_url"] or said["file_id"]):
        raise BadRequest(
            f"`{place}` needs `file_data`, `file_url` or `file_id`", param=f"{place}.file_data"
        )
    media_type, content = data_urls.read(data) or (None, data) if data else (None, None)
    return File(said["filename"], media_type, content, said["file_url"], said["file_id"])


def _image(part: dict[str, Json], place: str) -> Part:
    url = members.text(part, "image_url", f"{place}.image_url")
    detail = members.text(part, "detail", f"{place}.detail")
    if members.text(part, "file_id", f"{place}.file_id") is not None:
        return Opaque(FORMAT, "file_id")
    if not url:
        raise BadRequest(f"`{place}.image_url` is missing", param=f"{place}.image_url")
    wish = None if detail == "auto" else detail
    embedded = data_urls.read(url)
    return Image(url=url, detail=wish) if embedded is None else Image(*embedded, detail=wish)
