"""Replies in the Messages format, read and written; errors in its shape."""

import json
from datetime import UTC, datetime

import pytest
from tests.formats.messages.bodies import WHOLE

from pointsman.conversation import (
    Choice,
    Finish,
    ModelReply,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from pointsman.errors import (
    AuthenticationFailed,
    BadRequest,
    Inexpressible,
    PointsmanError,
    Unavailable,
    UnknownModel,
    UpstreamBroken,
)
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.formats.wire import Fault, Head, Seen
from pointsman.types import Usage

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()
HEAD = Head("req_0f1e", datetime(2026, 11, 21, tzinfo=UTC), "qwen3:8b")
REQUEST = CLIENT.parse(
    b'{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
)
USED = Usage(600, 89, cached_tokens=100, written_tokens=28, reasoning_tokens=11)

DIRECT = {"type": "direct"}


def written(*parts: Part, finish: Finish = "stop", stop_sequence: str | None = None) -> dict:
    choice = Choice(parts, finish, stop_sequence=stop_sequence)
    return json.loads(CLIENT.reply(ModelReply("qwen3", (choice,), USED), REQUEST, HEAD))


def test_a_reply_is_read() -> None:
    reply = UPSTREAM.read(WHOLE, 7)

    assert reply == ModelReply(
        "claude-opus-5-5",
        (
            Choice(
                (
                    Thinking("They ask for the weather.", "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"),
                    Text("Okay, let's see:"),
                    ToolCall(
                        "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
                        "get_weather",
                        '{"location": "San Francisco, CA"}',
                    ),
                ),
                "tool_calls",
            ),
        ),
        USED,
    )


def test_a_reply_is_looked_at() -> None:
    assert UPSTREAM.look(WHOLE, 7) == Seen(USED, "claude-opus-5-5")


def test_a_reply_is_written_with_all_that_strict_clients_require() -> None:
    parts = UPSTREAM.read(WHOLE, 7).choices[0].parts

    assert written(*parts, finish="tool_calls") == {
        "id": "msg_0f1e",
        "type": "message",
        "role": "assistant",
        "model": "qwen3",
        "content": [
            {
                "type": "thinking",
                "thinking": "They ask for the weather.",
                "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h",
            },
            {"type": "text", "text": "Okay, let's see:", "citations": None},
            {
                "type": "tool_use",
                "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
                "name": "get_weather",
                "input": {"location": "San Francisco, CA"},
                "caller": DIRECT,
            },
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": 472,
            "cache_creation": None,
            "cache_creation_input_tokens": 28,
            "cache_read_input_tokens": 100,
            "output_tokens": 89,
            "output_tokens_details": {"thinking_tokens": 11},
            "inference_geo": None,
            "server_tool_use": None,
            "service_tier": None,
        },
    }


@pytest.mark.parametrize(
    ("finish", "stop_sequence", "reason"),
    [
        ("stop", None, "end_turn"),
        ("stop", "END", "stop_sequence"),
        ("length", None, "max_tokens"),
        ("tool_calls", None, "tool_use"),
        ("content_filter", None, "refusal"),
        ("refusal", None, "refusal"),
    ],
)
def test_reasons_to_stop_are_written(
    finish: Finish, stop_sequence: str | None, reason: str
) -> None:
    reply = written(Text("x"), finish=finish, stop_sequence=stop_sequence)

    assert reply["stop_reason"] == reason
    assert reply["stop_sequence"] == stop_sequence
    assert (reply["stop_details"] is not None) == (reason == "refusal")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("pause_turn", "other"),
        ("something_new", "other"),
        (None, "stop"),
    ],
)
def test_reasons_to_stop_are_read(reason: str | None, finish: str) -> None:
    body = json.dumps({"content": [], "stop_reason": reason}).encode()

    assert UPSTREAM.read(body, 0).choices[0].finish == finish


