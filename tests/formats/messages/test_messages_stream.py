"""Streams in the Messages format: followed, read and written."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.messages.bodies import STREAMED, WHOLE, events
from tests.formats.messages.streams import STOP, UPSTREAM, USED, collected, event, read, reader

from pointsman.conversation import (
    Began,
    Delta,
    Finished,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.sse import Event, Splitter
from pointsman.formats.wire import Fault
from pointsman.types import Usage


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
