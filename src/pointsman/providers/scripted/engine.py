"""From a chat request and a script to the reply, before it is put on the wire. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.errors import BadRequest
from pointsman.providers.scripted import prose
from pointsman.providers.scripted.asked import Asked, Function
from pointsman.providers.scripted.exchange import Question, digest
from pointsman.providers.scripted.pieces import clipped, left, said, split, words
from pointsman.providers.scripted.schema import NoInstance, instance
from pointsman.providers.scripted.script import Call, Script
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Usage

_FRAGMENT = 12  # characters of a tool call's arguments in one chunk


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a tool, its arguments in the pieces that a stream sends."""

    id: str
    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        """The pieces put together."""
        return "".join(self.pieces)


class Choice(msgspec.Struct, frozen=True):
    """One choice: thoughts, then a text or calls of tools; all in the pieces that a stream sends."""

    index: int
    finish_reason: str
    thoughts: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()

    @property
    def reasoning(self) -> str:
        """The thoughts put together."""
        return "".join(self.thoughts)

    @property
    def content(self) -> str:
        """The text put together."""
        return "".join(self.pieces)

    @property
    def given(self) -> str:
        """All that it gives away: thoughts, text, names and arguments."""
        calls = "".join(call.name + call.arguments for call in self.calls)
        return self.reasoning + self.content + calls


class Reply(msgspec.Struct, frozen=True):
    """The whole reply to one request."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    #: None where the script does not want it said.
    usage: Usage | None
    #: Alternatives per token; None where no logprobs were asked for.
    top_logprobs: int | None


def make_reply(asked: Asked, question: Question) -> Reply:
    """Answer `asked`; equal arguments give equal replies.

    Raises BadRequest where a schema in the request has no instance.
    """
    script, limit = question.script, asked.output_limit
    choices = tuple(_choice(asked, question, index) for index in range(asked.n or 1))
    usage = script.usage or Usage(
        input_tokens=sum(estimate_tokens(message.text) for message in asked.messages),
        output_tokens=sum(_tokens(choice.given, limit) for choice in choices),
        reasoning_tokens=sum(_tokens(choice.reasoning, limit) for choice in choices),
    )
    return Reply(
        id=f"chatcmpl-{question.key[:29]}",
        created=question.created,
        model=question.model,
        choices=choices,
        usage=None if script.no_usage else usage,
        top_logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
    )


def _choice(asked: Asked, question: Question, index: int) -> Choice:
    script = question.script
    thought, cut = clipped(script.reasoning or "", asked.output_limit)
    thoughts, limit = words(thought), left(asked.output_limit, thought)
    if cut:
        return Choice(index, "length", thoughts)
    if told := script.calls or (_due(asked) if script.reply is None else ()):
        calls, finish_reason = _calls(told, f"{question.key}/{index}", limit, script.chunks)
        return Choice(index, finish_reason, thoughts, calls=calls)
    text = _text(asked, script, index)
    pieces, finish_reason = said(text, asked.stop, limit, script.chunks)
    return Choice(index, finish_reason, thoughts, pieces)


def _calls(
    told: Sequence[Call], key: str, limit: int | None, chunks: int | None
) -> tuple[tuple[ToolCall, ...], str]:
    """The calls that fit into the limit, the last perhaps cut short, and why they end there."""
    calls: list[ToolCall] = []
    for place, (name, arguments) in enumerate(told):
        if limit == 0:
            return tuple(calls), "length"
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        limit = left(limit, name)
        text, cut = clipped(text, limit)
        limit = left(limit, text)
        pieces = split(text, chunks or -(-len(text) // _FRAGMENT))
        calls.append(ToolCall(f"call_{digest(f'{key}/{place}'.encode())[:24]}", name, pieces))
        if cut:
            return tuple(calls), "length"
    return tuple(calls), "tool_calls"


def _due(asked: Asked) -> Sequence[Call]:
    """The tool to call untold, and its arguments; none where a text is due."""
    functions = asked.functions
    due = asked.must_call or asked.messages[-1].role == "user"
    if asked.tool_choice == "none" or not functions or not due:
        return ()
    asking = prose.words(asked.question.text)
    function = max(functions, key=lambda each: len(asking & prose.words(each.name)))
    return [(function.name, _arguments(function))]


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


def _tokens(text: str, limit: int | None) -> int:
    tokens = estimate_tokens(text)
    return tokens if limit is None else min(tokens, limit)