def test_words_of_refusal_reach_either_side() -> None:
    body = b"""{"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":
        "bio","explanation":"I can't help with that."}}"""

    assert UPSTREAM.read(body, 0).choices[0].parts == (Refusal("I can't help with that."),)
    assert written(Refusal("No."), finish="refusal")["content"] == [
        {"type": "text", "text": "No.", "citations": None}
    ]


def test_what_a_model_may_write_oddly() -> None:
    reply = written(
        Thinking("Unsigned."),
        Thinking("", "b3BhcXVl", redacted=True),
        Text(""),
        ToolCall("a", "f", ""),
        ToolCall("b", "f", "{oops"),
    )

    assert reply["content"] == [
        {"type": "thinking", "thinking": "Unsigned.", "signature": ""},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": DIRECT},
        {
            "type": "tool_use",
            "id": "b",
            "name": "f",
            "input": {"arguments": "{oops"},
            "caller": DIRECT,
        },
    ]
    assert json.loads(CLIENT.reply(ModelReply("m", (), USED), REQUEST, HEAD))["content"] == []


def test_adjacent_texts_and_empty_blocks_are_read_as_a_stream_would_give_them() -> None:
    body = b"""{"content":[{"type":"text","text":""},{"type":"text","text":"a"},
        {"type":"text","text":"b"},{"type":"server_tool_use","id":"s","name":"web_search",
        "input":{"query":"x"}},{"type":"redacted_thinking","data":"xyz"},
        {"type":"tool_use","id":"t","name":"f","input":{}}]}"""

    assert UPSTREAM.read(body, 0).choices[0].parts == (
        Text("ab"),
        Thinking("", "xyz", redacted=True),
        ToolCall("t", "f", "{}"),
    )


@pytest.mark.parametrize(
    "usage", ["", ',"usage":null', ',"usage":"free"', ',"usage":{"input_tokens":-1}']
)
def test_usage_is_counted_where_it_is_not_stated(usage: str) -> None:
    body = b'{"content":[{"type":"text","text":"twelve bytes"}]%s}' % usage.encode()

    assert UPSTREAM.look(body, 40).usage == Usage(40, 3, estimated=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"\xff",
        b'{"content":"text"}',
        b'{"type":"error","error":{"type":"api_error","message":"x"}}',
    ],
)
def test_what_is_no_reply_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        UPSTREAM.read(body, 0)
    with pytest.raises(UpstreamBroken):
        UPSTREAM.look(body, 0)


class Strange(PointsmanError):
    def __init__(self, status: int) -> None:
        super().__init__("It broke.")
        self.status = status


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("It broke."), "invalid_request_error"),
        (AuthenticationFailed("It broke."), "authentication_error"),
        (Strange(402), "billing_error"),
        (Strange(403), "permission_error"),
        (UnknownModel("It broke."), "not_found_error"),
        (Strange(413), "request_too_large"),
        (Strange(429), "rate_limit_error"),
        (Strange(422), "invalid_request_error"),
        (Strange(500), "api_error"),
        (UpstreamBroken("It broke."), "api_error"),
        (Unavailable("It broke."), "overloaded_error"),
        (Strange(504), "timeout_error"),
        (Strange(529), "overloaded_error"),
    ],
)
def test_errors_are_in_anthropics_shape(error: PointsmanError, kind: str) -> None:
    body = CLIENT.error(error, "req_1")

    assert json.loads(body) == {
        "type": "error",
        "error": {"type": kind, "message": "It broke."},
        "request_id": "req_1",
    }
    assert CLIENT.stream_error(error, "req_1") == b"event: error\ndata: " + body + b"\n\n"
    assert UPSTREAM.fault(body) == Fault("It broke.", kind)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"error":7}'])
def test_an_error_that_says_nothing_is_an_empty_fault(body: bytes) -> None:
    assert UPSTREAM.fault(body) == Fault()


def test_the_tool_runner_is_told_that_there_are_no_threads() -> None:
    body = CLIENT.error(Inexpressible("`thread`", "OpenAI chat"), "req_1")

    assert json.loads(body)["error"]["details"] == {"error_code": "thread_unsupported_request"}
