"""Messages of chat requests, read."""

from __future__ import annotations

from msgspec.structs import replace

from pointsman.conversation import (
    Message,
    Opaque,
    Part,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from pointsman.formats import members
from pointsman.formats.chat import calls, parts
from pointsman.formats.chat.thinking import thoughts
from pointsman.formats.collecting import joined
from pointsman.formats.losses import Notes
from pointsman.types import Json

_KNOWN = frozenset({"role", "content", "name", "cache_control"})
_ASSISTANT = frozenset(
    {"refusal", "tool_calls", "function_call", "reasoning_content", "reasoning"}
    | {"reasoning_details"}
)
#: Members of an assistant's message that change the answer. Others are echoes of the reply it was,
#: as clients hand them back: `annotations`, `provider_specific_fields`, ...
_ASKING = frozenset({"audio", "prefix", "partial"})
_TOOL_CALL = frozenset({"index", "id", "type", "function", "extra_content"})
_FUNCTION = frozenset({"name", "arguments"})
#: Where members of calls stand, for their names.
_CALL = "messages[].tool_calls[]."


class Turns:
    """Reads messages in order; remembers the calls, so that results know their tool's name."""

    def __init__(self, notes: Notes) -> None:
        """What has no place in the canonical form goes to `notes`."""
        self._notes = notes
        self._names: dict[str, str] = {}

    def read(self, message: dict[str, Json], place: str) -> Message:
        """One message. Raises BadRequest that names the member at fault."""
        found = parts.read(message.get("content"), f"{place}.content", self._notes)
        name = members.text(message, "name", f"{place}.name")
        hint = message.get("cache_control")
        if hint is not None and found and isinstance(found[-1], Text):
            found = (*found[:-1], replace(found[-1], cache_control=hint))
        match message["role"]:
            case "assistant":
                return Message("assistant", self._assistant(message, found, place), name)
            case "tool":
                self._rest(message, _KNOWN | {"tool_call_id"})
                call_id = members.required(message, "tool_call_id", place)
                result = ToolResult(call_id, found, name=self._names.get(call_id, name))
                return Message("tool", (result,))
            case "function":
                self._rest(message, _KNOWN)
                result = ToolResult(self._called(name or ""), found, name=name)
                return Message("tool", (result,))
            case role:
                self._rest(message, _KNOWN)
                return Message(_role(role), found, name)

    def _assistant(
        self, message: dict[str, Json], content: tuple[Part, ...], place: str
    ) -> tuple[Part, ...]:
        self._notes.strangers(message, _KNOWN | _ASSISTANT, _ASKING, place="messages[].")
        text = message.get("reasoning_content") or message.get("reasoning")
        said = [part for part in content if part != Text("")]
        refusal = members.text(message, "refusal", f"{place}.refusal")
        if refusal:
            said.append(Refusal(refusal))
        called = [
            self._call(call, f"{place}.tool_calls[{i}]")
            for i, call in enumerate(members.objects(message, "tool_calls", f"{place}.tool_calls"))
        ]
        legacy = message.get("function_call")
        if isinstance(legacy, dict):
            name = members.required(legacy, "name", f"{place}.function_call")
            self._notes.strangers(legacy, _FUNCTION, place=_CALL)
            called.append(self._noted(f"call_{len(self._names)}_{name}", name, legacy, None))
        return (*joined(thoughts(message.get("reasoning_details"), text)), *said, *called)

    def _call(self, call: dict[str, Json], place: str) -> ToolCall | Opaque:
        if call.get("type", "function") != "function":
            return Opaque("chat", str(call["type"]))
        function = members.mapping(call, "function", place)
        name = members.required(function, "name", f"{place}.function")
        self._notes.strangers(call, _TOOL_CALL, place=_CALL)
        self._notes.strangers(function, _FUNCTION, place=_CALL)
        call_id = members.required(call, "id", place)
        return self._noted(call_id, name, function, calls.proof(call.get("extra_content")))

    def _noted(
        self, call_id: str, name: str, function: dict[str, Json], signature: str | None
    ) -> ToolCall:
        self._names[call_id] = name
        return ToolCall(call_id, name, calls.arguments(function.get("arguments")), signature)

    def _called(self, name: str) -> str:
        """The id of the last call of a function, which the legacy shape answers by its name."""
        return next((i for i, each in reversed(self._names.items()) if each == name), name)

    def _rest(self, message: dict[str, Json], known: frozenset[str]) -> None:
        self._notes.strangers(message, known, place="messages[].")


def _role(role: Json) -> Role:
    match role:
        case "system" | "developer":
            return role
    return "user"
