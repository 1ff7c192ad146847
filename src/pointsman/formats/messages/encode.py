"""A conversation as a Messages request."""

from __future__ import annotations

import msgspec

from pointsman.conversation import (
    Addressee,
    Conversation,
    Encoded,
    Opaque,
    OutputFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from pointsman.formats.losses import Losses
from pointsman.formats.messages import models, turns
from pointsman.formats.messages.models import Takes
from pointsman.formats.messages.reasoning import set_reasoning
from pointsman.types import Json

#: Tokens, sent where neither the client nor the configuration sets a limit: the format must have
#: one, and every Claude since 3 takes this much (Anthropic's overview of models).
DEFAULT_MAX_TOKENS = 4096

#: Parameters with words here, and without; and the value that says no more than its absence does.
_SAID: tuple[tuple[str, Json], ...] = (("temperature", 1), ("top_p", 1), ("top_k", None))
_UNSAID: tuple[tuple[str, Json], ...] = (
    ("n", 1),
    ("seed", None),
    ("min_p", 0),
    ("frequency_penalty", 0),
    ("presence_penalty", 0),
    ("logprobs", False),
)


def encode(conversation: Conversation, to: Addressee) -> Encoded:
    """The request, translated. Raises Inexpressible.

    Where a Claude model refuses what the format could say (sampling, forced tools, a last message
    of the assistant's; see `models`), so does this.
    """
    takes = models.takes(to.model)
    losses = Losses.of(conversation, to, "Anthropic messages")
    asked = conversation.sampling.max_tokens
    limit = asked if asked and losses.keeps("max_tokens") else to.max_output_tokens
    system, messages = turns.write(conversation.messages, takes, losses)
    body: dict[str, object] = {
        "model": to.model,
        "max_tokens": limit or DEFAULT_MAX_TOKENS,
        "messages": messages,
    }
    if system:
        body["system"] = system
    _set_sampling(body, conversation.sampling, takes, losses)
    _set_tools(body, conversation, takes, losses)
    _set_output(body, conversation.output, losses)
    if conversation.reasoning and losses.keeps("reasoning_effort"):
        set_reasoning(body, conversation.reasoning, takes, losses)
    if conversation.verbosity is not None:
        losses.leave_out("verbosity")
    if conversation.user is not None and losses.keeps("user"):
        body["metadata"] = {"user_id": conversation.user}
    if conversation.stream:
        body["stream"] = True
    return Encoded(msgspec.json.encode(body | dict(to.extra)), losses.left_out)


def _set_sampling(
    body: dict[str, object], sampling: Sampling, takes: Takes, losses: Losses
) -> None:
    _refuse_unsaid(sampling, losses)
    for name, default in _SAID:
        value = getattr(sampling, name)
        if value is None or value == default or not losses.keeps(name):
            continue
        if not takes.sampling:
            losses.refuse(name, f"`{name}` for {body['model']}")
        elif name == "temperature" and value > 1:
            losses.refuse(name, "a `temperature` over 1")
        else:
            body[name] = value
    if sampling.stop and losses.keeps("stop"):
        if not all(each.strip() for each in sampling.stop):
            losses.refuse("stop", "a `stop` of nothing but white space")
        body["stop_sequences"] = sampling.stop


def _refuse_unsaid(sampling: Sampling, losses: Losses) -> None:
    for name, default in _UNSAID:
        value = getattr(sampling, name)
        if value is not None and value != default:
            losses.refuse(name)
    if sampling.logit_bias:
        losses.refuse("logit_bias")


def _set_tools(
    body: dict[str, object], conversation: Conversation, takes: Takes, losses: Losses
) -> None:
    """Tools and the choice among them; where only some may be called, only those are sent."""
    if not conversation.tools or not losses.keeps("tools"):
        return
    for tool in conversation.tools:
        if isinstance(tool, Opaque):
            losses.refuse_opaque(tool)
    tools = [tool for tool in conversation.tools if isinstance(tool, Tool)]
    choice = conversation.tool_choice
    if choice is not None and not losses.keeps("tool_choice"):
        choice = None
    if choice and choice.names and not _forces_one(choice):
        tools = [tool for tool in tools if tool.name in choice.names]
    if choice and choice.mode == "required" and not takes.forced_tools:
        losses.refuse("tool_choice", f"a `tool_choice` that forces a call, for {body['model']}")
        choice = None
    body["tools"] = [_tool(tool) for tool in tools]
    written = _choice(choice)
    if conversation.parallel_tool_calls is False and losses.keeps("parallel_tool_calls"):
        written = written or {"type": "auto"}
        if written["type"] != "none":
            written["disable_parallel_tool_use"] = True
    if written:
        body["tool_choice"] = written


def _forces_one(choice: ToolChoice) -> bool:
    return choice.mode == "required" and len(choice.names) == 1


def _choice(choice: ToolChoice | None) -> dict[str, Json] | None:
    if choice is None:
        return None
    if _forces_one(choice):
        return {"type": "tool", "name": choice.names[0]}
    return {"type": {"auto": "auto", "none": "none", "required": "any"}[choice.mode]}


def _tool(tool: Tool) -> dict[str, Json]:
    written: dict[str, Json] = {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.schema or {"type": "object", "properties": {}},
        "strict": tool.strict,
        "cache_control": tool.cache_control,
    }
    return {name: member for name, member in written.items() if member is not None}


def _set_output(body: dict[str, object], output: OutputFormat | None, losses: Losses) -> None:
    """JSON by a schema, which is always kept to; its description goes into the schema."""
    if output is None or not losses.keeps("response_format"):
        return
    if output.kind == "json_object" or not isinstance(output.schema, dict):
        losses.refuse("response_format", "a `response_format` without a schema")
        return
    schema = output.schema
    if output.description is not None:
        schema = {"description": output.description, **schema}
    body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
