"""What holds for every conversation, every reply and every cut of a stream."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.conversation import (
    Addressee,
    Choice,
    Conversation,
    Delta,
    File,
    Finish,
    Finished,
    Image,
    Message,
    ModelReply,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    RefusalDelta,
    Sampling,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
)
from pointsman.formats.responses import stored
from pointsman.formats.responses.format import ResponsesClient, ResponsesUpstream
from pointsman.formats.responses.reader import SEAL
from pointsman.formats.sse import Splitter
from pointsman.formats.wire import Head
from pointsman.types import Usage

CLIENT = ResponsesClient()
UPSTREAM = ResponsesUpstream()
HEAD = Head("req_0f1e", datetime(2026, 11, 21, tzinfo=UTC), "qwen")
USAGE = Usage(10, 7, cached_tokens=6, reasoning_tokens=2)

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
TEXTS = st.builds(Text, WORDS)
IMAGES = st.builds(Image, url=st.just("https://x/a.png"), detail=st.sampled_from([None, "low"]))
PICTURES = st.just(Image("image/png", "QUJD"))
FILES = st.builds(File, st.none() | NAMES, st.just("application/pdf"), st.just("QUJD"))
CALLS = st.builds(ToolCall, NAMES, NAMES, WORDS)


def some(*parts: st.SearchStrategy[Part]) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(st.one_of(*parts), min_size=1, max_size=4).map(tuple)


RESULTS = st.builds(ToolResult, NAMES, some(TEXTS, PICTURES), name=st.none())
MESSAGES = st.one_of(
    st.builds(
        Message,
        st.sampled_from(["system", "developer", "user"]),
        some(TEXTS, IMAGES, PICTURES, FILES),
    ),
    st.builds(Message, st.just("assistant"), some(TEXTS, st.builds(Refusal, WORDS), CALLS)),
    st.builds(Message, st.just("tool"), st.lists(RESULTS, min_size=1, max_size=3).map(tuple)),
)


def sensible(told: Conversation) -> Conversation:
    """Without choices among tools where there are none."""
    return told if told.tools else replace(told, tool_choice=None, parallel_tool_calls=None)


CONVERSATIONS = st.builds(
    Conversation,
    st.lists(MESSAGES, min_size=1, max_size=5).map(tuple),
    tools=st.lists(
        st.builds(
            Tool, NAMES, st.none() | WORDS, st.just({"type": "object"}), st.none() | st.booleans()
        ),
        max_size=2,
        unique_by=lambda tool: tool.name,
    ).map(tuple),
    tool_choice=st.none()
    | st.builds(
        ToolChoice, st.sampled_from(["auto", "required"]), st.lists(NAMES, max_size=2).map(tuple)
    ),
    parallel_tool_calls=st.none() | st.booleans(),
    output=st.none()
    | st.just(OutputFormat("json_object"))
    | st.builds(
        OutputFormat, st.just("json_schema"), NAMES, st.just({}), st.none() | st.booleans()
    ),
    sampling=st.builds(
        Sampling,
        max_tokens=st.none() | st.integers(1, 9),
        temperature=st.none() | st.floats(0, 2),
        logprobs=st.booleans(),
    ),
    reasoning=st.none()
    | st.builds(Reasoning, effort=st.sampled_from(["none", "low", "max"]), visible=st.none())
    | st.just(Reasoning(visible=True)),
    verbosity=st.sampled_from([None, "low", "high"]),
    stream=st.booleans(),
    user=st.none() | WORDS,
).map(sensible)
REPLIES = st.lists(
    st.one_of(
        TEXTS,
        st.builds(Refusal, WORDS),
        CALLS,
        st.builds(Thinking, WORDS, WORDS),
        st.builds(Thinking, WORDS),
    ),
    min_size=1,
    max_size=6,
).map(lambda parts: apart(tuple(parts)))


def apart(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts that no stream would tell as one."""
    kept: list[Part] = []
    for part in parts:
        joins = bool(kept) and type(kept[-1]) is type(part)
        open_thought = joins and isinstance(part, Thinking) and kept[-1].signature is None
        if (
            not joins
            or isinstance(part, ToolCall)
            or (isinstance(part, Thinking) and not open_thought)
        ):
            kept.append(part)
    return tuple(kept)


def folded(conversation: Conversation) -> Conversation:
    """As it is read: what an assistant says in one go, and tool results, are one message."""
    messages: list[Message] = []
    for each in conversation.messages:
        if messages and each.role in {"assistant", "tool"} and messages[-1].role == each.role:
            messages[-1] = Message(each.role, messages[-1].parts + each.parts)
        else:
            messages.append(each)
    called: dict[str, str] = {}
    named = tuple(Message(m.role, tuple(_named(m.parts, called))) for m in messages)
    return replace(conversation, messages=named, advisory=("store",))


