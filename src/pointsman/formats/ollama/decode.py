"""Requests to `/api/chat` and `/api/generate` as the canonical form."""

from __future__ import annotations

from typing import TypeGuard, get_args

import msgspec
from msgspec.structs import replace

from pointsman.conversation import (
    Conversation,
    Effort,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Text,
    Tool,
)
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.losses import Notes
from pointsman.formats.ollama import options, turns
from pointsman.formats.ollama.request import images
from pointsman.types import Json, ModelRequest

_COMMON = frozenset({"model", "stream", "format", "options", "think", "logprobs", "top_logprobs"})
_CHAT = _COMMON | {"messages", "tools"}
_GENERATE = _COMMON | {"prompt", "system", "images"}
#: What bypasses the conversation, or asks for a picture.
_MATTERS = frozenset({"suffix", "template", "raw", "width", "height", "steps"})
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})


def chat(request: ModelRequest) -> Conversation:
    """A checked chat request in full. Raises BadRequest."""
    value = _value(request)
    notes = Notes(options.is_set)
    notes.strangers(value, _CHAT)
    messages = turns.read(members.objects(value, "messages"), notes)
    if not messages:
        raise BadRequest("`messages` is empty: there is nothing to answer", param="messages")
    tools = tuple(_tool(tool, notes) for tool in members.objects(value, "tools"))
    return _conversation(value, messages, tools, notes, stream=request.stream)


def generate(request: ModelRequest) -> Conversation:
    """A checked generate request in full. Raises BadRequest.

    `suffix`, `template` and `raw` prompts bypass the conversation, and so are foreign.
    """
    value = _value(request)
    notes = Notes(options.is_set)
    notes.strangers(value, _GENERATE, _MATTERS)
    system = members.text(value, "system")
    pictures = tuple(turns.image(data) for data in images(value, "images"))
    prompt = members.text(value, "prompt")
    if not prompt:
        raise BadRequest("`prompt` is empty: there is nothing to answer", param="prompt")
    asked = Message("user", (*pictures, Text(prompt)))
    before = (Message("system", (Text(system),)),) if system else ()
    return _conversation(value, (*before, asked), (), notes, stream=request.stream)


def _value(request: ModelRequest) -> dict[str, Json]:
    return {name: msgspec.json.decode(member) for name, member in request.members.items()}


def _conversation(
    value: dict[str, Json],
    messages: tuple[Message, ...],
    tools: tuple[Tool | Opaque, ...],
    notes: Notes,
    *,
    stream: bool,
) -> Conversation:
    drawn = options.read(members.typed(value, "options", dict, "an object") or {}, notes)
    most = members.whole(value, "top_logprobs") or None
    if members.flag(value, "logprobs"):
        drawn = replace(drawn, logprobs=True, top_logprobs=most)
    elif most:
        notes.hint("top_logprobs")
    return Conversation(
        messages=messages,
        tools=tools,
        output=_output(value.get("format")),
        sampling=drawn,
        reasoning=_reasoning(value.get("think"), notes),
        stream=stream,
        advisory=notes.advisory,
        foreign=notes.foreign,
    )


def _tool(tool: dict[str, Json], notes: Notes) -> Tool | Opaque:
    kind = tool.get("type") or "function"
    function = tool.get("function")
    if kind != "function" or not isinstance(function, dict):
        return Opaque("ollama", str(kind))
    notes.strangers(tool, {"type", "function"}, place="tools[].")
    notes.strangers(function, _FUNCTION, place="tools[].")
    return Tool(
        members.text(function, "name", "tools[].function.name") or "",
        members.text(function, "description", "tools[].function.description"),
        function.get("parameters"),
        members.flag(function, "strict", "tools[].function.strict") or None,
    )


def _output(shape: Json) -> OutputFormat | None:
    if isinstance(shape, dict):
        return OutputFormat("json_schema", schema=shape)
    return OutputFormat("json_object") if shape == "json" else None


def _reasoning(think: Json, notes: Notes) -> Reasoning | None:
    """Like Ollama, which reads `true` as `medium` where a model knows levels."""
    if think is None or think == "":
        return None
    if isinstance(think, bool):
        return Reasoning("medium" if think else "none")
    if not _is_effort(think):
        notes.matter("think")
        return None
    return Reasoning(think)


def _is_effort(level: Json) -> TypeGuard[Effort]:
    return level in get_args(Effort)
