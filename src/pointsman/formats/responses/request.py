"""Requests: checked, seen and decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast, get_args

import msgspec

from pointsman.conversation import (
    Audio,
    Conversation,
    Effort,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Verbosity,
)
from pointsman.errors import BadRequest
from pointsman.formats import members, strict_json
from pointsman.formats.counting import (
    TOKENS_PER_IMAGE,
    TOKENS_PER_MESSAGE,
    file_tokens,
    sound_tokens,
)
from pointsman.formats.losses import Notes
from pointsman.formats.responses import tools
from pointsman.formats.responses.items import History
from pointsman.formats.words import attached, words
from pointsman.tokens import BYTES_PER_TOKEN, estimate_tokens
from pointsman.types import Capability, Json, ModelRequest, Turn

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"


#: Parts that are in the turns already, or that nobody could read.
_NO_WORDS = frozenset(
    {"input_text", "output_text", "text", "refusal", "input_image", "input_audio"}
)
_EFFORTS = frozenset(get_args(Effort))
_SCHEMA = frozenset({"type", "name", "schema", "strict", "description"})
#: What an answer can't do without: what the provider keeps, and how far its tools may go.
_MATTERS = frozenset({"previous_response_id", "prompt", "max_tool_calls"})
_READ = frozenset(
    {
        "background",
        "conversation",
        "frequency_penalty",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning",
        "stream",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)


def parse(body: bytes) -> ModelRequest:
    """A checked view of a request's body. Raises BadRequest that names the member at fault.

    Members that Pointsman does not know are left alone: they reach the model.
    """
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with `model` and `input`")
    model = members.text(value, "model")
    if not model:
        raise BadRequest(
            '`model` must be a string; send "auto" to let Pointsman choose', param="model"
        )
    _check_state(value)
    told = decode(value)
    raw = members.raw(body)
    limit = told.sampling.max_tokens
    return ModelRequest(
        model=model,
        turns=tuple(Turn(each.role, "\n".join(_texts(each.parts))) for each in told.messages),
        members=raw,
        private_texts=tuple(_private(value)),
        needs=_needs(told),
        stream=told.stream,
        include_usage=told.stream,
        input_tokens=_prompt_tokens(told, raw),
        max_output_tokens=limit if limit is not None and limit >= 1 else None,
        format="responses",
        session=members.text(value, "prompt_cache_key"),
        user=members.end_user(value),
    )


def conversation(request: ModelRequest) -> Conversation:
    """The request in full. Raises BadRequest."""
    return decode({name: msgspec.json.decode(raw) for name, raw in request.members.items()})


def decode(value: dict[str, Json]) -> Conversation:
    """A request's members, decoded. Raises BadRequest that names the member at fault."""
    notes = Notes()
    notes.strangers(value, _READ, _MATTERS)
    text = members.typed(value, "text", dict, "an object") or {}
    notes.rest(text, {"format", "verbosity"}, place="text.")
    offer = tools.offer(value, notes)
    if members.text(value, "truncation") not in {None, "disabled"}:
        notes.matter("truncation")
    return Conversation(
        messages=_history(value, offer.names, notes).messages,
        tools=offer.tools,
        tool_choice=tools.choice(value.get("tool_choice"), offer.names, notes),
        parallel_tool_calls=members.optional_flag(
            value, "parallel_tool_calls", "parallel_tool_calls"
        ),
        output=_output(text, notes),
        verbosity=_verbosity(text, notes),
        sampling=_sampling(value, notes),
        reasoning=_reasoning(value, notes),
        stream=members.flag(value, "stream"),
        user=members.text(value, "user"),
        advisory=notes.advisory,
        foreign=notes.foreign,
    )


def _check_state(value: dict[str, Json]) -> None:
    members.text(value, "previous_response_id")
    if members.flag(value, "background"):
        raise BadRequest(
            "`background` is not supported: responses are answered at once", param="background"
        )
    if value.get("conversation") is not None:
        raise BadRequest(
            "`conversation` is not supported: send the items themselves, or `previous_response_id`",
            param="conversation",
        )


def _history(value: dict[str, Json], names: tools.Names, notes: Notes) -> History:
    history = History(names, notes)
    instructions = members.text(value, "instructions")
    if instructions:
        history.say("system", Text(instructions))
    told = value.get("input")
    if isinstance(told, str):
        history.say("user", Text(told))
    elif isinstance(told, list):
        for i, item in enumerate(members.objects(value, "input")):
            history.take(item, f"input[{i}]")
    elif told is not None:
        raise BadRequest("`input` must be a string or an array of items", param="input")
    elsewhere = any(value.get(name) is not None for name in ("prompt", "previous_response_id"))
    if not told and not elsewhere:
        raise BadRequest("`input` must be a string or an array of items", param="input")
    return history


