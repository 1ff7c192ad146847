"""Streams in the Messages format: followed, read and written."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.messages.bodies import STREAMED, WHOLE, events

from pointsman.conversation import (
    Began,
    Delta,
    Finished,
    Part,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.formats.sse import Event, Splitter
from pointsman.formats.wire import Fault, Head, StreamReader
from pointsman.types import Usage

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()
HEAD = Head("req_0f1e", datetime(2026, 11, 21, tzinfo=UTC), "qwen3:8b")
REQUEST = CLIENT.parse(
    b'{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
)
USED = Usage(600, 89, cached_tokens=100, written_tokens=28, reasoning_tokens=11)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def reader() -> StreamReader:
    return UPSTREAM.reader(7, keep_usage=False)


def read(stream: bytes) -> list[Delta]:
    following = reader()
    return [delta for event in events(stream) for delta in following.read(event)]


def event(**members: object) -> Event:
    data = json.dumps(members).encode()
    return Event(b"data: " + data + b"\n\n", data)


def write(deltas: list[Delta], usage: Usage = USED) -> bytes:
    writer = CLIENT.writer(REQUEST, HEAD)
    return b"".join(map(writer.write, deltas)) + writer.ending(usage)


def collected(deltas: list[Delta]) -> tuple[list[Part], Finished | None]:
    """The parts that deltas add up to."""
    parts: list[Part] = []
    calls: dict[int, int] = {}
    for delta in deltas:
        last = parts[-1] if parts else None
        match delta:
            case TextDelta(text=text) | RefusalDelta(text=text) if isinstance(last, Text):
                parts[-1] = Text(last.text + text)
            case TextDelta(text=text) | RefusalDelta(text=text):
                parts.append(Text(text))
            case ThinkingDelta() if is_open(last) and not delta.redacted:
                parts[-1] = Thinking(last.text + delta.text, delta.signature)
            case ThinkingDelta():
                parts.append(Thinking(delta.text, delta.signature, delta.redacted))
            case ToolCallBegan():
                calls[delta.call] = len(parts)
                parts.append(ToolCall(delta.id, delta.name, ""))
            case ToolCallDelta():
                call = parts[calls[delta.call]]
                more = call.arguments + delta.arguments
                parts[calls[delta.call]] = replace(call, arguments=more)
    return parts, next((each for each in deltas if isinstance(each, Finished)), None)


def is_open(part: Part | None) -> bool:
    """Thinking that is not signed yet: more of it may come."""
    return isinstance(part, Thinking) and part.signature is None


def test_a_stream_passes_as_it_came_but_for_its_end() -> None:
    following = reader()

    passed = b"".join(map(following.follow, events(STREAMED)))

    assert passed + following.ending() == STREAMED
    assert not passed.endswith(STOP)
    assert following.begun
    assert following.finished
    assert following.done
    assert following.model == "claude-opus-5-5"
    assert following.usage == USED


def test_an_empty_head_is_no_answer_yet() -> None:
    following = reader()
    head, _, _ = STREAMED.partition(b"event: content_block_start")

    for each in [*events(head), Event(b": comment\n\n", None), event(type="ping")]:
        assert following.follow(each) == each.raw
        assert not following.begun
    following.follow(event(type="content_block_start", index=0, content_block={"type": "text"}))

    assert following.begun


def test_what_a_broken_stream_used_is_counted() -> None:
    following = reader()
    cut, _, _ = STREAMED.partition(b"event: content_block_stop")

    for each in events(cut):
        following.follow(each)

    assert not following.finished
    assert following.usage == Usage(
        600, 7, cached_tokens=100, written_tokens=28, estimated=True
    )  # 25 bytes of thinking were seen; the 2 tokens of `message_start` are no count
    assert reader().usage == Usage(7, 0, estimated=True)


def test_the_last_figures_win() -> None:
    following = reader()
    first = {"input_tokens": 0, "output_tokens": 0}
    last = {"input_tokens": 30, "cache_read_input_tokens": 5, "output_tokens": 4}

    following.follow(event(type="message_start", message={"usage": first}))
    following.follow(event(type="message_delta", delta={"stop_reason": "end_turn"}, usage=last))

    assert following.usage == Usage(35, 4, cached_tokens=5)


def test_an_end_that_never_came_is_given() -> None:
    following = reader()
    following.follow(event(type="message_delta", delta={"stop_reason": "end_turn"}))

    assert following.finished
    assert not following.done
    assert following.ending() == STOP


def test_what_follows_on_the_end_is_not_passed() -> None:
    following = reader()
    for each in events(STREAMED):
        following.follow(each)

    assert following.follow(event(type="ping")) == b""
    assert following.follow(Event(b"data: [DONE]\n\n", b"[DONE]")) == b""
    assert following.read(event(type="content_block_delta")) == ()


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        b'{"error":{"type":"overloaded_error","message":"Overloaded"}}',
    ],
)
def test_an_error_in_the_stream_is_held(data: bytes) -> None:
    following, reading = reader(), reader()
    broken = Event(b"event: error\ndata: " + data + b"\n\n", data)

    assert following.follow(broken) == b""
    assert reading.read(broken) == []
    assert following.error == reading.error == Fault("Overloaded", "overloaded_error")


@pytest.mark.parametrize("data", [b"{", b"[]", b"{}", b"7", b'{"type":7}', b"\xff"])
def test_what_is_no_event_is_broken(data: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        reader().follow(Event(data, data))
    with pytest.raises(UpstreamBroken):
        reader().read(Event(data, data))


def test_unknown_events_pass_and_say_nothing() -> None:
    news = event(type="content_block_glow", index=0, delta={"type": "glow_delta"})

    assert reader().follow(news) == news.raw
    assert reader().read(news) == []


def test_a_stream_is_read() -> None:
    assert read(STREAMED) == [
        Began("claude-opus-5-5"),
        ThinkingDelta("They ask for the weather."),
        ThinkingDelta(signature="EqQBCgIYAhIM1gbcDa9GJwZA2b3h"),
        TextDelta("Okay"),
        TextDelta(", let's see:"),
        ToolCallBegan(0, "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather"),
        ToolCallDelta(0, '{"location":'),
        ToolCallDelta(0, ' "San Francisco, CA"}'),
        Finished("tool_calls"),
    ]


def test_streamed_or_whole_it_is_the_same_reply() -> None:
    parts, finished = collected(read(STREAMED))
    whole = UPSTREAM.read(WHOLE, 7).choices[0]

    assert tuple(parts) == whole.parts
    assert finished == Finished(whole.finish)


@given(st.lists(st.integers(0, len(STREAMED)), max_size=8).map(sorted))
def test_cut_anywhere_a_stream_says_the_same(cuts: list[int]) -> None:
    splitter, following = Splitter(), reader()

    deltas = [
        delta
        for start, end in pairwise([0, *cuts, len(STREAMED)])
        for each in splitter.feed(STREAMED[start:end])
        for delta in following.read(each)
    ]

    assert deltas == read(STREAMED)


def test_blocks_that_come_whole_are_read() -> None:
    reading = reader()
    blocks = [
        {"type": "text", "text": "a"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "u", "name": "g", "input": {}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    ]
    said: list[Delta] = []
    for i, block in enumerate(blocks):
        said += reading.read(event(type="content_block_start", index=i, content_block=block))
        said += reading.read(event(type="content_block_stop", index=i))
    searched = {"type": "input_json_delta", "partial_json": '{"query":"x"}'}

    assert reading.read(event(type="content_block_delta", index=4, delta=searched)) == []
    assert said == [
        TextDelta("a"),
        ThinkingDelta(signature="xyz", redacted=True),
        ToolCallBegan(0, "t", "f"),
        ToolCallDelta(0, '{"a": 1}'),
        ToolCallBegan(1, "u", "g"),
        ToolCallDelta(1, "{}"),
    ]


def test_a_refusal_is_read_once() -> None:
    delta = {"stop_reason": "refusal", "stop_details": {"explanation": "No."}}
    last = event(type="message_delta", delta=delta, usage={"output_tokens": 1})
    reading = reader()

    assert reading.read(last) == [RefusalDelta("No."), Finished("refusal")]
    assert reading.read(last) == []


def test_a_stream_is_written_event_by_event() -> None:
    stream = write(
        [Began("qwen3"), TextDelta("Hel"), TextDelta(""), TextDelta("lo"), Finished("stop")]
    )

    assert stream == (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_0f1e","type":'
        b'"message","role":"assistant","model":"qwen3","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"stop_details":null,"container":null,"usage":{"input_tokens":5,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,'
        b'"output_tokens_details":{"thinking_tokens":0}}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":'
        b'"text_delta","text":"Hel"}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":'
        b'"text_delta","text":"lo"}}\n\n'
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        b'"stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":472,'
        b'"cache_creation_input_tokens":28,"cache_read_input_tokens":100,"output_tokens":89,'
        b'"output_tokens_details":{"thinking_tokens":11}}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )


def test_calls_that_overlap_are_written_one_after_the_other() -> None:
    overlapping: list[Delta] = [
        ToolCallBegan(0, "a", "f"),
        ToolCallBegan(1, "b", "g"),
        ToolCallDelta(1, '{"y"'),
        ToolCallDelta(0, '{"x":1}'),
        ToolCallBegan(2, "c", "h"),
        ToolCallDelta(1, ":2}"),
        ToolCallDelta(2, "{}"),
        Finished("tool_calls"),
    ]

    assert_well_formed(write(overlapping))
    assert collected(read(write(overlapping)))[0] == [
        ToolCall("a", "f", '{"x":1}'),
        ToolCall("b", "g", '{"y":2}'),
        ToolCall("c", "h", "{}"),
    ]


CALLS = st.lists(st.sampled_from(["{}", '{"x": 1}', ""]), min_size=2, max_size=4).flatmap(
    lambda arguments: st.permutations(
        [(call, end) for call in range(len(arguments)) for end in range(3)]
    ).map(lambda order: interleaved(arguments, order))
)


def interleaved(arguments: list[str], order: list[tuple[int, int]]) -> list[Delta]:
    """Calls that begin in their order, and come in two pieces each, in any."""
    seen = dict.fromkeys(range(len(arguments)), 0)
    deltas: list[Delta] = []
    for call, _ in order:
        piece, seen[call] = seen[call], seen[call] + 1
        if piece:
            half = arguments[call][:3] if piece == 1 else arguments[call][3:]
            deltas.append(ToolCallDelta(call, half))
        else:
            deltas.append(ToolCallBegan(call, f"id{call}", "f"))
    return deltas


@given(CALLS)
def test_however_calls_overlap_each_is_written_whole(overlapping: list[Delta]) -> None:
    stream = write(overlapping)

    wanted, _ = collected(overlapping)
    got, _ = collected(read(stream))
    assert_well_formed(stream)
    assert sorted(got, key=str) == sorted(
        [replace(call, arguments=call.arguments or "{}") for call in wanted], key=str
    )


def test_other_choices_have_no_place_and_a_silent_model_still_ends() -> None:
    assert read(write([TextDelta("x", choice=1)])) == [Began("qwen3:8b"), Finished("stop")]


def assert_well_formed(stream: bytes) -> None:
    """Anthropic's order: a head, blocks one after the other, the end."""
    said = [json.loads(each.data or b"") for each in events(stream)]
    names = [each.raw.split(b"\n")[0].removeprefix(b"event: ").decode() for each in events(stream)]
    assert names == [each["type"] for each in said]
    assert (names[0], names[-2], names[-1]) == ("message_start", "message_delta", "message_stop")
    opened = -1
    is_open = False
    for each in said[1:-2]:
        match each["type"]:
            case "content_block_start":
                assert not is_open
                opened, is_open = opened + 1, True
            case "content_block_stop":
                assert is_open
                is_open = False
            case kind:
                assert kind == "content_block_delta"
                assert is_open
        assert each["index"] == opened
    assert not is_open


