"""The canonical form as a request to `/api/chat`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.conversation import (
    Addressee,
    Conversation,
    Effort,
    Encoded,
    Opaque,
    OutputFormat,
    Reasoning,
    Tool,
    ToolChoice,
)
from pointsman.formats.losses import Losses
from pointsman.formats.ollama import options, turns
from pointsman.formats.ollama.request import configured
from pointsman.formats.reasoning import effort_wanted
from pointsman.types import Json

#: The levels that Ollama 0.35 takes for every model that thinks (server/thinking.go). `true`, the
#: only word that models without levels and older servers know, is what it reads as `medium`.
_THINK: Mapping[Effort, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": True,
    "high": "high",
    "xhigh": "max",
    "max": "max",
}


def encode(conversation: Conversation, to: Addressee) -> Encoded:
    """The request, translated. Raises Inexpressible for what Ollama can't say.

    Left to itself, Ollama drops the oldest messages of a prompt that is too long: `truncate: false`
    makes that an error.
    """
    losses = Losses.of(conversation, to, "Ollama")
    if conversation.user is not None:
        losses.leave_out("user")
    if conversation.verbosity is not None:
        losses.leave_out("verbosity")
    wish = conversation.sampling
    tools = _tools(conversation.tools, conversation.tool_choice, losses)
    if conversation.parallel_tool_calls is False and tools:
        losses.refuse("parallel_tool_calls")
    body: dict[str, Json] = {
        "model": to.model,
        "messages": turns.write(conversation.messages, losses),
        "stream": conversation.stream,
        "truncate": False,
    }
    if tools:
        body["tools"] = tools
    if conversation.output is not None and losses.keeps("response_format"):
        body["format"] = _format(conversation.output, losses)
    if conversation.reasoning is not None:
        body |= _think(conversation.reasoning, losses)
    if wish.logprobs and losses.keeps("logprobs"):
        body["logprobs"] = True
        body |= {"top_logprobs": wish.top_logprobs} if wish.top_logprobs else {}
    extra, extra_options = configured(to)
    chosen = options.write(wish, losses) | extra_options
    body |= {"options": chosen} if chosen else {}
    return Encoded(msgspec.json.encode(body | extra), losses.left_out)


def _tools(tools: Sequence[Tool | Opaque], choice: ToolChoice | None, losses: Losses) -> list[Json]:
    """The tools on offer. Ollama's models always choose for themselves among them."""
    if choice is not None and choice.mode == "required":
        losses.refuse("tool_choice")
    elif choice is not None and choice.mode == "none" and tools:
        losses.leave_out("tools")
        return []
    if tools and not losses.keeps("tools"):
        return []
    allowed = choice.names if choice is not None and choice.mode == "auto" else ()
    written: list[Json] = []
    for tool in tools:
        if isinstance(tool, Opaque):
            losses.refuse_opaque(tool)
        elif not allowed or tool.name in allowed:
            written.append(_tool(tool, losses))
    return written


def _tool(tool: Tool, losses: Losses) -> Json:
    if tool.cache_control is not None:
        losses.leave_out("cache_control")
    if tool.strict:
        losses.leave_out("strict")
    nothing: Json = {"type": "object", "properties": {}}
    function: dict[str, Json] = {"name": tool.name}
    function |= {"description": tool.description} if tool.description is not None else {}
    function["parameters"] = nothing if tool.schema is None else tool.schema
    return {"type": "function", "function": function}


def _format(output: OutputFormat, losses: Losses) -> Json:
    """A schema is always kept to, strict or not; its name and description are not said."""
    if output.kind == "json_object" or output.schema is None:
        return "json"
    if output.description is not None:
        losses.leave_out("response_format.description")
    if not isinstance(output.schema, dict):
        losses.refuse("response_format", "a schema that is no object")
        return "json"
    return output.schema


def _think(wish: Reasoning, losses: Losses) -> dict[str, Json]:
    """`think`, by the table above. Models that can choose to think do so where it is not said."""
    if wish.visible is False:
        losses.leave_out("reasoning.visible")
    effort = effort_wanted(wish)
    if wish.adaptive:
        losses.leave_out("adaptive_thinking")
    if effort is None or not losses.keeps("reasoning_effort"):
        return {}
    return {"think": _THINK[effort]}
