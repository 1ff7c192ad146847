"""Conversations and replies as Hypothesis makes them, in the words that formats have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.conversation import (
    Audio,
    Choice,
    Conversation,
    Effort,
    File,
    Finish,
    Image,
    Message,
    ModelReply,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.formats.reasoning import effort_of
from pointsman.types import FormatName, Usage

_T = TypeVar("_T")

#: What not every format can say, and who can.
WORDS: Mapping[FormatName, frozenset[str]] = {
    "chat": frozenset(
        [
            "later_system",
            "refusal",
            "image_url",
            "file",
            "audio",
            "strict",
            "choice",
            "none",
            "parallel",
            "user",
            "json_object",
            "named_output",
            "stop",
            "top_k",
            "min_p",
            "seed",
            "penalties",
            "logprobs",
            "n",
            "logit_bias",
        ]
    ),
    "responses": frozenset(
        [
            "later_system",
            "refusal",
            "image_url",
            "file",
            "strict",
            "choice",
            "none",
            "parallel",
            "user",
            "json_object",
            "named_output",
            "logprobs",
            "result_image",
        ]
    ),
    "messages": frozenset(
        [
            "image_url",
            "file",
            "strict",
            "choice",
            "none",
            "parallel",
            "user",
            "stop",
            "top_k",
            "result_image",
            "is_error",
        ]
    ),
    "ollama": frozenset(
        [
            "later_system",
            "json_object",
            "stop",
            "top_k",
            "min_p",
            "seed",
            "penalties",
            "logprobs",
            "result_image",
        ]
    ),
}

#: Those that every format tells from each other.
_EFFORTS: tuple[Effort, ...] = ("none", "low", "medium", "high")
#: More than the greatest thinking budget, so that there is room for an answer.
_LIMIT = 70_000

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
objects = st.dictionaries(words, words | st.integers(-9, 9) | st.none(), max_size=2)
arguments = objects.map(lambda value: msgspec.json.encode(value).decode())
schemas = st.just({"type": "object", "properties": {"a": {"type": "string"}}})
flags = st.none() | st.booleans()
rates = st.none() | st.floats(0.1, 0.9)
counts = st.none() | st.integers(1, 9)
pictures = st.just(Image("image/png", "iVBORw0KGgo="))


@st.composite
def conversations(draw: st.DrawFn, can: frozenset[str]) -> Conversation:
    """A conversation in words that all formats have, and those of `WORDS` in `can`."""
    system = Message(draw(st.sampled_from(["system", "developer"])), (Text(draw(words)),))
    messages = [system, draw(_asked(can))]
    for number in range(draw(st.integers(0, 2))):
        messages += draw(_round(number, can))
        if "later_system" in can and draw(st.booleans()):
            messages.append(Message("system", (Text(draw(words)),)))
    tools = draw(st.lists(_tools(can), max_size=2, unique_by=lambda tool: tool.name))
    return Conversation(
        messages=tuple(messages),
        tools=tuple(tools),
        tool_choice=draw(_choices(tools, can)) if tools else None,
        parallel_tool_calls=False if tools and "parallel" in can and draw(st.booleans()) else None,
        output=draw(st.none() | _outputs(can)),
        sampling=draw(_samplings(can)),
        reasoning=draw(st.none() | st.sampled_from(_EFFORTS).map(Reasoning)),
        stream=draw(st.booleans()),
        user=draw(st.none() | words) if "user" in can else None,
    )


@st.composite
def replies(draw: st.DrawFn) -> ModelReply:
    """A reply with one answer, in the order in which all formats have its parts."""
    thoughts = draw(st.lists(st.builds(Thinking, words), max_size=1))
    text = draw(st.lists(st.builds(Text, words), max_size=1))
    calls = [
        ToolCall(f"call_{number}", draw(names), draw(arguments))
        for number in range(draw(st.integers(0, 2)))
    ]
    usual: Finish = "tool_calls" if calls else "stop"
    finish = draw(st.sampled_from([usual, usual, "length", "content_filter"]))
    read, thought = draw(st.integers(9, 99)), draw(st.integers(0, 5))
    usage = Usage(
        input_tokens=read,
        output_tokens=thought + draw(st.integers(0, 99)),
        cached_tokens=draw(st.integers(0, 4)),
        reasoning_tokens=thought,
    )
    return ModelReply("m", (Choice((*thoughts, *text, *calls), finish),), usage)


def meaning(told: Conversation) -> Conversation:
    """A conversation without what formats say in one way or another.

    Which of the system's roles speaks, which messages are one, what a choice of tools says by
    default, in what unit thinking is wanted and how JSON is spaced.
    """
    merged: list[Message] = []
    for message in told.messages:
        role = "system" if message.role == "developer" else message.role
        parts = tuple(_meant(part) for part in message.parts)
        if merged and merged[-1].role == role:
            parts = merged.pop().parts + parts
        merged.append(Message(role, parts))
    wish = told.reasoning
    if wish is not None and wish.budget_tokens is not None:
        wish = Reasoning(effort_of(wish.budget_tokens))
    choice = None if told.tool_choice == ToolChoice("auto") else told.tool_choice
    parallel = None if choice == ToolChoice("none") else told.parallel_tool_calls
    return replace(
        told,
        messages=tuple(merged),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        reasoning=wish,
        advisory=(),
    )


def _meant(part: Part) -> Part:
    match part:
        case ToolCall():
            return replace(part, arguments=json.dumps(json.loads(part.arguments)))
        case ToolResult():
            pictures_first = sorted(part.parts, key=lambda each: isinstance(each, Text))
            return replace(part, parts=tuple(pictures_first))
    return part


@st.composite
def _asked(draw: st.DrawFn, can: frozenset[str]) -> Message:
    media: list[st.SearchStrategy[Part]] = [pictures]
    if "image_url" in can:
        media.append(st.builds(Image, url=st.just("https://x/a.png")))
    if "file" in can:
        media.append(st.just(File("a.pdf", "application/pdf", "JVBERg==")))
    if "audio" in can:
        media.append(st.just(Audio("UklGRg==", "wav")))
    shown = draw(st.lists(st.one_of(media), max_size=2))
    return Message("user", (*shown, Text(draw(words))))


@st.composite
def _round(draw: st.DrawFn, number: int, can: frozenset[str]) -> list[Message]:
    """An answer, the results of its calls, and the next question."""
    said: list[Part] = [Text(draw(words))]
    if "refusal" in can and draw(st.booleans()):
        said = [Refusal(draw(words))]
    calls = [
        ToolCall(f"call_{number}_{i}", draw(names), draw(arguments))
        for i in range(draw(st.integers(0, 2)))
    ]
    results = [
        ToolResult(
            call.id,
            (*draw(st.lists(pictures, max_size="result_image" in can)), Text(draw(words))),
            "is_error" in can and draw(st.booleans()),
            call.name,
        )
        for call in calls
    ]
    answered = [Message("tool", tuple(results))] if results else []
    return [Message("assistant", (*said, *calls)), *answered, draw(_asked(can))]


def _tools(can: frozenset[str]) -> st.SearchStrategy[Tool]:
    strict = flags.filter(lambda flag: flag is not False) if "strict" in can else st.none()
    return st.builds(Tool, names, st.none() | words, schemas, strict)


def _choices(tools: list[Tool], can: frozenset[str]) -> st.SearchStrategy[ToolChoice | None]:
    choices: list[ToolChoice | None] = [None]
    if "none" in can:
        choices += [ToolChoice("none"), ToolChoice("auto")]
    if "choice" in can:
        choices += [ToolChoice("required"), ToolChoice("required", (tools[0].name,))]
    return st.sampled_from(choices)


def _outputs(can: frozenset[str]) -> st.SearchStrategy[OutputFormat]:
    by_schema = st.builds(OutputFormat, st.just("json_schema"), schema=schemas)
    if "named_output" in can:
        by_schema = st.builds(
            OutputFormat, st.just("json_schema"), names, schemas, flags, st.none() | words
        )
    return by_schema | st.just(OutputFormat("json_object")) if "json_object" in can else by_schema


@st.composite
def _samplings(draw: st.DrawFn, can: frozenset[str]) -> Sampling:
    def drawn(word: str, value: st.SearchStrategy[_T]) -> _T | None:
        return draw(value) if word in can else None

    likely = "logprobs" in can and draw(st.booleans())
    return Sampling(
        max_tokens=_LIMIT + draw(st.integers(0, 9)),
        temperature=draw(rates),
        top_p=draw(rates),
        top_k=drawn("top_k", counts),
        min_p=drawn("min_p", rates),
        stop=tuple(draw(st.lists(words, max_size=2))) if "stop" in can else (),
        n=drawn("n", counts),
        seed=drawn("seed", counts),
        frequency_penalty=drawn("penalties", rates),
        presence_penalty=drawn("penalties", rates),
        logit_bias=drawn("logit_bias", st.none() | st.just({"7": -100})),
        logprobs=likely,
        top_logprobs=draw(counts) if likely else None,
    )


def texts(parts: tuple[Part, ...]) -> Iterator[str]:
    """What the parts say in words."""
    return (part.text for part in parts if isinstance(part, Text | Refusal))
