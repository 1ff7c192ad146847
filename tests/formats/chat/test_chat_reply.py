"""Chat replies read and written, whole and streamed."""

import json
from datetime import UTC, datetime

import pytest

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finished,
    ModelReply,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import Unavailable, UpstreamBroken
from pointsman.formats.chat.format import ChatClient, ChatUpstream
from pointsman.formats.sse import DONE, Splitter, event
from pointsman.formats.wire import Fault, Head
from pointsman.types import Usage

CLIENT = ChatClient()
UPSTREAM = ChatUpstream()
HEAD = Head("req_1", datetime(2026, 11, 21, tzinfo=UTC), "qwen")
USAGE = Usage(3, 5, cached_tokens=2, written_tokens=1, reasoning_tokens=4)
WRITTEN_USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 5,
    "total_tokens": 8,
    "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


def asked(**members: object):
    messages = [{"role": "user", "content": "hi"}]
    return CLIENT.parse(json.dumps({"model": "auto", "messages": messages, **members}).encode())


def write(*choices: Choice, **members: object) -> dict:
    return json.loads(CLIENT.reply(ModelReply("up", choices, USAGE), asked(**members), HEAD))


def stream(*deltas: Delta, **members: object) -> list[dict]:
    """The chunks written for these deltas; the stream ends with `[DONE]`."""
    writer = CLIENT.writer(asked(stream=True, **members), HEAD)
    written = b"".join(map(writer.write, deltas)) + writer.ending(USAGE)
    *events, last = Splitter().feed(written)
    assert last.raw == DONE
    return [json.loads(each.data or b"") for each in events]


def read_message(message: dict, finish: str | None = "stop", **choice: object) -> Choice:
    each = {"index": 0, "message": message, "finish_reason": finish, **choice}
    (found,) = UPSTREAM.read(json.dumps({"id": "x", "choices": [each]}).encode(), 1).choices
    return found


def read_deltas(*deltas: dict, finish: str = "stop") -> list[Delta]:
    reader = UPSTREAM.reader(1, keep_usage=False)
    chunks = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    chunks.append({"index": 0, "delta": {}, "finish_reason": finish})
    sent = b"".join(event(json.dumps({"id": "x", "choices": [each]}).encode()) for each in chunks)
    return [delta for each in Splitter().feed(sent) for delta in reader.read(each)]


def test_a_reply_has_every_member_that_openais_schema_requires() -> None:
    assert write(Choice((Text("Hi"),), "stop")) == {
        "id": "chatcmpl-req_1",
        "object": "chat.completion",
        "created": 1795219200,
        "model": "qwen",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hi",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": WRITTEN_USAGE,
    }


def test_thinking_comes_as_text_and_with_its_proof() -> None:
    said = (Thinking("Hm.", "sig"), Thinking("", "secret", redacted=True), Text("Hi"))
    message = write(Choice(said, "stop"))["choices"][0]["message"]

    assert message["reasoning_content"] == "Hm."
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hm.", "index": 0, "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "secret", "index": 1},
    ]
    assert read_message(message) == Choice(said, "stop")


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (Choice((Text("a"),), "length"), "length"),
        (Choice((ToolCall("c", "f", "{}"),), "tool_calls"), "tool_calls"),
        (Choice((), "content_filter"), "content_filter"),
        (Choice((Refusal("No."),), "refusal"), "stop"),
        (Choice((), "refusal"), "content_filter"),
    ],
)
def test_every_ending_has_a_word(choice: Choice, reason: str) -> None:
    begun = [RefusalDelta("No.")] if Refusal("No.") in choice.parts else []

    assert write(choice)["choices"][0]["finish_reason"] == reason
    last = stream(Began(), *begun, Finished(choice.finish))[-1]["choices"][0]
    assert (last["delta"], last["finish_reason"]) == ({}, reason)


@pytest.mark.parametrize(
    ("message", "stated", "finish"),
    [
        ({"content": "a"}, "stop", "stop"),
        ({"content": "a"}, "length", "length"),
        ({"content": "a"}, "eos_token", "stop"),
        ({"content": None}, "content_filter", "content_filter"),
        ({"refusal": "No."}, "stop", "refusal"),
        ({"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "stop", "tool_calls"),
        ({"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "length", "length"),
        ({"function_call": {"name": "f", "arguments": "{}"}}, "function_call", "tool_calls"),
    ],
)
def test_every_ending_is_understood(message: dict, stated: str, finish: str) -> None:
    assert read_message(message, stated).finish == finish


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": None, "reasoning": "Hm."}, (Thinking("Hm."),)),
        ({"content": "", "reasoning_content": "Hm."}, (Thinking("Hm."),)),
        (
            # Mistral's Magistral
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Hi"},
                ]
            },
            (Thinking("Hm."), Text("Hi")),
        ),
        (
            {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]},
            (ToolCall("c", "f", '{"a":1}'),),
        ),
    ],
)
def test_servers_own_ways_are_understood(message: dict, parts: tuple[object, ...]) -> None:
    assert read_message(message).parts == parts


def test_calls_without_ids_get_their_own_in_either_form() -> None:
    calls = [{"function": {"name": "f", "arguments": "{}"}} for _ in range(2)]
    (a, b) = read_message({"tool_calls": calls}).parts
    began = [d for d in read_deltas({"tool_calls": calls}) if isinstance(d, ToolCallBegan)]

    assert isinstance(a, ToolCall)
    assert isinstance(b, ToolCall)
    assert a.id != b.id
    assert [each.id for each in began] == [a.id, b.id]


