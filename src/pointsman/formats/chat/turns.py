"""Messages of chat requests, read."""

from __future__ import annotations

from dataclasses import replace

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
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.chat import calls, parts
from pointsman.formats.chat.notes import Leftovers
from pointsman.formats.chat.thinking import joined, thoughts
from pointsman.types import Json

_KNOWN = frozenset({"role", "content", "name", "cache_control"})
_ASSISTANT = frozenset(
    {"refusal", "tool_calls", "function_call", "reasoning_content", "reasoning"}
    | {"reasoning_details"}
)
#: Members of an assistant's message that change the answer. Others are echoes of the reply it was,
#: as clients hand them back: `annotations`, `provider_specific_fields`, ...
_ASKING = frozenset({"audio", "prefix", "partial"})


class Turns:
    """Reads messages in order; remembers the calls, so that results know their tool's name."""

    def __init__(self, notes: Leftovers) -> None:
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
                call_id = members.text(message, "tool_call_id", f"{place}.tool_call_id")
                if call_id is None:
                    where = f"{place}.tool_call_id"
                    raise BadRequest(f"`{where}` is missing", param=where)
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
        echoes = message.keys() - _KNOWN - _ASSISTANT - _ASKING
        self._notes.sort(message, _KNOWN | _ASSISTANT, echoes, "messages[].")
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
            name = _string(legacy, "name", f"{place}.function_call")
            called.append(self._noted(f"call_{len(self._names)}_{name}", name, legacy, None))
        return (*joined(thoughts(message.get("reasoning_details"), text)), *said, *called)

    def _call(self, call: dict[str, Json], place: str) -> ToolCall | Opaque:
        function = call.get("function")
        if call.get("type", "function") != "function":
            return Opaque("chat", str(call["type"]))
        if not isinstance(function, dict):
            raise BadRequest(f"`{place}.function` must be an object", param=f"{place}.function")
        name = _string(function, "name", f"{place}.function")
        return self._noted(
            _string(call, "id", place), name, function, calls.proof(call.get("extra_content"))
        )

    def _noted(
        self, call_id: str, name: str, function: dict[str, Json], signature: str | None
    ) -> ToolCall:
        self._names[call_id] = name
        return ToolCall(call_id, name, calls.arguments(function.get("arguments")), signature)

    def _called(self, name: str) -> str:
        """The id of the last call of a function, which the legacy shape answers by its name."""
        return next((i for i, each in reversed(self._names.items()) if each == name), name)

    def _rest(self, message: dict[str, Json], known: frozenset[str]) -> None:
        self._notes.sort(message, known, frozenset(), "messages[].")


def _role(role: Json) -> Role:
    match role:
        case "system" | "developer":
            return role
    return "user"


def _string(value: dict[str, Json], name: str, place: str) -> str:
    found = members.text(value, name, f"{place}.{name}")
    if found is None:
        raise BadRequest(f"`{place}.{name}` is missing", param=f"{place}.{name}")
    return found
