"""A chat request in the canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from pointsman.conversation import Conversation, Effort, Reasoning, Sampling, Verbosity
from pointsman.errors import BadRequest
from pointsman.formats import members
from pointsman.formats.chat import tools
from pointsman.formats.chat.turns import Turns
from pointsman.formats.losses import Notes
from pointsman.formats.reasoning import BUDGETS
from pointsman.types import Json, ModelRequest

_LIMITS = ("max_completion_tokens", "max_tokens")
_READ = frozenset(
    {"model", "messages", "stream", "stream_options", "user", "parallel_tool_calls"}
    | {"tools", "tool_choice", "functions", "function_call", "response_format"}
    | {"reasoning_effort", "reasoning", "include_reasoning", "thinking", "verbosity"}
    | {"temperature", "top_p", "top_k", "min_p", "stop", "n", "seed", *_LIMITS}
    | {"frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"}
)
#: What servers of this format understand beside that and an answer can't do without: what shape it
#: has, what is looked up for it, how it is drawn, how the prompt is put, and what else is given out.
EXTENSIONS = frozenset(
    {"structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar"}
    | {"json_schema", "grammar", "regex", "ebnf"}
    | {"web_search_options", "search_parameters", "plugins", "documents", "enable_search"}
    | {"repetition_penalty", "repeat_penalty", "repeat_last_n", "typical_p", "top_a", "tfs_z"}
    | {"mirostat", "mirostat_tau", "mirostat_eta", "dry_multiplier", "xtc_probability"}
    | {"min_tokens", "ignore_eos", "stop_token_ids", "bad_words", "allowed_token_ids"}
    | {"length_penalty", "use_beam_search", "best_of", "samplers"}
    | {"chat_template", "chat_template_kwargs", "add_generation_prompt", "continue_final_message"}
    | {"lora", "safe_prompt", "echo", "suffix", "prompt_logprobs"}
)
_WISH = frozenset({"effort", "max_tokens", "exclude", "enabled"})
_THINKING = (None, "enabled", "disabled", "adaptive")


def conversation(request: ModelRequest) -> Conversation:
    """A parsed request in full. Raises BadRequest that names the member at fault."""
    value: dict[str, Json] = {
        name: msgspec.json.decode(raw) for name, raw in request.members.items()
    }
    notes = Notes()
    _sort(value, notes)
    turns = Turns(notes)
    messages = tuple(
        turns.read(message, f"messages[{i}]")
        for i, message in enumerate(members.objects(value, "messages"))
    )
    return Conversation(
        messages=messages,
        tools=tools.read(value, notes),
        tool_choice=tools.read_choice(value, notes),
        parallel_tool_calls=members.optional_flag(
            value, "parallel_tool_calls", "parallel_tool_calls"
        ),
        output=tools.read_output(value, notes),
        sampling=sampling(value, notes),
        reasoning=_reasoning(value, notes),
        verbosity=_verbosity(value, notes),
        stream=request.stream,
        user=members.text(value, "user"),
        advisory=notes.advisory,
        foreign=notes.foreign,
    )


def sampling(value: dict[str, Json], notes: Notes) -> Sampling:
    """How the reply is drawn. Raises BadRequest."""
    limits = [members.whole(value, name) for name in _LIMITS]
    likely = members.flag(value, "logprobs")
    most = members.whole(value, "top_logprobs")
    if most and not likely:
        notes.hint("top_logprobs")
    return Sampling(
        max_tokens=next((limit for limit in limits if limit and limit > 0), None),
        temperature=members.number(value, "temperature"),
        top_p=members.number(value, "top_p"),
        top_k=members.whole(value, "top_k"),
        min_p=members.number(value, "min_p"),
        stop=_stop(value.get("stop")),
        n=members.whole(value, "n", least=1),
        seed=members.whole(value, "seed"),
        frequency_penalty=members.number(value, "frequency_penalty") or None,
        presence_penalty=members.number(value, "presence_penalty") or None,
        logit_bias=_bias(value),
        logprobs=likely,
        top_logprobs=most if likely else None,
    )


def note_options(value: dict[str, Json], notes: Notes) -> None:
    """Note what `stream_options` ask for, but for usage."""
    options = members.typed(value, "stream_options", dict, "an object") or {}
    notes.strangers(options, {"include_usage"}, place="stream_options.")


def is_legacy(request: ModelRequest) -> bool:
    """Whether the client speaks of `functions`, and wants its reply to."""
    return "functions" in request.members and "tools" not in request.members


def _stop(stated: Json) -> tuple[str, ...]:
    stops = [stated] if isinstance(stated, str) else stated or []
    if not isinstance(stops, list):
        raise BadRequest("`stop` must be a string or an array of strings", param="stop")
    texts = tuple(stop for stop in stops if isinstance(stop, str))
    if len(texts) != len(stops):
        raise BadRequest("`stop` must be a string or an array of strings", param="stop")
    return texts


def _bias(value: dict[str, Json]) -> Mapping[str, float] | None:
    stated = members.typed(value, "logit_bias", dict, "an object") or {}
    bias = {
        token: weight
        for token, weight in stated.items()
        if isinstance(weight, int | float) and not isinstance(weight, bool)
    }
    if len(bias) != len(stated):
        raise BadRequest("`logit_bias` must map tokens to numbers", param="logit_bias")
    return bias or None


def _reasoning(value: dict[str, Json], notes: Notes) -> Reasoning | None:
    """`reasoning_effort`; OpenRouter's `reasoning`; Anthropic's and DeepSeek's `thinking`."""
    wish = members.typed(value, "reasoning", dict, "an object") or {}
    thinking = members.typed(value, "thinking", dict, "an object") or {}
    notes.rest(wish, _WISH, place="reasoning.")
    notes.rest(thinking, {"type", "budget_tokens"}, place="thinking.")
    if thinking.get("type") not in _THINKING:
        notes.matter("thinking")
    stated = value.get("reasoning_effort") or wish.get("effort")
    effort = _effort(stated)
    if stated is not None and effort is None:
        notes.matter("reasoning_effort")
    if wish.get("enabled") is False or thinking.get("type") == "disabled":
        effort = "none"
    budget = members.whole(wish, "max_tokens") or members.whole(thinking, "budget_tokens")
    unsaid = effort is None and budget is None
    if unsaid and wish.get("enabled") is True:
        effort = "medium"
    visible: bool | None = members.flag(value, "include_reasoning") or None
    if wish.get("exclude") is not None:
        visible = not members.flag(wish, "exclude", "reasoning.exclude")
    found = Reasoning(
        effort=effort,
        budget_tokens=budget,
        adaptive=thinking.get("type") == "adaptive"
        or (unsaid and thinking.get("type") == "enabled"),
        visible=visible,
    )
    return None if found == Reasoning() else found


def _effort(stated: Json) -> Effort | None:
    return next((effort for effort in BUDGETS if effort == stated), None)


def _verbosity(value: dict[str, Json], notes: Notes) -> Verbosity | None:
    stated = value.get("verbosity")
    found = next((each for each in get_args(Verbosity) if each == stated), None)
    if stated is not None and found is None:
        notes.matter("verbosity")
    return found


def _sort(value: dict[str, Json], notes: Notes) -> None:
    """Note the members that have no place in the canonical form, by what they do."""
    spoken = value.get("modalities") not in (None, ["text"])
    notes.strangers(value, _READ, EXTENSIONS | {"audio", "modalities"} if spoken else EXTENSIONS)
    note_options(value, notes)