def _verbosity(text: dict[str, Json], notes: Notes) -> Verbosity | None:
    stated = text.get("verbosity")
    found = next((each for each in get_args(Verbosity) if each == stated), None)
    if stated is not None and found is None:
        notes.matter("verbosity")
    return found


def _output(text: dict[str, Json], notes: Notes) -> OutputFormat | None:
    wanted = members.typed(text, "format", dict, "an object")
    match wanted:
        case None:
            return None
        case {"type": "text"}:
            notes.rest(wanted, {"type"}, place="text.format.")
            return None
        case {"type": "json_object"}:
            notes.rest(wanted, {"type"}, place="text.format.")
            return OutputFormat("json_object")
        case {"type": "json_schema", "name": str(name), "schema": dict()}:
            notes.rest(wanted, _SCHEMA, place="text.format.")
            strict = members.optional_flag(wanted, "strict", "text.format.strict")
            described = members.text(wanted, "description", "text.format.description")
            return OutputFormat("json_schema", name, wanted["schema"], strict, described)
        case {"type": str(kind)} if kind != "json_schema":
            notes.matter("text.format")
            return None
    raise BadRequest(
        "`text.format` must be an object with a `type`, and for a schema with `name` and `schema`",
        param="text.format",
    )


def _reasoning(value: dict[str, Json], notes: Notes) -> Reasoning | None:
    wish = members.typed(value, "reasoning", dict, "an object") or {}
    effort = members.text(wish, "effort", "reasoning.effort")
    said = {"effort", "summary", "generate_summary"}
    if wish.get("mode") == "standard":
        said.add("mode")
    if effort not in _EFFORTS:
        said.remove("effort")
        effort = None
    notes.rest(wish, said, {"context"}, place="reasoning.")
    visible = bool(wish.get("summary") or wish.get("generate_summary"))
    if effort is None and not visible:
        return None
    return Reasoning(effort=cast("Effort | None", effort), visible=visible or None)


def _sampling(value: dict[str, Json], notes: Notes) -> Sampling:
    include = members.typed(value, "include", list, "an array") or []
    if any(each not in {LOGPROBS, ENCRYPTED} for each in include):
        notes.hint("include")
    top = members.whole(value, "top_logprobs", least=0)
    return Sampling(
        max_tokens=members.whole(value, "max_output_tokens"),
        temperature=members.number(value, "temperature"),
        top_p=members.number(value, "top_p"),
        frequency_penalty=members.number(value, "frequency_penalty"),
        presence_penalty=members.number(value, "presence_penalty"),
        logprobs=LOGPROBS in include or bool(top),
        top_logprobs=top,
    )


def _needs(told: Conversation) -> frozenset[Capability]:
    needs: set[Capability] = set()
    for part in _all_parts(told.messages):
        match part:
            case Image() | Opaque(kind="file_id"):
                needs.add("vision")
            case Audio():
                needs.add("audio")
    if told.tools:
        needs.add("tools")
    if told.output is not None and told.output.kind == "json_schema":
        needs.add("json_schema")
    if told.sampling.logprobs:
        needs.add("logprobs")
    return frozenset(needs)


def _prompt_tokens(told: Conversation, raw: Mapping[str, bytes]) -> int:
    """All that the model reads: texts, thoughts, calls, tools and schemas, images, files, sound."""
    tokens = len(told.messages) * TOKENS_PER_MESSAGE
    for part in _all_parts(told.messages):
        match part:
            case Text(text=text) | Thinking(text=text) | Refusal(text=text):
                tokens += estimate_tokens(text)
            case ToolCall(name=name, arguments=arguments):
                tokens += estimate_tokens(name + arguments)
            case Image():
                tokens += TOKENS_PER_IMAGE
            case Audio(data=data):
                tokens += sound_tokens(data)
            case File(data=data, media_type=media_type):
                tokens += file_tokens(data, media_type or "")
    size = len(raw.get("tools", b"")) + len(raw.get("text", b""))
    return tokens + size // BYTES_PER_TOKEN


def _private(value: dict[str, Json]) -> Iterable[str]:
    """The words in a stored prompt's variables, in files, and in users' items of other types."""
    told = value.get("input")
    yield from attached(told, _NO_WORDS)
    for item in told if isinstance(told, list) else ():
        match item:
            case {"role": "user", "type": str(kind)} if kind != "message":
                yield words(item)
    match value.get("prompt"):
        case {"variables": dict(variables)} if variables:
            yield words(variables)


def _all_parts(messages: Iterable[Message]) -> Iterable[Part]:
    for message in messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


def _texts(parts: Iterable[Part]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, Text | Refusal):
            yield part.text
        elif isinstance(part, ToolResult):
            yield from _texts(part.parts)
