"""Messages of `/api/chat`, read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pointsman.conversation import (
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
from pointsman.formats.calls import arguments_of, made_id
from pointsman.formats.losses import Losses, Notes
from pointsman.formats.ollama.request import images
from pointsman.types import Json

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
_MESSAGE = frozenset({"role", "content", "images", "name"})
_ASSISTANT = _MESSAGE | {"thinking", "tool_calls"}
_RESULT = _MESSAGE | {"tool_name", "tool_call_id"}
_CALL = frozenset({"id", "index", "type", "function"})
_FUNCTION = frozenset({"index", "name", "arguments"})
#: How base64 begins, by what it holds.
_MAGIC: Mapping[str, str] = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}


def image(data: str) -> Image:
    """A picture in base64, its type told from its first bytes."""
    kinds = (kind for start, kind in _MAGIC.items() if data.startswith(start))
    return Image(next(kinds, None), data)


def read(messages: Sequence[dict[str, Json]], notes: Notes) -> tuple[Message, ...]:
    """Messages in the canonical form. Raises BadRequest that names the member at fault."""
    reader = _Reader(notes)
    return tuple(reader.read(each, f"messages[{i}]") for i, each in enumerate(messages))


def write(messages: Sequence[Message], losses: Losses) -> list[Json]:
    """Messages in Ollama's words. Raises Inexpressible for what they can't say."""
    names = {
        part.id: part.name
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCall)
    }
    return [line for message in messages for line in _written(message, names, losses)]


class _Reader:
    """Reads messages in order; remembers the calls, so that results find theirs.

    A result names its call by id or, in older clients, by the tool's name or not at all: then it
    answers the first call that has no answer yet.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._count = 0
        #: Id -> name of the calls so far, and the ids that wait for a result.
        self._names: dict[str, str] = {}
        self._open: list[str] = []

    def read(self, message: dict[str, Json], place: str) -> Message:
        role = str(message["role"]).lower()
        text = members.text(message, "content", f"{place}.content")
        words = (Text(text),) if text else ()
        name = members.text(message, "name", f"{place}.name")
        pictures = tuple(image(data) for data in images(message, f"{place}.images"))
        if role == "tool":
            self._notes.strangers(message, _RESULT, place="messages[].")
            return Message("tool", (self._result(message, (*pictures, *words), place),))
        if role == "assistant":
            self._notes.strangers(message, _ASSISTANT, place="messages[].")
            thought = members.text(message, "thinking", f"{place}.thinking")
            thinking = (Thinking(thought),) if thought else ()
            return Message(
                "assistant", (*thinking, *pictures, *words, *self._calls(message, place)), name
            )
        self._notes.strangers(message, _MESSAGE, place="messages[].")
        if role not in _ROLES:
            self._notes.matter("messages[].role")
        return Message(_ROLES.get(role, "user"), (*pictures, *words), name)

    def _calls(self, message: dict[str, Json], place: str) -> Iterator[ToolCall]:
        self._open = []
        for call in members.objects(message, "tool_calls", f"{place}.tool_calls"):
            function = members.mapping(call, "function", f"{place}.tool_calls[]")
            self._notes.strangers(call, _CALL, place="messages[].tool_calls[].")
            self._notes.strangers(function, _FUNCTION, place="messages[].tool_calls[].")
            stated = function.get("arguments")
            if isinstance(stated, str):
                arguments = stated
            else:
                arguments = msgspec.json.encode({} if stated is None else stated).decode()
            name = str(function.get("name"))
            call_id = members.text(call, "id", f"{place}.tool_calls[].id")
            call_id = call_id or made_id(self._count, name, arguments)
            self._count += 1
            self._names[call_id] = name
            self._open.append(call_id)
            yield ToolCall(call_id, name, arguments)

    def _result(self, message: dict[str, Json], parts: tuple[Part, ...], place: str) -> ToolResult:
        name = members.text(message, "tool_name", f"{place}.tool_name") or members.text(
            message, "name", f"{place}.name"
        )
        call_id = members.text(message, "tool_call_id", f"{place}.tool_call_id")
        if not call_id:
            waiting = [each for each in self._open if not name or self._names[each] == name]
            call_id = waiting[0] if waiting else ""
        if not call_id:
            raise BadRequest(f"`{place}` answers no tool call", param=place)
        if call_id in self._open:
            self._open.remove(call_id)
        return ToolResult(call_id, parts, name=self._names.get(call_id, name))


def _written(message: Message, names: Mapping[str, str], losses: Losses) -> Iterator[Json]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for result in results:
        yield _result(result, names, losses)
    rest = [part for part in message.parts if not isinstance(part, ToolResult)]
    if results and not rest:
        return
    role = "system" if message.role == "developer" else message.role
    if message.name:
        losses.leave_out("name")
    called = [_call(part, losses) for part in rest if isinstance(part, ToolCall)]
    yield (
        {"role": "user" if role == "tool" else role}
        | _content(rest, losses, between="" if role == "assistant" else "\n")
        | ({"tool_calls": called} if called else {})
    )


def _result(result: ToolResult, names: Mapping[str, str], losses: Losses) -> Json:
    if result.is_error:
        losses.leave_out("is_error")
    name = names.get(result.call_id) or result.name
    return (
        {"role": "tool"}
        | _content(result.parts, losses, between="\n")
        | ({"tool_name": name} if name else {})
        | {"tool_call_id": result.call_id}
    )


def _content(parts: Sequence[Part], losses: Losses, *, between: str) -> dict[str, Json]:
    """Words, thoughts and pictures: of each kind Ollama has one place in a message."""
    for part in parts:
        _check(part, losses)
    texts = [part.text for part in parts if isinstance(part, Text | Refusal)]
    thoughts = "".join(part.text for part in parts if isinstance(part, Thinking))
    pictures: list[Json] = [part.data for part in parts if isinstance(part, Image) and part.data]
    content: dict[str, Json] = {"content": between.join(texts)}
    content |= {"thinking": thoughts} if thoughts else {}
    return content | ({"images": pictures} if pictures else {})


def _check(part: Part, losses: Losses) -> None:
    """Name what a part loses; raise Inexpressible for one that can't be said."""
    match part:
        case Thinking(text=""):
            losses.leave_out("thinking")
        case Thinking(signature=str()):
            losses.leave_out("thought_signature")
        case Text(cache_control=None) | Refusal() | Thinking() | ToolCall():
            pass
        case Text():
            losses.leave_out("cache_control")
        case Image(data=str(), detail=None):
            pass
        case Image(data=str()):
            losses.leave_out("detail")
        case Image():
            losses.refuse("image_url", "an image by its address")
        case Opaque():
            losses.refuse_opaque(part)
        case File(file_id=str()):
            losses.refuse("file_id", "a file by its provider's id")
        case _:
            kind = type(part).__name__.lower()
            losses.refuse(kind, f"{kind} input")


def _call(call: ToolCall, losses: Losses) -> Json:
    if call.signature is not None:
        losses.leave_out("thought_signature")
    arguments = arguments_of(call.arguments)
    if arguments is None:
        losses.refuse_arguments(call)
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments or {}}}
