"""A conversation as a generateContent request.

Tools and replies take JSON schemas whole (`parametersJsonSchema`, `responseJsonSchema`), so that no
keyword is lost on the way; what Google then enforces is its documentation's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pointsman.conversation import (
    Addressee,
    Conversation,
    Effort,
    Encoded,
    OutputFormat,
    Reasoning,
    Sampling,
    Tool,
    ToolChoice,
)
from pointsman.formats.gemini.contents import ContentsWriter
from pointsman.formats.gemini.generation import is_older, least_level, thinking_range
from pointsman.formats.losses import Losses
from pointsman.formats.reasoning import budget_wanted, effort_wanted
from pointsman.types import Json

#: generationConfig.stopSequences takes at most so many (its reference documentation).
MAX_STOPS: Final = 5
#: generationConfig.seed is an int32.
_SEEDS: Final = range(-(2**31), 2**31)
#: FunctionDeclaration.name, likewise.
_TOOL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
#: Efforts as levels; `none` and `minimal` are the least that a model takes. XHIGH is in Google's
#: client, but in no list of what a model takes: HIGH stands for it.
_LEVELS: Final[Mapping[Effort, str]] = {
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_MODES: Final = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def encode(conversation: Conversation, to: Addressee) -> Encoded:
    """The request's body. Raises Inexpressible for what this format can't say.

    Members of `to.extra` win; where both sides are objects (`generationConfig`) they are merged.
    """
    losses = Losses.of(conversation, to, "Gemini")
    if conversation.user is not None:
        losses.leave_out("user")
    if conversation.verbosity is not None:
        losses.leave_out("verbosity")
    writer = ContentsWriter(to.model, losses)
    instruction, contents = writer.written(conversation.messages)
    tools = _tools(conversation, losses)
    body: dict[str, Json] = {
        "contents": contents,
        "systemInstruction": {"parts": instruction} if instruction else None,
        "tools": [{"functionDeclarations": tools}] if tools else None,
        "toolConfig": _tool_config(conversation, losses) if tools else None,
        "generationConfig": {
            **_sampling(conversation.sampling, losses, stream=conversation.stream),
            **_output(conversation, to, losses),
            **_thinking(conversation.reasoning, to, losses),
        },
    }
    filled = {name: value for name, value in body.items() if value}
    return Encoded(msgspec.json.encode(_merged(filled, to.extra)), losses.left_out)


def _tools(conversation: Conversation, losses: Losses) -> list[Json]:
    """Declarations of the tools on offer: of a choice's, where it names some without forcing one."""
    if not conversation.tools or not losses.keeps("tools"):
        return []
    choice = conversation.tool_choice
    narrowed = choice.names if choice and choice.mode == "auto" else ()
    declared: list[Json] = []
    for tool in conversation.tools:
        if not isinstance(tool, Tool):
            losses.refuse_opaque(tool)
        elif not _TOOL_NAME.fullmatch(tool.name):
            losses.refuse("tools[].name", f"the tool name `{tool.name[:64]}`")
        elif not narrowed or tool.name in narrowed:
            declared.append(_declaration(tool, losses))
    return declared


def _declaration(tool: Tool, losses: Losses) -> Json:
    if tool.cache_control is not None:
        losses.leave_out("cache_control")
    declaration: dict[str, Json] = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    if tool.schema:
        declaration["parametersJsonSchema"] = tool.schema
    return declaration


def _tool_config(conversation: Conversation, losses: Losses) -> Json:
    """Whether to call, and which. Arguments that must fit their schema ask for mode VALIDATED."""
    strict = any(isinstance(tool, Tool) and tool.strict for tool in conversation.tools)
    choice = conversation.tool_choice or ToolChoice("auto")
    if conversation.parallel_tool_calls is False and choice.mode != "none":
        losses.refuse("parallel_tool_calls", "`parallel_tool_calls`: false")
    if conversation.tool_choice is not None and not losses.keeps("tool_choice"):
        return None
    mode = _MODES[choice.mode]
    if choice.mode == "auto" and strict:
        mode = "VALIDATED"
    elif conversation.tool_choice is None:
        return None
    config: dict[str, Json] = {"mode": mode}
    if choice.mode == "required" and choice.names:
        config["allowedFunctionNames"] = list(choice.names)
    return {"functionCallingConfig": config}


