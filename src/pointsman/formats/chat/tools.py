"""Tools, the choice among them and the form of the answer, read and written."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.conversation import Opaque, OutputFormat, Tool, ToolChoice
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.chat.notes import Leftovers, Losses
from pointsman.formats.chat.quirks import Quirks
from pointsman.types import Json

_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_TOOL = frozenset({"type", "function", "cache_control"})


def read(value: dict[str, Json], notes: Leftovers) -> tuple[Tool | Opaque, ...]:
    """`tools`, and the legacy `functions`. Raises BadRequest."""
    found: list[Tool | Opaque] = []
    for i, tool in enumerate(members.objects(value, "tools")):
        function = tool.get("function")
        kind = tool.get("type")
        if kind != "function":
            found.append(Opaque("chat", str(kind)))
        elif not isinstance(function, dict):
            raise BadRequest(f"`tools[{i}].function` must be an object", param=f"tools[{i}]")
        else:
            notes.sort(tool, _TOOL, frozenset(), "tools[].")
            found.append(_function(function, f"tools[{i}].function", notes, tool))
    for i, function in enumerate(members.objects(value, "functions")):
        found.append(_function(function, f"functions[{i}]", notes, {}))
    return tuple(found)


def read_choice(value: dict[str, Json], notes: Leftovers) -> ToolChoice | None:
    """`tool_choice`, and the legacy `function_call`."""
    name = "function_call" if value.get("tool_choice") is None else "tool_choice"
    choice = value.get(name)
    match choice:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(choice)
        case "any":  # Mistral's word
            return ToolChoice("required")
        case {"type": "function", "function": {"name": str(wanted)}} | {"name": str(wanted)}:
            return ToolChoice("required", (wanted,))
        case {
            "type": "allowed_tools",
            "allowed_tools": {"mode": ("auto" | "required") as mode, "tools": list(allowed)},
        }:
            names = [_name(tool) for tool in allowed]
            if all(names):
                return ToolChoice(mode, tuple(name for name in names if name))
    notes.foreign.append(name)
    return None


def read_output(value: dict[str, Json], notes: Leftovers) -> OutputFormat | None:
    """`response_format`. Raises BadRequest."""
    stated = members.typed(value, "response_format", dict, "an object")
    match stated:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object", "schema": dict(schema)}:  # llama.cpp's and Together's way
            return OutputFormat("json_schema", schema=schema)
        case {"type": "json_object"}:
            return OutputFormat("json_object")
        case {"type": "json_schema", "json_schema": dict(wanted)}:
            place = "response_format.json_schema"
            return OutputFormat(
                "json_schema",
                name=members.text(wanted, "name", f"{place}.name") or "output",
                schema=wanted.get("schema"),
                strict=_flag(wanted, place),
                description=members.text(wanted, "description", f"{place}.description"),
            )
    notes.foreign.append("response_format")
    return None


def write(
    tools: Sequence[Tool | Opaque], choice: ToolChoice | None, quirks: Quirks, losses: Losses
) -> dict[str, Json]:
    """`tools` and `tool_choice`. Raises Inexpressible for tools that only another format knows."""
    written: list[Json] = []
    for tool in tools:
        if isinstance(tool, Opaque):
            losses.matter(tool.kind, f"the tool `{tool.kind}`")
        elif _is_sent(tool.name, choice, quirks):
            written.append(_written(tool, quirks, losses))
    body: dict[str, Json] = {"tools": written} if written else {}
    if choice is not None:
        body["tool_choice"] = _written_choice(choice, quirks)
    return body


def write_output(output: OutputFormat) -> Json:
    """`response_format`."""
    if output.kind == "json_object":
        return {"type": "json_object"}
    wanted: dict[str, Json] = {"name": output.name, "schema": output.schema}
    if output.strict is not None:
        wanted["strict"] = output.strict
    if output.description is not None:
        wanted["description"] = output.description
    return {"type": "json_schema", "json_schema": wanted}


def _function(
    function: dict[str, Json], place: str, notes: Leftovers, tool: dict[str, Json]
) -> Tool:
    name = members.text(function, "name", f"{place}.name")
    if not name:
        raise BadRequest(f"`{place}.name` is missing", param=f"{place}.name")
    notes.sort(function, _FUNCTION, frozenset(), "tools[].function.")
    return Tool(
        name,
        description=members.text(function, "description", f"{place}.description"),
        schema=function.get("parameters"),
        strict=_flag(function, place),
        cache_control=tool.get("cache_control"),
    )


def _flag(value: dict[str, Json], place: str) -> bool | None:
    """`strict`, which may be left open."""
    return None if value.get("strict") is None else members.flag(value, "strict", f"{place}.strict")


def _name(tool: Json) -> str | None:
    match tool:
        case {"type": "function", "function": {"name": str(name)}}:
            return name
    return None


def _is_sent(name: str, choice: ToolChoice | None, quirks: Quirks) -> bool:
    """Whether a tool is sent: others than those allowed are kept back where no choice says so."""
    if choice is None or not choice.names or quirks.allowed_tools or _is_forced(choice):
        return True
    return name in choice.names


def _is_forced(choice: ToolChoice) -> bool:
    return choice.mode == "required" and len(choice.names) == 1


def _written(tool: Tool, quirks: Quirks, losses: Losses) -> Json:
    function: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.schema is not None:
        function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    written: dict[str, Json] = {"type": "function", "function": function}
    if tool.cache_control is not None and quirks.cache_control:
        written["cache_control"] = tool.cache_control
    elif tool.cache_control is not None:
        losses.hint("cache_control")
    return written


def _written_choice(choice: ToolChoice, quirks: Quirks) -> Json:
    functions: list[Json] = [
        {"type": "function", "function": {"name": name}} for name in choice.names
    ]
    if _is_forced(choice):
        return functions[0]
    if choice.names and choice.mode != "none" and quirks.allowed_tools:
        allowed: Json = {"mode": choice.mode, "tools": functions}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    return choice.mode