def with_calls(said: list[Delta | str]) -> list[Delta]:
    """Words stand for calls with these arguments; each call's come in two pieces."""
    deltas: list[Delta] = []
    for call, each in enumerate(said):
        if isinstance(each, str):
            deltas.append(ToolCallBegan(call, f"id{call}", "f"))
            deltas += [ToolCallDelta(call, each[:3]), ToolCallDelta(call, each[3:])]
        else:
            deltas.append(each)
    return deltas


texts = st.text(min_size=1, max_size=6)
TURN: st.SearchStrategy[list[Delta]] = st.lists(
    st.one_of(
        texts.map(TextDelta),
        texts.map(ThinkingDelta),
        texts.map(lambda signature: ThinkingDelta(signature=signature)),
        texts.map(lambda data: ThinkingDelta(signature=data, redacted=True)),
        st.dictionaries(texts, st.integers(), max_size=2).map(json.dumps),
    ),
    max_size=8,
).map(with_calls)


@given(TURN, st.sampled_from(["stop", "length", "tool_calls", "refusal"]))
def test_what_is_written_can_be_read(said: list[Delta], finish: str) -> None:
    deltas = [Began("m"), *said, Finished(finish)]

    stream = write(deltas)
    following = reader()
    got = [delta for each in events(stream) for delta in following.read(each)]

    assert_well_formed(stream)
    assert collected(got) == collected(deltas)
    assert following.usage == USED
