"""Replies, whole and streamed: the upstream's lines are from Ollama's docs/api.md."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.ollama.words import HEAD, lines

from pointsman.conversation import (
    Began,
    Choice,
    Delta,
    Finish,
    Finished,
    ModelReply,
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
from pointsman.errors import BadRequest, Unavailable, UnknownModel, UpstreamBroken
from pointsman.formats.ndjson import LineSplitter
from pointsman.formats.ollama.format import (
    GenerateClient,
    GenerateUpstream,
    OllamaClient,
    OllamaUpstream,
)
from pointsman.formats.ollama.stream import StreamReader, StreamWriter
from pointsman.formats.wire import Fault
from pointsman.types import Usage

AT = "2023-08-04T19:22:45.499127Z"
COUNTS = {
    "total_duration": 4883583458,
    "load_duration": 1334875,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 342546000,
    "eval_count": 282,
    "eval_duration": 4535599000,
}
CHAT = OllamaClient().parse(b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
GENERATE = GenerateClient().parse(b'{"model":"m","prompt":"hi"}')


def line(message: dict[str, object], **more: object) -> bytes:
    said = {"model": "llama3.2", "created_at": AT, "message": {"role": "assistant", **message}}
    return json.dumps(said | {"done": False} | more).encode() + b"\n"


LAST = line({"content": ""}, done=True, done_reason="stop", **COUNTS)
STREAM = line({"content": "The"}) + line({"content": " sky"}) + LAST


def collected(deltas: Iterable[Delta]) -> Choice:
    """What the deltas add up to."""
    parts: list[Part] = []
    likely: list[object] = []
    finish: Finish = "stop"
    for delta in deltas:
        last = parts[-1] if parts else None
        match delta:
            case TextDelta(text, _, logprobs):
                if isinstance(logprobs, dict) and isinstance(logprobs["content"], list):
                    likely += logprobs["content"]
                if isinstance(last, Text):
                    parts[-1] = Text(last.text + text)
                elif text:
                    parts.append(Text(text))
            case ThinkingDelta(text):
                joins = isinstance(last, Thinking)
                parts[len(parts) - joins :] = [Thinking((last.text if joins else "") + text)]
            case ToolCallBegan(_, call_id, name):
                parts.append(ToolCall(call_id, name, ""))
            case ToolCallDelta(_, more) if isinstance(last, ToolCall):
                parts[-1] = ToolCall(last.id, last.name, last.arguments + more)
            case Finished():
                finish = delta.finish
    found = {"content": likely, "refusal": None} if likely else None
    return Choice(tuple(parts), finish, logprobs=json.loads(json.dumps(found)))


def test_a_stream_passes_through_and_its_end_is_held_back() -> None:
    reader = OllamaUpstream().reader(9, keep_usage=True)

    passed = b"".join(reader.follow(event) for event in lines(STREAM))

    assert passed + reader.ending() == STREAM
    assert passed == STREAM.removesuffix(LAST)
    assert (reader.begun, reader.done, reader.finished) == (True, True, True)
    assert reader.model == "llama3.2"
    assert reader.usage == Usage(26, 282)


def test_a_prompts_stream_passes_through_too() -> None:
    first = b'{"model":"codellama","created_at":"x","response":"The","done":false}\n'
    last = b'{"model":"codellama","response":"","done":true,"done_reason":"stop","context":[1]}\n'
    reader = GenerateUpstream().reader(9, keep_usage=True)

    assert b"".join(reader.follow(event) for event in lines(first + last)) == first
    assert reader.ending() == last
    assert reader.usage == Usage(9, 1, estimated=True)


def test_a_stream_without_an_end_gets_one() -> None:
    for upstream, place in [(OllamaUpstream(), "message"), (GenerateUpstream(), "response")]:
        reader = upstream.reader(9, keep_usage=True)

        ending = json.loads(reader.ending())

        assert ending["done"]
        assert place in ending
        assert not reader.done


def test_an_error_in_a_stream_is_told() -> None:
    reader = StreamReader(9)

    passed = [
        reader.follow(event) for event in lines(line({"content": "a"}) + b'{"error":"no memory"}\n')
    ]

    assert passed[1] == b""
    assert reader.error == Fault("no memory")
    assert not reader.done


@pytest.mark.parametrize("data", [b"oops", b"[]", b'{"status":"ok"}', b'{"message":{"content":1}}'])
def test_what_is_no_line_of_a_reply_is_broken(data: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        StreamReader(9).follow(lines(data + b"\n")[0])
    with pytest.raises(UpstreamBroken):
        OllamaUpstream().read(data, 9)


def test_a_success_status_may_hold_an_error() -> None:
    with pytest.raises(UpstreamBroken, match="no memory"):
        OllamaUpstream().look(b'{"error":"no memory"}', 9)


def test_a_whole_reply() -> None:
    calls = [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]
    body = line(
        {"content": "", "thinking": "hm", "tool_calls": calls},
        done=True,
        done_reason="stop",
        **COUNTS,
    )

    reply = OllamaUpstream().read(body, 9)

    thought, call = reply.choices[0].parts
    assert thought == Thinking("hm")
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Paris"})
    assert reply.choices[0].finish == "tool_calls"
    assert (reply.model, reply.usage) == ("llama3.2", Usage(26, 282))
    assert OllamaUpstream().look(body, 9).usage == reply.usage


def test_the_same_call_in_another_reply_has_another_id() -> None:
    call = {"function": {"name": "now", "arguments": {}}}
    bodies = [line({"content": "", "tool_calls": [call, call]}, created_at=at) for at in ("a", "b")]

    ids = {
        part.id
        for body in bodies
        for part in OllamaUpstream().read(body, 9).choices[0].parts
        if isinstance(part, ToolCall)
    }

    assert len(ids) == 4


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "stop"), ("length", "length"), ("load", "stop"), ("", "stop"), (None, "stop")],
)
def test_how_replies_end(reason: str | None, finish: Finish) -> None:
    body = line({"content": "x"}, done=True, done_reason=reason)

    assert OllamaUpstream().read(body, 9).choices[0].finish == finish


def test_log_probabilities_take_openais_shape_and_come_back() -> None:
    token = {
        "token": "The",
        "logprob": -0.5,
        "top_logprobs": [{"token": "A", "logprob": -1.5, "bytes": [65]}],
    }
    body = line({"content": "The"}, done=True, logprobs=[token])

    reply = OllamaUpstream().read(body, 9)

    assert reply.choices[0].logprobs == {
        "content": [
            {
                "token": "The",
                "logprob": -0.5,
                "bytes": None,
                "top_logprobs": [{"token": "A", "logprob": -1.5, "bytes": [65]}],
            }
        ],
        "refusal": None,
    }
    assert json.loads(OllamaClient().reply(reply, CHAT, HEAD))["logprobs"] == [token]


def test_a_reply_is_written_in_the_words_of_its_path() -> None:
    said = (Thinking("hm", "sig"), Text("Hello"), ToolCall("c1", "now", ""))
    reply = ModelReply("x", (Choice(said, "tool_calls"),), Usage(10, 4))
    end = {
        "done": True,
        "done_reason": "stop",
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": 10,
        "prompt_eval_duration": 0,
        "eval_count": 4,
        "eval_duration": 0,
    }
    head = {"model": "llama3.2", "created_at": "2026-11-21T12:00:00Z"}
    call = {"id": "c1", "function": {"index": 0, "name": "now", "arguments": {}}}

    assert json.loads(OllamaClient().reply(reply, CHAT, HEAD)) == head | end | {
        "message": {
            "role": "assistant",
            "content": "Hello",
            "thinking": "hm",
            "tool_calls": [call],
        }
    }
    assert json.loads(GenerateClient().reply(reply, GENERATE, HEAD)) == head | end | {
        "response": "Hello",
        "thinking": "hm",
        "tool_calls": [call],
    }


def test_calls_are_said_whole_when_the_reply_has_ended() -> None:
    writer = OllamaClient().writer(CHAT, HEAD)

    early = [
        writer.write(delta)
        for delta in (
            Began("x"),
            ThinkingDelta(signature="sig"),
            RefusalDelta("No."),
            ToolCallBegan(0, "c1", "f"),
            ToolCallDelta(0, '{"a"'),
            ToolCallBegan(1, "c2", "g"),
            ToolCallDelta(0, ":1}"),
        )
    ]
    called = json.loads(writer.write(Finished("tool_calls")))
    last = json.loads(writer.ending(Usage(3, 2)))

    assert [bool(each) for each in early] == [False, False, True, False, False, False, False]
    assert called["message"]["tool_calls"] == [
        {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
        {"id": "c2", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]
    assert not called["done"]
    assert (last["done"], last["done_reason"]) == (True, "stop")
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 2)


def test_a_call_that_was_cut_short_is_left_out_and_one_that_is_no_json_is_broken() -> None:
    cut = StreamWriter(HEAD)
    broken = StreamWriter(HEAD)
    for writer in (cut, broken):
        writer.write(ToolCallBegan(0, "c1", "f"))
        writer.write(ToolCallDelta(0, '{"a":'))

    assert cut.write(Finished("length")) == b""
    assert json.loads(cut.ending(Usage()))["done_reason"] == "length"
    with pytest.raises(UpstreamBroken):
        broken.write(Finished("tool_calls"))


def test_errors_are_one_member() -> None:
    client = OllamaClient()
    unknown = UnknownModel("there is no model 'x'; there are: a, b", param="model")

    assert json.loads(client.error(unknown, "r")) == {
        "error": "model 'x' not found; there are: a, b"
    }
    assert json.loads(client.error(UnknownModel("gone"), "r")) == {"error": "model not found: gone"}
    assert json.loads(client.error(BadRequest("no"), "r")) == {"error": "no"}
    assert client.stream_error(Unavailable("later"), "r") == b'{"error":"later"}\n'


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"error":"model \'x\' not found"}', Fault("model 'x' not found")),
        (b'{"StatusCode":503,"error":"server busy"}', Fault("server busy")),
        (b'{"error":{"message":"no","type":"t"}}', Fault("no", "t")),
        (b"<html>", Fault()),
        (b"{}", Fault()),
    ],
)
def test_errors_are_read(body: bytes, fault: Fault) -> None:
    assert OllamaUpstream().fault(body) == fault


words = st.text(min_size=1, max_size=6)
arguments = st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
tokens = st.builds(
    lambda token: {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []}, words
)
likelihoods = st.none() | st.builds(lambda token: {"content": [token], "refusal": None}, tokens)


@st.composite
def replies(draw: st.DrawFn) -> tuple[list[Delta], Usage]:
    """A stream of deltas in the order in which Ollama can say them."""
    deltas: list[Delta] = [Began("x")]
    deltas += [ThinkingDelta(text) for text in draw(st.lists(words, max_size=3))]
    texts = draw(st.lists(st.tuples(words, likelihoods), max_size=4))
    deltas += [TextDelta(text, logprobs=likely) for text, likely in texts]
    called = draw(st.lists(arguments, max_size=2))
    for number, stated in enumerate(called):
        written = json.dumps(stated, separators=(",", ":"), ensure_ascii=False)
        cut = draw(st.integers(0, len(written)))
        deltas.append(ToolCallBegan(number, f"c{number}", "f"))
        deltas += [ToolCallDelta(number, written[:cut]), ToolCallDelta(number, written[cut:])]
    finish: Finish = "tool_calls" if called else draw(st.sampled_from(["stop", "length"]))
    usage = Usage(draw(st.integers(0, 99)), draw(st.integers(0, 99)))
    return [*deltas, Finished(finish)], usage


@given(replies(), st.booleans(), st.data())
def test_what_is_written_reads_the_same_whole_streamed_and_cut_anywhere(
    said: tuple[list[Delta], Usage],
    generate: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    deltas, usage = said
    writer = StreamWriter(HEAD, generate=generate)
    stream = b"".join(map(writer.write, deltas)) + writer.ending(usage)
    cut = data.draw(st.integers(0, len(stream)))
    splitter, reader = LineSplitter(), StreamReader(9, generate=generate)

    events = [*splitter.feed(stream[:cut]), *splitter.feed(stream[cut:])]
    read = [delta for event in events for delta in reader.read(event)]

    expected = collected(deltas)
    assert collected(read) == expected
    assert (reader.usage, reader.done, reader.finished) == (usage, True, True)
    client, request = (GenerateClient(), GENERATE) if generate else (OllamaClient(), CHAT)
    whole = client.reply(ModelReply("x", (expected,), usage), request, HEAD)
    assert OllamaUpstream().read(whole, 9) == ModelReply("llama3.2", (expected,), usage)