def test_calls_that_all_have_the_index_0_are_told_apart_by_their_ids() -> None:
    """As Gemini's OpenAI layer has sent them."""
    first = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    second = {"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}

    assert read_deltas({"tool_calls": [first]}, {"tool_calls": [second]})[1:] == [
        ToolCallBegan(0, "a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallBegan(1, "b", "g"),
        ToolCallDelta(1, "{}"),
        Finished("tool_calls"),
    ]


def test_a_call_in_pieces_is_one_call() -> None:
    assert read_deltas(
        {"role": "assistant", "content": None},
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x"'}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ":1}"}}]},
        finish="tool_calls",
    ) == [
        Began(),
        ToolCallBegan(0, "a", "f"),
        ToolCallDelta(0, '{"x"'),
        ToolCallDelta(0, ":1}"),
        Finished("tool_calls"),
    ]


def test_a_stop_sequence_that_was_met_is_told() -> None:
    """`stop_reason` is vLLM's."""
    assert read_message({"content": "a"}, stop_reason="END").stop_sequence == "END"
    assert read_message({"content": "a"}, stop_reason=128009).stop_sequence is None


@pytest.mark.parametrize(
    "body", [b"", b'{"choices": []}', b'{"choices": [], "error": {"message": "x"}}', b"[]"]
)
def test_what_is_no_reply_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        UPSTREAM.read(body, 1)


def test_a_stream_has_its_role_first_and_its_usage_last() -> None:
    chunks = stream(
        Began("up"), TextDelta("Hi"), Finished("stop"), stream_options={"include_usage": True}
    )

    assert [chunk["choices"] for chunk in chunks] == [
        [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": None, "refusal": None},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
        [{"index": 0, "delta": {"content": "Hi"}, "logprobs": None, "finish_reason": None}],
        [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}],
        [],
    ]
    assert [chunk["usage"] for chunk in chunks] == [None, None, None, WRITTEN_USAGE]
    assert {(chunk["id"], chunk["object"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-req_1", "chat.completion.chunk", "qwen")
    }


def test_usage_is_not_said_to_those_who_did_not_ask() -> None:
    chunks = stream(Began(), TextDelta("Hi"), Finished("stop"))

    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


def test_a_streamed_call_states_its_id_and_name_once() -> None:
    chunks = stream(
        Began(),
        ToolCallBegan(0, "a", "f", signature="proof"),
        ToolCallDelta(0, '{"x"'),
        ToolCallDelta(0, ":1}"),
        Finished("tool_calls"),
    )

    proof = {"google": {"thought_signature": "proof"}}
    assert [chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks[1:-1]] == [
        [
            {
                "index": 0,
                "id": "a",
                "type": "function",
                "function": {"name": "f", "arguments": ""},
                "extra_content": proof,
            }
        ],
        [{"index": 0, "function": {"arguments": '{"x"'}}],
        [{"index": 0, "function": {"arguments": ":1}"}}],
    ]


def test_thoughts_in_a_stream_count_up() -> None:
    chunks = stream(
        ThinkingDelta("a"),
        ThinkingDelta(""),
        ThinkingDelta("b", "sig"),
        ThinkingDelta("c"),
        ThinkingDelta(signature="secret", redacted=True),
        ThinkingDelta("d"),
    )

    details = [chunk["choices"][0]["delta"].get("reasoning_details") for chunk in chunks[1:]]
    assert details == [
        [{"type": "reasoning.text", "text": "a", "index": 0}],
        [{"type": "reasoning.text", "text": "b", "index": 0, "signature": "sig"}],
        [{"type": "reasoning.text", "text": "c", "index": 1}],
        [{"type": "reasoning.encrypted", "data": "secret", "index": 2}],
        [{"type": "reasoning.text", "text": "d", "index": 3}],
    ]


def test_who_speaks_of_functions_is_answered_so() -> None:
    functions = [{"name": "f"}]
    calls = (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))
    choice = write(Choice(calls, "tool_calls"), functions=functions)["choices"][0]

    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"

    chunks = stream(
        ToolCallBegan(0, "a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallBegan(1, "b", "f"),
        Finished("tool_calls"),
        functions=functions,
    )
    assert [chunk["choices"][0]["delta"].get("function_call") for chunk in chunks] == [
        None,
        {"name": "f", "arguments": ""},
        {"arguments": "{}"},
        None,
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            # OpenAI's
            {"error": {"message": "m", "type": "t", "param": "p", "code": "c"}},
            Fault("m", "t", "p", "c"),
        ),
        ({"error": {"message": "m", "code": 400, "type": "t"}}, Fault("m", "t")),
        ({"error": "m"}, Fault("m")),
        ([{"error": {"message": "m", "code": 404}}], Fault("m")),
        ({"error": {"message": "m", "code": 40303}}, Fault("m", code="40303")),
        ({"error": {"message": "m", "code": True}}, Fault("m")),
        ({"object": "error", "message": "m", "type": "t"}, Fault("m", "t")),
        ({"detail": "Not Found"}, Fault("Not Found")),
        ({"detail": [{"loc": ["body"]}]}, Fault()),
        ([], Fault()),
        ("x", Fault()),
    ],
)
def test_every_servers_errors_are_read(body: object, fault: Fault) -> None:
    assert UPSTREAM.fault(json.dumps(body).encode()) == fault


def test_our_errors_are_openais() -> None:
    error = Unavailable("later")
    body = {
        "error": {"message": "later", "type": "server_error", "param": None, "code": "unavailable"}
    }

    assert json.loads(CLIENT.error(error, "req_1")) == body
    assert CLIENT.stream_error(error, "req_1") == event(CLIENT.error(error, "req_1"))
    assert UPSTREAM.fault(b"<html>") == Fault()
