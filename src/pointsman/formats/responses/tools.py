"""Tools and the choice among them; functions in namespaces get flat names, and theirs back.

Codex offers functions in groups (`{"type": "namespace", "name": "mcp__docs", "tools": [...]}`) and
finds a called one by `namespace` and `name` of the call. Other formats know flat names only:
`mcp__docs__search`, joined the way Codex itself joins them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from pointsman.conversation import Opaque, Tool, ToolChoice
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.losses import Notes
from pointsman.types import Json

FORMAT = "responses"
#: Characters of a function's name (OpenAI's and Anthropic's references).
_LONGEST_NAME = 64
#: The client's own tools, and the provider's searches.
_OWN = frozenset({"function", "namespace"})
_SEARCHES = frozenset({"web_search", "web_search_preview"})
_FUNCTION = frozenset({"type", "name", "description", "parameters", "strict"})


class Names(msgspec.Struct, frozen=True):
    """The flat names of functions in namespaces."""

    #: (namespace, name) -> flat name.
    flat: Mapping[tuple[str, str], str] = msgspec.field(default_factory=dict)

    def flattened(self, name: str, namespace: str | None) -> str:
        """What a function is called elsewhere."""
        if not namespace:
            return name
        return self.flat.get((namespace, name)) or _flat(namespace, name, frozenset())

    def original(self, flat: str) -> tuple[str, str | None]:
        """A function's name and namespace, as the client knows it."""
        for (namespace, name), each in self.flat.items():
            if each == flat:
                return name, namespace
        return flat, None


class Offer(msgspec.Struct, frozen=True):
    """The tools of a request."""

    tools: tuple[Tool | Opaque, ...] = ()
    names: Names = msgspec.field(default_factory=Names)


def offer(value: dict[str, Json], notes: Notes) -> Offer:
    """The request's tools. Raises BadRequest that names the member at fault."""
    listed = members.objects(value, "tools")
    names = _names(listed)
    functions = any(tool.get("type") in _OWN for tool in listed)
    tools: list[Tool | Opaque] = []
    for i, tool in enumerate(listed):
        place = f"tools[{i}]"
        kind = members.text(tool, "type", f"{place}.type")
        if kind is None:
            raise BadRequest(f"`{place}` must be an object with a `type`", param=place)
        if _may_be_missed(tool, among_functions=functions):
            notes.hint(kind)
            continue
        if kind != "namespace":
            found = [(tool, place)]
            namespace = None
        else:
            inner = members.objects(tool, "tools", f"{place}.tools")
            found = [(each, f"{place}.tools[{j}]") for j, each in enumerate(inner)]
            notes.strangers(tool, {"type", "name", "tools"}, place="namespace.")
            namespace = members.text(tool, "name", f"{place}.name")
        for each, where in found:
            of = members.text(each, "type", f"{where}.type") or "function"
            function = of == "function"
            tools.append(
                _function(each, where, names, namespace, notes) if function else Opaque(FORMAT, of)
            )
    return Offer(tuple(tools), names)


def names_in(tools: bytes | None) -> Names:
    """The flat names for a request's raw `tools`, which were checked before."""
    if tools is None or b'"namespace"' not in tools:
        return Names()
    listed: list[dict[str, Json]] = msgspec.json.decode(tools)
    return _names(listed)


def choice(value: Json, names: Names, notes: Notes) -> ToolChoice | None:
    """The `tool_choice`; None where there is none, and where only this format can say it.

    Raises BadRequest for what is no choice at all.
    """
    match value:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(value)
        case dict() if isinstance(value.get("type"), str):
            found = _among(value, names, notes)
        case _:
            raise BadRequest(
                '`tool_choice` must be "auto", "none", "required" or an object with a `type`',
                param="tool_choice",
            )
    if found is None:
        notes.matter("tool_choice")
    return found


def _among(value: dict[str, Json], names: Names, notes: Notes) -> ToolChoice | None:
    match value:
        case {"type": "function"} if name := _chosen(value, names):
            return ToolChoice("required", (name,))
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode, "tools": [*chosen]}:
            notes.rest(value, {"type", "mode", "tools"}, place="tool_choice.")
            found = tuple(name for each in chosen if (name := _chosen(each, names)))
            if found and len(found) == len(chosen):
                return ToolChoice(mode, found)
    return None


def _chosen(value: Json, names: Names) -> str | None:
    match value:
        case {"type": "function", "name": str(name), **more} if not set(more) - {"namespace"}:
            namespace = more.get("namespace")
            return names.flattened(name, namespace if isinstance(namespace, str) else None)
    return None


def _may_be_missed(tool: dict[str, Json], *, among_functions: bool) -> bool:
    """Whether it is the provider's search, offered among functions or of its index alone.

    Coding agents offer it with every request, and a model without it answers as one that did not
    use it. Who offers nothing else wants to know what the web says: that stays in the way of a
    translation.
    """
    if tool.get("type") not in _SEARCHES:
        return False
    return among_functions or tool.get("external_web_access") is False


def _function(
    tool: dict[str, Json], place: str, names: Names, namespace: str | None, notes: Notes
) -> Tool:
    name = members.required(tool, "name", place)
    parameters = tool.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise BadRequest(f"`{place}.parameters` must be an object", param=f"{place}.parameters")
    notes.strangers(tool, _FUNCTION, {"allowed_callers"}, place="tools[].")
    return Tool(
        name=names.flattened(name, namespace),
        description=members.text(tool, "description", f"{place}.description"),
        schema=parameters,
        strict=members.optional_flag(tool, "strict", f"{place}.strict"),
    )


def _names(tools: list[dict[str, Json]]) -> Names:
    taken = {name for tool in tools if isinstance(name := tool.get("name"), str)}
    flat: dict[tuple[str, str], str] = {}
    for tool in tools:
        namespace, inner = tool.get("name"), tool.get("tools")
        if tool.get("type") != "namespace" or not isinstance(namespace, str):
            continue
        for each in inner if isinstance(inner, list) else []:
            name = each.get("name") if isinstance(each, dict) else None
            if isinstance(name, str) and (namespace, name) not in flat:
                flat[namespace, name] = _flat(namespace, name, frozenset(taken))
                taken.add(flat[namespace, name])
    return Names(flat)


def _flat(namespace: str, name: str, taken: frozenset[str]) -> str:
    flat = f"{namespace.rstrip('_')}__{name.lstrip('_')}"
    if len(flat) <= _LONGEST_NAME and flat not in taken:
        return flat
    mark = hashlib.blake2b(f"{namespace}\0{name}".encode(), digest_size=4).hexdigest()
    return f"{flat[: _LONGEST_NAME - len(mark) - 1]}_{mark}"
