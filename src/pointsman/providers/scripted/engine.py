"""From a request and a script to the reply, before it is put on the wire. Pure.

Tokens are words here: a reply's pieces are what a stream sends one by one and what `logprobs`
speaks of. How many tokens a reply has is estimated with `pointsman.tokens`.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from pointsman.errors import BadRequest
from pointsman.providers.scripted import prose
from pointsman.providers.scripted.asked import Asked, Function
from pointsman.providers.scripted.schema import NoInstance, instance
from pointsman.providers.scripted.script import Script
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Usage

_PIECE = re.compile(r"\s*\S+|\s+")
_FRAGMENT = 12  # characters of a tool call's arguments in one chunk


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: a text, or the arguments of a tool call, in the pieces a stream sends."""

    index: int
    pieces: tuple[str, ...]
    finish_reason: str
    #: The tool that is called; None where this is a text.
    tool: str | None = None
    call_id: str = ""

    @property
    def content(self) -> str:
        """The pieces put together."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole reply to one request."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    #: None where the script does not want it said.
    usage: Usage | None
    #: Alternatives per token; None where no logprobs were asked for.
    top_logprobs: int | None


def make_reply(asked: Asked, script: Script, *, model: str, key: str, created: int) -> Reply:
    """Answer `asked`; equal arguments give equal replies.

    `key` is a digest of the request, from which the ids are made; `created` in Unix seconds.
    Raises BadRequest where a schema in the request has no instance.
    """
    choices = tuple(_choice(asked, script, index, key) for index in range(asked.n or 1))
    usage = script.usage or Usage(
        input_tokens=sum(estimate_tokens(message.text) for message in asked.messages),
        output_tokens=sum(_tokens(choice, asked.output_limit) for choice in choices),
    )
    return Reply(
        id=f"chatcmpl-{key[:29]}",
        created=created,
        model=model,
        choices=choices,
        usage=None if script.no_usage else usage,
        top_logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
    )


def digest(body: bytes) -> str:
    """A hexadecimal digest of a request's bytes."""
    return hashlib.sha256(body).hexdigest()


def split(text: str, count: int) -> tuple[str, ...]:
    """`text` in `count` pieces of about equal length; fewer where it is shorter than that."""
    count = min(count, len(text))
    edges = [len(text) * place // count for place in range(count + 1)] if count else []
    return tuple(text[start:end] for start, end in pairwise(edges))


def _choice(asked: Asked, script: Script, index: int, key: str) -> Choice:
    told = script.tool_call or (_call(asked) if script.reply is None else None)
    if told:
        name, arguments = told
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        limit = asked.output_limit
        room = None if limit is None else max(0, limit - estimate_tokens(name))
        text, cut = _clipped(text, room)
        pieces = split(text, script.chunks or -(-len(text) // _FRAGMENT))
        call_id = f"call_{digest(f'{key}/{index}'.encode())[:24]}"
        return Choice(index, pieces, "length" if cut else "tool_calls", name, call_id)
    text = _text(asked, script, index)
    starts = [at for stop in asked.stops if (at := text.find(stop)) >= 0]
    text, cut = _clipped(text[: min(starts, default=None)], asked.output_limit)
    pieces = split(text, script.chunks) if script.chunks else tuple(_PIECE.findall(text))
    return Choice(index, pieces, "length" if cut else "stop")


def _call(asked: Asked) -> tuple[str, dict[str, object]] | None:
    """The tool to call untold, and its arguments; None where a text is due."""
    functions = asked.functions
    due = asked.must_call or asked.messages[-1].role == "user"
    if asked.tool_choice == "none" or not functions or not due:
        return None
    said = prose.words(asked.question.text)
    function = max(functions, key=lambda each: len(said & prose.words(each.name)))
    return function.name, _arguments(function)


def _arguments(function: Function) -> dict[str, object]:
    schema: Json = msgspec.json.decode(function.parameters)
    made = _instance(schema, f"tools.{function.name}.parameters", {"type": "object"})
    return {**made} if isinstance(made, dict) else {}


def _text(asked: Asked, script: Script, index: int) -> str:
    if script.reply is not None:
        return script.reply
    if (results := _results(asked)) and not _form(asked):
        text = prose.tool_answer(results)
    else:
        question = asked.question
        text = prose.answer(question.text, images=question.images, choice=index)
    match _form(asked):
        case "json_object":
            return msgspec.json.encode({"reply": text}).decode()
        case "json_schema":
            return msgspec.json.encode(_wanted(asked)).decode()
        case _:
            return prose.of_length(text, script.chunks) if script.chunks else text


def _form(asked: Asked) -> str:
    form = asked.response_format
    return "" if form is None or form.type == "text" else form.type


def _wanted(asked: Asked) -> Json:
    form = asked.response_format
    if form is None or form.json_schema is None:
        return {}
    return _instance(msgspec.json.decode(form.json_schema.schema), "response_format")


def _instance(schema: Json, param: str, *more: Json) -> Json:
    try:
        return instance(schema, *more)
    except NoInstance as error:
        raise BadRequest(f"Invalid schema in '{param}': {error}.", param=param) from error


def _results(asked: Asked) -> Sequence[tuple[str, str]]:
    """What the tools returned (name, result), where they had the last word."""
    names = {
        call.id: call.function.name
        for message in asked.messages
        for call in message.tool_calls or ()
        if call.function
    }
    results: list[tuple[str, str]] = []
    for message in reversed(asked.messages):
        if message.role != "tool":
            break
        results.insert(0, (names.get(message.tool_call_id or "", "call"), message.text))
    return results


def _clipped(text: str, limit: int | None) -> tuple[str, bool]:
    """As much of `text` as fits into `limit` tokens, and whether any was cut off."""
    if limit is None or estimate_tokens(text) <= limit:
        return text, False
    ends = range(len(text) + 1)
    return text[: bisect_right(ends, limit, key=lambda end: estimate_tokens(text[:end])) - 1], True


def _tokens(choice: Choice, limit: int | None) -> int:
    tokens = estimate_tokens((choice.tool or "") + choice.content)
    return tokens if limit is None else min(tokens, limit)
