"""A Messages request as a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.conversation import (
    Conversation,
    Effort,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Sampling,
    Tool,
    ToolChoice,
    ToolResult,
)
from pointsman.formats import members
from pointsman.formats.losses import Notes
from pointsman.formats.messages import shape
from pointsman.formats.messages.parts import Blocks, says
from pointsman.formats.messages.shape import Spoken
from pointsman.types import Json, ModelRequest

_SAID = frozenset(
    {"model", "messages", "system", "max_tokens", "stop_sequences", "stream", "temperature"}
    | {"top_p", "top_k", "metadata", "tools", "tool_choice", "thinking", "output_config"}
    | {"output_format"}
)
#: With no effect on what is answered: bookkeeping, prices, speed, and the provider's own care of
#: its prompt cache and of conversations that grow too long.
_ADVISORY = frozenset(
    {"service_tier", "speed", "context_management", "cache_control", "diagnostics", "betas"}
    | {"anthropic_beta", "anthropic_version", "user_profile_id", "workspace_id"}
    | {"billing_policy", "fallbacks", "fallback_credit_token"}
)
_MESSAGE = frozenset({"role", "content", "clear_at"})
_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_TOOL_HINTS = frozenset({"defer_loading", "eager_input_streaming", "input_examples"})
_EFFORTS: Mapping[str, Effort] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def conversation(request: ModelRequest) -> Conversation:
    """The request in full. Raises BadRequest.

    A system message that was to be read up to the next user message (`clear_at`) is left out once
    there is one, as the model would no longer see it.
    """
    value: dict[str, Json] = {
        name: msgspec.json.decode(member) for name, member in request.members.items()
    }
    notes = Notes(says)
    notes.rest(value, _SAID, _ADVISORY)
    blocks = Blocks(notes)
    messages = (*_system(value, blocks), *_messages(shape.spoken(value), blocks, notes))
    tools = tuple(_tool(tool, notes, i) for i, tool in enumerate(members.objects(value, "tools")))
    choice, parallel = _tool_choice(value, notes)
    effort, output = _output(value, notes)
    return Conversation(
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=output,
        sampling=_sampling(value, notes),
        reasoning=_reasoning(value, effort, notes),
        stream=request.stream,
        user=_user(value, notes),
        advisory=notes.advisory,
        foreign=notes.foreign,
    )


def _system(value: dict[str, Json], blocks: Blocks) -> Sequence[Message]:
    said = tuple(blocks.read(block, f"system.{i}") for i, block in enumerate(shape.system(value)))
    return [Message("system", said)] if said else []


def _messages(said: list[Spoken], blocks: Blocks, notes: Notes) -> list[Message]:
    last_user = max((i for i, each in enumerate(said) if each.role == "user"), default=-1)
    found: list[Message] = []
    for i, each in enumerate(said):
        notes.rest(each.message, _MESSAGE, {"output_config"}, place="messages[].")
        if each.message.get("clear_at") == "next_user_message" and i < last_user:
            continue
        found += _message(each, blocks)
    return found


def _message(said: Spoken, blocks: Blocks) -> list[Message]:
    read = [blocks.read(block, f"{said.place}.content.{i}") for i, block in enumerate(said.blocks)]
    if said.role == "assistant":
        return [Message("assistant", tuple(read))]
    if said.role == "system":
        return [Message("system", tuple(read))] if read else []
    results: list[Part] = [part for part in read if isinstance(part, ToolResult)]
    others = [part for part in read if not isinstance(part, ToolResult)]
    found = [Message("tool", tuple(results))] if results else []
    return [*found, Message("user", tuple(others))] if others or not found else found


def _tool(tool: dict[str, Json], notes: Notes, i: int) -> Tool | Opaque:
    kind = members.text(tool, "type", f"tools.{i}.type") or "custom"
    if kind != "custom":
        return Opaque("messages", kind)
    notes.rest(tool, _TOOL, _TOOL_HINTS, place="tools[].")
    strict = tool.get("strict")
    return Tool(
        name=shape.text(tool, "name", f"tools.{i}"),
        description=members.text(tool, "description", f"tools.{i}.description"),
        schema=shape.mapping(tool, "input_schema", f"tools.{i}"),
        strict=strict if isinstance(strict, bool) else None,
        cache_control=tool.get("cache_control"),
    )


def _tool_choice(value: dict[str, Json], notes: Notes) -> tuple[ToolChoice | None, bool | None]:
    choice = members.typed(value, "tool_choice", dict, "an object")
    if choice is None:
        return None, None
    notes.rest(choice, {"type", "name", "disable_parallel_tool_use"}, place="tool_choice.")
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    match choice.get("type"):
        case "auto":
            return ToolChoice("auto"), parallel
        case "any":
            return ToolChoice("required"), parallel
        case "none":
            return ToolChoice("none"), parallel
        case "tool":
            name = shape.text(choice, "name", "tool_choice")
            return ToolChoice("required", (name,)), parallel
    raise shape.wrong("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'")


def _output(value: dict[str, Json], notes: Notes) -> tuple[Effort | None, OutputFormat | None]:
    config = members.typed(value, "output_config", dict, "an object") or {}
    notes.rest(config, {"effort", "format"}, place="output_config.")
    effort = config.get("effort")
    if effort is not None and effort not in _EFFORTS:
        choices = "'low', 'medium', 'high', 'xhigh' or 'max'"
        raise shape.wrong("output_config.effort", f"Input should be {choices}")
    wanted = config.get("format") or value.get("output_format")
    if wanted is None:
        output = None
    elif isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        schema = shape.mapping(wanted, "schema", "output_config.format")
        notes.rest(wanted, {"type", "schema"}, place="output_config.format.")
        output = OutputFormat("json_schema", schema=schema)
    else:
        raise shape.wrong("output_config.format.type", "Input should be 'json_schema'")
    return _EFFORTS[effort] if isinstance(effort, str) else None, output


def _sampling(value: dict[str, Json], notes: Notes) -> Sampling:
    limit = members.whole(value, "max_tokens")
    if limit == 0:  # fill the prompt cache and say nothing: no other format has that
        notes.matter("max_tokens")
    return Sampling(
        max_tokens=limit or None,
        temperature=members.number(value, "temperature"),
        top_p=members.number(value, "top_p"),
        top_k=members.whole(value, "top_k"),
        stop=_stop(value),
    )


def _stop(value: dict[str, Json]) -> tuple[str, ...]:
    stop = members.typed(value, "stop_sequences", list, "an array") or []
    found = tuple(each for each in stop if isinstance(each, str))
    if len(found) != len(stop):
        raise shape.wrong("stop_sequences", "Input should be a valid list of strings")
    return found


def _reasoning(value: dict[str, Json], effort: Effort | None, notes: Notes) -> Reasoning | None:
    thinking = members.typed(value, "thinking", dict, "an object")
    if thinking is None:
        return Reasoning(effort=effort) if effort else None
    known = {"type", "display", "budget_tokens"}
    notes.rest(thinking, known, {"block_binding"}, place="thinking.")
    display = thinking.get("display")
    visible = None if display is None else display != "omitted"
    match thinking.get("type"):
        case "disabled" | "between_tools":
            if effort:
                notes.hint("output_config.effort")
            return Reasoning(effort="none")
        case "adaptive":
            return Reasoning(effort=effort, adaptive=True, visible=visible)
        case "enabled":
            budget = members.whole(thinking, "budget_tokens", least=1)
            if budget is None:
                raise shape.missing("thinking.budget_tokens")
            return Reasoning(effort=effort, budget_tokens=budget, visible=visible)
    notes.matter("thinking")
    return None


def _user(value: dict[str, Json], notes: Notes) -> str | None:
    metadata = members.typed(value, "metadata", dict, "an object") or {}
    if metadata.keys() - {"user_id"}:
        notes.hint("metadata")
    return members.text(metadata, "user_id", "metadata.user_id")
