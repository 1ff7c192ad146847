"""Streams in the Messages format, written."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.formats.messages.bodies import events
from tests.formats.messages.streams import (
    USED,
    collected,
    read,
    reader,
    write,
)

from pointsman.conversation import (
    Began,
    Delta,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)


def test_a_stream_is_written_event_by_event() -> None:
    stream = write(
        [Began("qwen3"), TextDelta("Hel"), TextDelta(""), TextDelta("lo"), Finished("stop")]
    )

    assert stream == (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_0f1e","type":'
        b'"message","role":"assistant","model":"qwen3","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"stop_details":null,"container":null,"usage":{"input_tokens":5,'
        b'"cache_creation":null,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,'
        b'"output_tokens_details":{"thinking_tokens":0},"inference_geo":null,'
        b'"server_tool_use":null,"service_tier":null}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":"","citations":null}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":'
        b'"text_delta","text":"Hel"}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":'
        b'"text_delta","text":"lo"}}\n\n'
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        b'"stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":472,'
        b'"cache_creation":null,"cache_creation_input_tokens":28,"cache_read_input_tokens":100,"output_tokens":89,'
        b'"output_tokens_details":{"thinking_tokens":11},"inference_geo":null,'
        b'"server_tool_use":null,"service_tier":null}}\n\n'
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
