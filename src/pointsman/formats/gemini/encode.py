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
from pointsman.formats.gemini.omissions import Omissions
from pointsman.formats.reasoning import budget_of, effort_of
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
    omissions = Omissions(to.drop)
    for name in conversation.foreign:
        omissions.refuse(f"`{name}`", name)
    omissions.note(*conversation.advisory)
    if conversation.user is not None:
        omissions.note("user")
    writer = ContentsWriter(to.model, omissions)
    instruction, contents = writer.written(conversation.messages)
    tools = _tools(conversation, omissions)
    body: dict[str, Json] = {
        "contents": contents,
        "systemInstruction": {"parts": instruction} if instruction else None,
        "tools": [{"functionDeclarations": tools}] if tools else None,
        "toolConfig": _tool_config(conversation, omissions) if tools else None,
        "generationConfig": {
            **_sampling(conversation.sampling, omissions, stream=conversation.stream),
            **_output(conversation, to, omissions),
            **_thinking(conversation.reasoning, to, omissions),
        },
    }
    filled = {name: value for name, value in body.items() if value}
    return Encoded(msgspec.json.encode(_merged(filled, to.extra)), omissions.names)


def _tools(conversation: Conversation, omissions: Omissions) -> list[Json]:
    """Declarations of the tools on offer: of a choice's, where it names some without forcing one."""
    if not omissions.wanted("tools"):
        return []
    choice = conversation.tool_choice
    narrowed = choice.names if choice and choice.mode == "auto" else ()
    declared: list[Json] = []
    for tool in conversation.tools:
        if not isinstance(tool, Tool):
            omissions.refuse(f"the tool `{tool.kind}`", tool.kind)
        elif not narrowed or tool.name in narrowed:
            declared.append(_declaration(tool, omissions))
    return declared


def _declaration(tool: Tool, omissions: Omissions) -> Json:
    if not _TOOL_NAME.fullmatch(tool.name):
        omissions.refuse(f"the tool name `{tool.name[:64]}`")
    if tool.cache_control is not None:
        omissions.note("cache_control")
    declaration: dict[str, Json] = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    if tool.schema:
        declaration["parametersJsonSchema"] = tool.schema
    return declaration


def _tool_config(conversation: Conversation, omissions: Omissions) -> Json:
    """Whether to call, and which. Arguments that must fit their schema ask for mode VALIDATED."""
    strict = any(isinstance(tool, Tool) and tool.strict for tool in conversation.tools)
    choice = conversation.tool_choice or ToolChoice("auto")
    if conversation.parallel_tool_calls is False and choice.mode != "none":
        names = ("parallel_tool_calls", "disable_parallel_tool_use")
        omissions.refuse("`parallel_tool_calls`: false", *names)
    if conversation.tool_choice is not None and not omissions.wanted("tool_choice"):
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


def _sampling(wish: Sampling, omissions: Omissions, *, stream: bool) -> dict[str, Json]:
    _refuse_sampling(wish, omissions, stream=stream)
    return {
        member: value
        for member, names, value in _sampled(wish, stream=stream)
        if value is not None and omissions.wanted(*names)
    }


def _refuse_sampling(wish: Sampling, omissions: Omissions, *, stream: bool) -> None:
    """What Gemini has no words for."""
    if wish.min_p is not None:
        omissions.refuse("`min_p`", "min_p")
    if wish.logit_bias:
        omissions.refuse("`logit_bias`", "logit_bias")
    if wish.seed is not None and wish.seed not in _SEEDS:
        omissions.refuse("a `seed` of over 32 bits", "seed")
    if len(wish.stop) > MAX_STOPS:
        omissions.refuse(f"more than {MAX_STOPS} stop sequences", "stop", "stop_sequences")
    if stream and wish.n is not None and wish.n > 1:
        omissions.refuse("`n` over 1 in a stream", "n")


def _sampled(wish: Sampling, *, stream: bool) -> Iterator[tuple[str, tuple[str, ...], Json]]:
    """Members of `generationConfig`: their names here and at clients, and their values."""
    limits = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    yield "maxOutputTokens", limits, wish.max_tokens
    yield "temperature", ("temperature",), wish.temperature
    yield "topP", ("top_p",), wish.top_p
    yield "topK", ("top_k",), wish.top_k
    yield "presencePenalty", ("presence_penalty",), wish.presence_penalty
    yield "frequencyPenalty", ("frequency_penalty",), wish.frequency_penalty
    yield "seed", ("seed",), wish.seed
    yield "stopSequences", ("stop", "stop_sequences"), list(wish.stop) or None
    if not stream and wish.n is not None and wish.n > 1:
        yield "candidateCount", ("n",), wish.n
    if wish.logprobs:
        yield "responseLogprobs", ("logprobs",), True
        yield "logprobs", ("logprobs", "top_logprobs"), wish.top_logprobs or None


def _output(conversation: Conversation, to: Addressee, omissions: Omissions) -> dict[str, Json]:
    wish = conversation.output
    names = ("response_format", "output_format", "format")
    if wish is None:
        return {}
    if conversation.tools and is_older(to.model):
        omissions.refuse("JSON output beside tools", *names)
        return {}
    if not omissions.wanted(*names):
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


def _thinking(wish: Reasoning | None, to: Addressee, omissions: Omissions) -> dict[str, Json]:
    """Gemini 1 and 2 take tokens (-1 leaves it to the model), later ones a level.

    Budgets are held within what a model takes. Without an effort or a budget a model decides for
    itself, which is what `adaptive` asks for.
    """
    if wish is None or not omissions.wanted("reasoning", "reasoning_effort", "thinking"):
        return {}
    said: dict[str, Json] = {}
    budget, effort = wish.budget_tokens, wish.effort
    if is_older(to.model):
        if budget is None and effort is not None:
            budget = budget_of(effort)
        if budget is not None:
            least, most = thinking_range(to.model)
            said["thinkingBudget"] = min(max(budget, least), most)
        elif wish.adaptive:
            said["thinkingBudget"] = -1
    else:
        if effort is None and budget is not None:
            effort = effort_of(budget)
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
