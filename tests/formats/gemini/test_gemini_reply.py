"""Replies, whole and streamed. The literal bodies are in the shape of Google's documentation."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import (
    Addressee,
    Began,
    Choice,
    Conversation,
    Delta,
    Finished,
    Message,
    Part,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallBegan,
    ToolCallDelta,
)
from pointsman.errors import Inexpressible, UpstreamBroken
from pointsman.formats.collecting import choices
from pointsman.formats.gemini.error import retry_after
from pointsman.formats.gemini.format import GeminiUpstream
from pointsman.formats.sse import Event, Splitter
from pointsman.formats.wire import Fault, StreamReader, UpstreamFormat
from pointsman.types import ModelRequest, Usage

GEMINI: UpstreamFormat = GeminiUpstream()

CALLS = b"""{
  "candidates": [{
    "content": {"parts": [
      {"text": "**Looking it up**", "thought": true},
      {"functionCall": {"name": "weather", "args": {"city": "Rome", "days": [1, 2]}},
       "thoughtSignature": "c2lnbmF0dXJl"},
      {"functionCall": {"id": "abc123", "name": "now"}}
    ], "role": "model"},
    "finishReason": "STOP", "index": 0
  }],
  "usageMetadata": {
    "promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 175,
    "cachedContentTokenCount": 60, "thoughtsTokenCount": 50, "toolUsePromptTokenCount": 5,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}]
  },
  "modelVersion": "gemini-3.8-flash",
  "responseId": "mAItaLmkHPPlz7IPvtfUqQ4"
}"""


def chunk(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **more}


def stream(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks)


def heard(body: bytes, prompt_tokens: int = 9) -> tuple[StreamReader, list[Delta]]:
    reader = GEMINI.reader(prompt_tokens, keep_usage=False)
    return reader, [delta for event in Splitter().feed(body) for delta in reader.read(event)]


def choice(**body: Any) -> Choice:
    return GEMINI.read(json.dumps(body).encode(), 9).choices[0]


def test_a_reply_with_calls_is_read_whole() -> None:
    reply = GEMINI.read(CALLS, 9)

    thought, first, second = reply.choices[0].parts
    assert reply.model == "gemini-3.8-flash"
    assert reply.choices[0].finish == "tool_calls"
    assert thought == Thinking("**Looking it up**")
    assert isinstance(first, ToolCall)
    assert (first.name, first.arguments) == ("weather", '{"city":"Rome","days":[1,2]}')
    assert first.signature == "c2lnbmF0dXJl"
    assert second == ToolCall("abc123", "now", "{}")
    assert reply.usage == Usage(105, 70, cached_tokens=60, reasoning_tokens=50)
    assert GEMINI.look(CALLS, 9).usage == reply.usage
    assert GEMINI.look(CALLS, 9).model == reply.model


def test_a_call_without_an_id_gets_the_same_one_each_time_and_another_in_another_reply() -> None:
    def call_id(body: bytes) -> str:
        call = GEMINI.read(body, 9).choices[0].parts[1]
        assert isinstance(call, ToolCall)
        return call.id

    assert call_id(CALLS) == call_id(CALLS)
    assert call_id(CALLS) != call_id(CALLS.replace(b"mAItaLmk", b"nAItaLmk"))


def test_a_stream_says_what_it_holds_chunk_by_chunk() -> None:
    reader, deltas = heard(
        stream(
            {"usageMetadata": {"promptTokenCount": 7}, "modelVersion": "gemini-3.8-flash"},
            chunk({"text": "Hmm.", "thought": True}, modelVersion="gemini-3.8-flash"),
            chunk({"text": "Hel"}),
            chunk({"text": "lo"}),
            chunk({"text": "", "thoughtSignature": "c2ln"}),
            chunk({"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}}),
            chunk({"text": ""}, finish="STOP"),
            {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3}},
        )
    )

    assert deltas == [
        Began("gemini-3.8-flash"),
        ThinkingDelta("Hmm."),
        TextDelta("Hel"),
        TextDelta("lo"),
        ThinkingDelta("", "gemini:c2ln"),
        ToolCallBegan(0, "a", "f"),
        ToolCallDelta(0, '{"x":1}'),
        Finished("tool_calls"),
    ]
    assert (reader.begun, reader.finished, reader.done) == (True, True, False)
    assert reader.usage == Usage(7, 3)
    assert reader.model == "gemini-3.8-flash"
    assert reader.error is None


def test_a_head_without_anything_said_is_no_answer_yet() -> None:
    reader, deltas = heard(b": ping\n\n" + stream({"usageMetadata": {"promptTokenCount": 7}}))

    assert deltas == []
    assert not reader.begun
    assert not reader.finished


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("OTHER", "other"),
        ("A_NEW_ONE", "other"),
        (None, "stop"),
    ],
)
def test_why_a_reply_ended(reason: str | None, finish: str) -> None:
    assert choice(**chunk({"text": "Hi"}, finish=reason)).finish == finish


def test_a_call_that_was_cut_off_is_not_waiting_for_results() -> None:
    call = {"functionCall": {"name": "f"}}

    assert choice(**chunk(call, finish="MAX_TOKENS")).finish == "length"


def test_a_blocked_prompt_is_an_answer_without_words() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
    }
    reader, deltas = heard(stream(blocked))

    assert choice(**blocked) == Choice((), "content_filter")
    assert deltas == [Began(None), Finished("content_filter")]
    assert reader.finished
    assert reader.usage == Usage(8, 0)


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"]
)
def test_a_model_that_failed_to_call_a_tool_has_not_answered(reason: str) -> None:
    with pytest.raises(UpstreamBroken, match=reason):
        choice(**chunk(finish=reason))
    with pytest.raises(UpstreamBroken, match=reason):
        heard(stream(chunk({"text": "I call"}), chunk(finish=reason)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>captive portal</html>",
        b"[]",
        b"{}",
        b'{"candidates": []}',
        b'{"candidates": [{}]}',
        b'{"candidates": "x"}',
        b'{"error": {"code": 500, "message": "no", "status": "INTERNAL"}}',
        b'{"candidates": [{"content": {"parts": [{"inlineData": {"data": ""}}]}}]}',
        b"\xff",
    ],
)
def test_a_success_status_is_no_proof_of_a_reply(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        GEMINI.read(body, 1)
    with pytest.raises(UpstreamBroken):
        GEMINI.look(body, 1)


def test_usage_that_is_missing_or_absurd_is_counted_and_marked() -> None:
    body = chunk({"text": "1234", "thought": True}, {"text": "12345678"}, finish="STOP")
    for said in ({}, {"promptTokenCount": -1}, {"promptTokenCount": "x"}, [], None):
        counted = GEMINI.look(json.dumps({**body, "usageMetadata": said}).encode(), 9).usage

        assert counted == Usage(9, 3, reasoning_tokens=1, estimated=True)


def test_a_stream_that_breaks_off_counts_what_it_has_said() -> None:
    reader, _ = heard(stream(chunk({"text": "12345678"}, usageMetadata={"promptTokenCount": 7})))

    assert not reader.finished
    assert reader.usage == Usage(7, 2, estimated=True)


def test_more_than_one_candidate_is_as_many_choices() -> None:
    one = {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"}
    two = {"content": {"parts": [{"text": "B"}]}, "finishReason": "MAX_TOKENS", "index": 1}

    reply = GEMINI.read(json.dumps({"candidates": [two, one]}).encode(), 9)

    assert reply.choices == (
        Choice((Text("A"),), "stop"),
        Choice((Text("B"),), "length", index=1),
    )


def test_logprobs_come_in_openais_words() -> None:
    token = {"token": "Hi", "tokenId": 7, "logProbability": -0.25}
    other = {"token": "Yo", "tokenId": 8, "logProbability": -1.5}
    said = chunk({"text": "Hi"}, finish="STOP")
    said["candidates"][0]["logprobsResult"] = {
        "chosenCandidates": [token, {"token": "!"}],
        "topCandidates": [{"candidates": [token, other]}],
    }
    hi = {"token": "Hi", "logprob": -0.25, "bytes": None}
    yo = {"token": "Yo", "logprob": -1.5, "bytes": None}
    content = [
        {**hi, "top_logprobs": [hi, yo]},
        {"token": "!", "logprob": -9999.0, "bytes": None, "top_logprobs": []},
    ]

    assert choice(**said).logprobs == {"content": content, "refusal": None}
    _, deltas = heard(stream(said, said))
    assert choices(deltas)[0].logprobs == {"content": content * 2, "refusal": None}


QUOTA = b"""{"error": {"code": 429, "message": "You exceeded your current quota.",
 "status": "RESOURCE_EXHAUSTED", "details": [
  {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "x"}]},
  {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "39.5s"}]}}"""
INVALID = b"""[{"error": {"code": 400, "message": "Invalid value", "status": "INVALID_ARGUMENT",
 "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest",
  "fieldViolations": [{"field": "generation_config.top_k", "description": "no"}]}]}}]"""


def test_errors_are_read_in_googles_shape_alone_or_in_a_list() -> None:
    assert GEMINI.fault(QUOTA) == Fault(
        "You exceeded your current quota.", code="RESOURCE_EXHAUSTED", retry_after=39.5
    )
    assert retry_after(QUOTA) == 39.5
    assert GEMINI.fault(INVALID) == Fault(
        "Invalid value", code="INVALID_ARGUMENT", param="generation_config.top_k"
    )
    assert retry_after(INVALID) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"502", b'{"error": "no"}', b"\xff", b"<html>"])
def test_an_error_in_any_other_shape_says_nothing(body: bytes) -> None:
    assert GEMINI.fault(body) == Fault()
    assert retry_after(body) is None


@pytest.mark.parametrize(
    "framed", [b"data: " + QUOTA.replace(b"\n", b"") + b"\n\n", QUOTA + b"\r\n\r\n"]
)
def test_an_error_in_a_stream_is_read_in_an_event_and_bare(framed: bytes) -> None:
    reader, deltas = heard(stream(chunk({"text": "Hi"})) + framed)

    assert deltas == [Began(None), TextDelta("Hi")]
    assert reader.error == GEMINI.fault(QUOTA)
    assert not reader.finished
    event = next(iter(Splitter().feed(framed)))
    assert GEMINI.reader(1, keep_usage=True).follow(event) == b""


def test_nothing_passes_through_but_events_could() -> None:
    reader = GEMINI.reader(1, keep_usage=True)
    event = next(iter(Splitter().feed(stream(chunk({"text": "Hi"}, finish="STOP")))))

    assert reader.follow(event) == event.raw
    assert reader.finished
    assert reader.ending() == b""
    with pytest.raises(Inexpressible, match="a chat request as it is"):
        GEMINI.pass_through(ModelRequest("m", (), {}), Addressee("gemini-3.8-flash"))


def test_what_is_no_chunk_breaks_the_stream() -> None:
    with pytest.raises(UpstreamBroken):
        GEMINI.reader(1, keep_usage=False).read(Event(b"data: x\n\n", b"x"))


# Any reply, cut anywhere.

_WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
_SIGNATURES = st.none() | st.binary(min_size=1, max_size=6).map(bytes.hex)
_ARGUMENTS = st.dictionaries(_WORDS, st.integers() | _WORDS | st.lists(st.booleans()), max_size=3)


@st.composite
def _wire_part(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["text", "thought", "call", "signature"]))
    signature = draw(_SIGNATURES)
    signed = {"thoughtSignature": signature} if signature else {}
    if kind == "call":
        call = {"name": draw(_WORDS), "args": draw(_ARGUMENTS)}
        return {"functionCall": call, **signed}
    if kind == "signature":
        return {"text": "", **signed}
    thought = {"thought": True} if kind == "thought" else {}
    return {"text": draw(_WORDS), **thought, **signed}


_REPLIES = st.lists(st.lists(_wire_part(), max_size=3), min_size=1, max_size=5)


@given(pieces=_REPLIES, finish=st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]))
def test_streamed_and_whole_give_the_same_reply(
    pieces: list[list[dict[str, Any]]], finish: str
) -> None:
    tail = {"responseId": "r", "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2}}
    whole = chunk(*(part for parts in pieces for part in parts), finish=finish, **tail)
    chunks = [chunk(*parts, **tail) for parts in pieces]

    reply = GEMINI.read(json.dumps(whole, indent=2).encode(), 9)
    reader, deltas = heard(stream(*chunks, chunk(finish=finish, **tail)))

    assert choices(deltas) == reply.choices
    assert reader.usage == reply.usage
    calls = [part.id for part in reply.choices[0].parts if isinstance(part, ToolCall)]
    assert len(set(calls)) == len(calls)


@given(pieces=_REPLIES, cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_where_the_bytes_are_cut_makes_no_difference(
    pieces: list[list[dict[str, Any]]], cuts: list[int]
) -> None:
    body = stream(*(chunk(*parts) for parts in pieces), chunk(finish="STOP"))
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    splitter, reader = Splitter(), GEMINI.reader(9, keep_usage=False)

    deltas = [
        delta
        for start, end in pairwise(edges)
        for event in splitter.feed(body[start:end])
        for delta in reader.read(event)
    ]

    assert deltas == heard(body)[1]


@given(pieces=_REPLIES)
def test_what_a_model_said_can_be_said_back_to_it(pieces: list[list[dict[str, Any]]]) -> None:
    wire = chunk(*(part for parts in pieces for part in parts), finish="STOP", responseId="r")
    parts = GEMINI.read(json.dumps(wire).encode(), 9).choices[0].parts

    said_back = Conversation((Message("user", (Text("Hi"),)), Message("assistant", parts)))
    encoded = json.loads(GEMINI.encode(said_back, Addressee("gemini-2.5-flash")).body)
    again = chunk(*_model_parts(encoded), finish="STOP", responseId="r")

    assert GEMINI.read(json.dumps(again).encode(), 9).choices[0].parts == parts


def _model_parts(body: dict[str, Any]) -> Sequence[dict[str, Any]]:
    parts = [c["parts"] for c in body["contents"] if c["role"] == "model"]
    return [part for each in parts for part in each]


def test_parts_keep_their_order() -> None:
    parts: tuple[Part, ...] = choice(
        **chunk({"text": "a"}, {"functionCall": {"id": "1", "name": "f"}}, {"text": "b"})
    ).parts

    assert parts == (Text("a"), ToolCall("1", "f", "{}"), Text("b"))