def _named(parts: Sequence[Part], called: dict[str, str]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, ToolCall):
            called[part.id] = part.name
        if isinstance(part, ToolResult):
            yield ToolResult(part.call_id, part.parts, name=called.get(part.call_id))
        else:
            yield part


def told(parts: Sequence[Part], finish: Finish) -> Iterator[Delta]:
    """A reply as deltas, text in pieces of one character."""
    calls = 0
    for part in parts:
        match part:
            case Text(text=text):
                yield from map(TextDelta, text)
            case Refusal(text=text):
                yield from map(RefusalDelta, text)
            case Thinking(text=text, signature=signature):
                yield from map(ThinkingDelta, text)
                if signature is not None:
                    yield ThinkingDelta(signature=signature)
            case ToolCall():
                yield ToolCallBegan(calls, part.id, part.name)
                yield from (ToolCallDelta(calls, piece) for piece in part.arguments)
                calls += 1
    yield Finished(finish)


def collected(deltas: Sequence[Delta]) -> tuple[Part, ...]:
    parts: list[Part] = []
    calls: dict[int, int] = {}
    for delta in deltas:
        last = parts[-1] if parts else None
        match delta, last:
            case TextDelta(), Text():
                parts[-1] = Text(last.text + delta.text)
            case TextDelta(), _:
                parts.append(Text(delta.text))
            case RefusalDelta(), Refusal():
                parts[-1] = Refusal(last.text + delta.text)
            case RefusalDelta(), _:
                parts.append(Refusal(delta.text))
            case ThinkingDelta(), Thinking(signature=None):
                parts[-1] = Thinking(last.text + delta.text, delta.signature)
            case ThinkingDelta(), _:
                parts.append(Thinking(delta.text, delta.signature))
            case ToolCallBegan(), _:
                calls[delta.call] = len(parts)
                parts.append(ToolCall(delta.id, delta.name, ""))
            case ToolCallDelta(), _:
                at = calls[delta.call]
                call = parts[at]
                assert isinstance(call, ToolCall)
                parts[at] = ToolCall(call.id, call.name, call.arguments + delta.arguments)
    return tuple(parts)


def sealed(parts: Sequence[Part]) -> tuple[Part, ...]:
    """As an upstream would read what this writes for a client."""
    return tuple(
        Thinking(part.text, f"{SEAL}pointsman:thinking:{part.signature or ''}")
        if isinstance(part, Thinking)
        else part
        for part in parts
    )


def finish_of(parts: Sequence[Part]) -> Finish:
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls"
    return "refusal" if any(isinstance(part, Refusal) for part in parts) else "stop"


def asked():
    return CLIENT.parse(b'{"model": "auto", "input": "hi"}')


def written(parts: Sequence[Part]) -> bytes:
    writer = CLIENT.writer(asked(), HEAD)
    body = b"".join(writer.write(delta) for delta in told(parts, finish_of(parts)))
    return body + writer.ending(USAGE)


@given(CONVERSATIONS)
def test_what_is_written_is_read_again(conversation: Conversation) -> None:
    body = UPSTREAM.encode(conversation, Addressee("m")).body

    assert CLIENT.conversation(CLIENT.parse(body)) == folded(conversation)


@given(REPLIES)
def test_streamed_or_not_a_client_gets_the_same_reply(parts: tuple[Part, ...]) -> None:
    reply = ModelReply("m", (Choice(parts, finish_of(parts)),), USAGE)
    whole = CLIENT.reply(reply, asked(), HEAD)

    assert json.loads(stored.ended(written(parts)) or b"") == json.loads(whole)


@given(REPLIES)
def test_streamed_or_not_an_upstream_says_the_same(parts: tuple[Part, ...]) -> None:
    stream = written(parts)
    reading = UPSTREAM.reader(1, keep_usage=False)
    deltas = [delta for event in Splitter().feed(stream) for delta in reading.read(event)]
    whole = UPSTREAM.read(stored.ended(stream) or b"", 1)

    assert collected(deltas) == whole.choices[0].parts == sealed(parts)
    assert deltas[-1] == Finished(whole.choices[0].finish) == Finished(finish_of(parts))
    assert reading.usage == whole.usage == USAGE


@given(REPLIES, st.lists(st.integers(0, 4000), max_size=4))
def test_however_a_stream_is_cut_it_passes_as_it_came(
    parts: tuple[Part, ...], cuts: list[int]
) -> None:
    stream = written(parts)
    splitter, following = Splitter(), UPSTREAM.reader(1, keep_usage=False)
    at = [0, *sorted(cuts), len(stream)]
    passed = b"".join(
        following.follow(event)
        for start, end in pairwise(at)
        for event in splitter.feed(stream[start:end])
    )

    assert passed + following.ending() == stream