def _sampling(wish: Sampling, losses: Losses, *, stream: bool) -> dict[str, Json]:
    _refuse_sampling(wish, losses, stream=stream)
    return {
        member: value
        for member, name, value in _sampled(wish, stream=stream)
        if value is not None and losses.keeps(name)
    }


def _refuse_sampling(wish: Sampling, losses: Losses, *, stream: bool) -> None:
    """What Gemini has no words for."""
    if wish.min_p is not None:
        losses.refuse("min_p")
    if wish.logit_bias:
        losses.refuse("logit_bias")
    if wish.seed is not None and wish.seed not in _SEEDS:
        losses.refuse("seed", "a `seed` of over 32 bits")
    if len(wish.stop) > MAX_STOPS:
        losses.refuse("stop", f"more than {MAX_STOPS} stop sequences")
    if stream and wish.n is not None and wish.n > 1:
        losses.refuse("n", "`n` over 1 in a stream")


def _sampled(wish: Sampling, *, stream: bool) -> Iterator[tuple[str, str, Json]]:
    """Members of `generationConfig`: their names here and at clients, and their values."""
    yield "maxOutputTokens", "max_tokens", wish.max_tokens
    yield "temperature", "temperature", wish.temperature
    yield "topP", "top_p", wish.top_p
    yield "topK", "top_k", wish.top_k
    yield "presencePenalty", "presence_penalty", wish.presence_penalty
    yield "frequencyPenalty", "frequency_penalty", wish.frequency_penalty
    yield "seed", "seed", wish.seed
    yield "stopSequences", "stop", list(wish.stop) or None
    if not stream and wish.n is not None and wish.n > 1:
        yield "candidateCount", "n", wish.n
    if wish.logprobs:
        yield "responseLogprobs", "logprobs", True
        yield "logprobs", "logprobs", wish.top_logprobs or None


def _output(conversation: Conversation, to: Addressee, losses: Losses) -> dict[str, Json]:
    wish = conversation.output
    if wish is None:
        return {}
    if conversation.tools and is_older(to.model):
        losses.refuse("response_format", "JSON output beside tools")
        return {}
    if not losses.keeps("response_format"):
        return {}
    said: dict[str, Json] = {"responseMimeType": "application/json"}
    if wish.kind == "json_schema":
        said["responseJsonSchema"] = _schema(wish)
    return said


def _schema(wish: OutputFormat) -> Json:
    """The schema; the format's description goes into it where it has none of its own."""
    if wish.description and isinstance(wish.schema, dict):
        return {"description": wish.description, **wish.schema}
    return wish.schema


def _thinking(wish: Reasoning | None, to: Addressee, losses: Losses) -> dict[str, Json]:
    """Gemini 1 and 2 take tokens (-1 leaves it to the model), later ones a level.

    Budgets are held within what a model takes. Without an effort or a budget a model decides for
    itself, which is what `adaptive` asks for.
    """
    if wish is None or not losses.keeps("reasoning_effort"):
        return {}
    said: dict[str, Json] = {}
    if is_older(to.model):
        budget = budget_wanted(wish)
        if budget is not None:
            least, most = thinking_range(to.model)
            said["thinkingBudget"] = min(max(budget, least), most)
        elif wish.adaptive:
            said["thinkingBudget"] = -1
    else:
        effort = effort_wanted(wish)
        if effort is not None:
            said["thinkingLevel"] = _LEVELS.get(effort, least_level(to.model))
    if wish.visible is not None:
        said["includeThoughts"] = wish.visible
    return {"thinkingConfig": said} if said else {}


def _merged(body: Mapping[str, Json], extra: Mapping[str, Json]) -> dict[str, Json]:
    merged = dict(body)
    for name, value in extra.items():
        present = merged.get(name)
        if isinstance(present, dict) and isinstance(value, dict):
            merged[name] = _merged(present, value)
        else:
            merged[name] = value
    return merged
