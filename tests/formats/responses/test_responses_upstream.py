"""Upstreams that speak the format: events as OpenAI's reference of streaming has them."""

import json
from collections.abc import Sequence

import pytest

from pointsman.conversation import (
    Addressee,
    Began,
    Conversation,
    Delta,
    Finished,
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
from pointsman.formats.responses.format import ResponsesClient, ResponsesUpstream
from pointsman.formats.responses.reader import StreamReader
from pointsman.formats.sse import Splitter
from pointsman.formats.wire import Fault, Seen
from pointsman.types import Usage

CLIENT = ResponsesClient()
UPSTREAM = ResponsesUpstream()
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 6},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [
        {"type": "summary_text", "text": "One."},
        {"type": "summary_text", "text": "Two."},
    ],
    "encrypted_content": "gAAAA",
}
COMMENTARY = {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "So:"}]}
ANSWER = {"id": "msg_2", "type": "message", "content": [{"type": "output_text", "text": "Yes."}]}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"a":1}',
}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "x"}}
REPLY = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "error": None,
    "model": "gpt-5",
    "output": [REASONING, SEARCH, COMMENTARY, ANSWER, CALL],
    "usage": USAGE,
}


def event(kind: str, **members: object) -> bytes:
    data = json.dumps({"type": kind, "sequence_number": 0, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


HEAD = event("response.created", response={**REPLY, "output": [], "usage": None})
DELTAS = [
    event("response.output_item.added", output_index=0, item={**REASONING, "summary": []}),
    event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="One."),
    event("response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="Two."),
    event("response.output_item.done", output_index=0, item=REASONING),
    event("response.output_item.added", output_index=1, item=SEARCH),
    event("response.output_text.delta", output_index=2, content_index=0, delta="So:"),
    event("response.output_text.delta", output_index=3, content_index=0, delta="Ye"),
    event("response.output_text.delta", output_index=3, content_index=0, delta="s."),
    event("response.output_item.added", output_index=4, item={**CALL, "arguments": ""}),
    event("response.function_call_arguments.delta", output_index=4, delta='{"a"'),
    event("response.function_call_arguments.delta", output_index=4, delta=":1}"),
    event("response.output_item.done", output_index=4, item=CALL),
]
LAST = event("response.completed", response=REPLY)


def reader() -> StreamReader:
    return UPSTREAM.reader(10, keep_usage=False)


def follow(following: StreamReader, *pieces: bytes) -> bytes:
    return b"".join(map(following.follow, Splitter().feed(b"".join(pieces))))


def read(reading: StreamReader, *pieces: bytes) -> Sequence[Delta]:
    events = Splitter().feed(b"".join(pieces))
    return [delta for each in events for delta in reading.read(each)]


def asked(**members: object):
    return CLIENT.parse(json.dumps({"model": "auto", "input": "hi", **members}).encode())


def encoded(conversation: Conversation, **to: object):
    written = UPSTREAM.encode(conversation, Addressee("gpt-5", **to))
    return json.loads(written.body), written.left_out


def test_a_stream_passes_as_it_came_and_its_last_event_is_held_back() -> None:
    following = reader()

    assert follow(following, HEAD) == HEAD
    assert (following.begun, following.model) == (False, "gpt-5")
    assert follow(following, b": ping\n\n", *DELTAS) == b": ping\n\n" + b"".join(DELTAS)
    assert (following.begun, following.finished, following.done) == (True, False, False)
    assert following.usage == Usage(10, 6, estimated=True)
    assert follow(following, LAST) == b""
    assert follow(following, b"data: [DONE]\n\n") == b""
    assert (following.finished, following.done, following.error) == (True, True, None)
    assert following.usage == Usage(10, 4, cached_tokens=6, reasoning_tokens=2)
    assert following.ending() == LAST


@pytest.mark.parametrize(
    "sent",
    [
        event("error", message="overloaded", code="server_error", param=None),
        event("error", error={"message": "overloaded", "code": "server_error", "type": "error"}),
        event(
            "response.failed",
            response={"error": {"message": "overloaded", "code": "server_error", "type": "error"}},
        ),
        b'data: {"error": {"message": "overloaded", "code": "server_error", "type": "error"}}\n\n',
    ],
)
def test_an_upstreams_error_is_kept_back(sent: bytes) -> None:
    following = reader()

    assert follow(following, HEAD, sent) == HEAD
    assert following.error == Fault("overloaded", "error", None, "server_error")
    assert not following.finished
    assert list(read(reader(), sent)) == []


def test_a_stream_that_stops_short_has_no_end() -> None:
    following = reader()
    follow(following, HEAD, *DELTAS)

    assert following.ending() == b""


@pytest.mark.parametrize("data", [b"oops", b"[]", b'{"type": 3}', b'{"type": "x", "item": 3}'])
def test_what_is_no_event_breaks_the_stream(data: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        follow(reader(), b"data: " + data + b"\n\n")


def test_a_whole_reply_is_looked_at() -> None:
    assert UPSTREAM.look(json.dumps(REPLY).encode(), 99) == Seen(
        Usage(10, 4, cached_tokens=6, reasoning_tokens=2), "gpt-5"
    )
    uncounted = {"output": [COMMENTARY, CALL], "usage": {"input_tokens": -1, "output_tokens": 1}}
    assert UPSTREAM.look(json.dumps(uncounted).encode(), 99) == Seen(Usage(99, 5, estimated=True))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"object": "list"}',
        b'{"output": [], "error": {"message": "no"}}',
    ],
)
def test_a_success_status_is_no_proof_of_a_reply(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        UPSTREAM.look(body, 1)
    with pytest.raises(UpstreamBroken):
        UPSTREAM.read(body, 1)


def test_a_whole_reply_is_read() -> None:
    reply = UPSTREAM.read(json.dumps(REPLY).encode(), 99)

    assert reply.choices[0].parts == (
        Thinking("One.\n\nTwo.", "responses:gAAAA"),
        Text("So:\n\nYes."),
        ToolCall("call_1", "weather", '{"a":1}'),
    )
    assert (reply.model, reply.choices[0].finish) == ("gpt-5", "tool_calls")


@pytest.mark.parametrize(
    ("members", "finish"),
    [
        ({"output": [ANSWER]}, "stop"),
        ({"output": [{"type": "message", "content": [{"refusal": "No."}]}]}, "refusal"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": None}, "length"),
    ],
)
def test_how_replies_finish(members: dict[str, object], finish: str) -> None:
    reply = {**REPLY, **members}
    last = event(f"response.{reply['status']}", response=reply)
    whole = UPSTREAM.read(json.dumps(reply).encode(), 1).choices[0].finish

    assert whole == finish
    assert read(reader(), last) == [Finished(whole)]


def test_a_stream_is_read() -> None:
    assert read(reader(), HEAD, *DELTAS, LAST) == [
        Began("gpt-5"),
        ThinkingDelta("One."),
        ThinkingDelta("\n\nTwo."),
        ThinkingDelta(signature="responses:gAAAA"),
        TextDelta("So:"),
        TextDelta("\n\nYe"),
        TextDelta("s."),
        ToolCallBegan(0, "call_1", "weather"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ":1}"),
        Finished("tool_calls"),
    ]


def test_servers_that_tell_a_call_at_once_and_refusals_and_probabilities() -> None:
    tokens = [{"token": "x", "logprob": -1, "top_logprobs": []}]

    assert read(
        reader(),
        event("response.output_text.delta", output_index=0, delta="x", logprobs=tokens),
        event("response.refusal.delta", output_index=0, delta="No."),
        event("response.reasoning_text.delta", output_index=1, delta="Hm."),
        event("response.output_item.done", output_index=2, item=CALL),
    ) == [
        TextDelta("x", logprobs={"content": tokens, "refusal": None}),
        RefusalDelta("No."),
        ThinkingDelta("Hm."),
        ToolCallBegan(0, "call_1", "weather"),
        ToolCallDelta(0, '{"a":1}'),
    ]


def test_faults() -> None:
    body = b'{"error": {"message": "no", "type": "t", "param": "p", "code": 400}}'

    assert UPSTREAM.fault(body) == Fault("no", "t", "p")
    assert UPSTREAM.fault(b'{"error": "no"}') == Fault("no")
    assert UPSTREAM.fault(b"<html>") == Fault()
