"""Tools, the choice among them and the form of the answer, read and written."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.conversation import Opaque, OutputFormat, Tool, ToolChoice
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.losses import Losses, Notes
from pointsman.types import Json

_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_TOOL = frozenset({"type", "function", "cache_control"})
_SCHEMA = frozenset({"name", "schema", "strict", "description"})


def read(value: dict[str, Json], notes: Notes) -> tuple[Tool | Opaque, ...]:
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
            notes.strangers(tool, _TOOL, place="tools[].")
            found.append(_function(function, f"tools[{i}].function", notes, tool))
    for i, function in enumerate(members.objects(value, "functions")):
        found.append(_function(function, f"functions[{i}]", notes, {}))
    return tuple(found)


def read_choice(value: dict[str, Json], notes: Notes) -> ToolChoice | None:
    """`tool_choice`, and the legacy `function_call`."""
    name = "function_call" if value.get("tool_choice") is None else "tool_choice"
    match value.get(name):
        case None:
            return None
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case "any":  # Mistral's word
            return ToolChoice("required")
        case dict() as choice:
            found = _read_choice(choice, f"{name}.", notes)
        case _:
            found = None
    if found is None:
        notes.matter(name)
    return found


def read_output(value: dict[str, Json], notes: Notes) -> OutputFormat | None:
    """`response_format`. Raises BadRequest."""
    stated = members.typed(value, "response_format", dict, "an object")
    known = {"type"}
    match stated:
        case None:
            return None
        case {"type": "text"}:
            found = None
        case {"type": "json_object", "schema": dict(schema)}:  # llama.cpp's and Together's way
            known.add("schema")
            found = OutputFormat("json_schema", schema=schema)
        case {"type": "json_object"}:
            found = OutputFormat("json_object")
        case {"type": "json_schema", "json_schema": dict(wanted)}:
            known.add("json_schema")
            found = _read_schema(wanted, "response_format.json_schema", notes)
        case _:
            notes.matter("response_format")
            return None
    notes.rest(stated, known, place="response_format.")
    return found


def write(
    tools: Sequence[Tool | Opaque], choice: ToolChoice | None, quirks: Quirks, losses: Losses
) -> dict[str, Json]:
    """`tools` and `tool_choice`, which says nothing without them and is refused by OpenAI then.

    Raises Inexpressible for tools that only another format knows.
    """
    written: list[Json] = []
    for tool in tools:
        if isinstance(tool, Opaque):
            losses.refuse_opaque(tool)
        elif _is_sent(tool.name, choice, quirks):
            written.append(_written(tool, quirks, losses))
    if not written or not losses.keeps("tools"):
        return {}
    body: dict[str, Json] = {"tools": written}
    if choice is not None and losses.keeps("tool_choice"):
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


def _read_choice(choice: dict[str, Json], place: str, notes: Notes) -> ToolChoice | None:
    match choice:
        case {"type": "function", "function": dict(function)} if isinstance(
            wanted := function.get("name"), str
        ):
            notes.rest(choice, {"type", "function"}, place=place)
            notes.rest(function, {"name"}, place=place)
            return ToolChoice("required", (wanted,))
        case {"name": str(wanted)}:
            notes.rest(choice, {"type", "name"}, place=place)
            return ToolChoice("required", (wanted,))
        case {"type": "allowed_tools", "allowed_tools": dict(allowed)}:
            notes.rest(choice, {"type", "allowed_tools"}, place=place)
            notes.rest(allowed, {"mode", "tools"}, place=place)
            return _read_allowed(allowed)
    return None


def _read_allowed(allowed: dict[str, Json]) -> ToolChoice | None:
    match allowed:
        case {"mode": ("auto" | "required") as mode, "tools": [*tools]}:
            names = tuple(name for tool in tools if (name := _name(tool)))
            return ToolChoice(mode, names) if len(names) == len(tools) else None
    return None


def _read_schema(wanted: dict[str, Json], place: str, notes: Notes) -> OutputFormat:
    notes.rest(wanted, _SCHEMA, place=f"{place}.")
    return OutputFormat(
        "json_schema",
        name=members.text(wanted, "name", f"{place}.name") or "output",
        schema=wanted.get("schema"),
        strict=members.optional_flag(wanted, "strict", f"{place}.strict"),
        description=members.text(wanted, "description", f"{place}.description"),
    )


def _function(function: dict[str, Json], place: str, notes: Notes, tool: dict[str, Json]) -> Tool:
    name = members.required(function, "name", place)
    notes.strangers(function, _FUNCTION, place="tools[].")
    return Tool(
        name,
        description=members.text(function, "description", f"{place}.description"),
        schema=function.get("parameters"),
        strict=members.optional_flag(function, "strict", f"{place}.strict"),
        cache_control=tool.get("cache_control"),
    )


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
        losses.leave_out("cache_control")
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
