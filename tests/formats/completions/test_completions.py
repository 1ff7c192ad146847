"""Legacy completions: checked, passed through, and translated where that is sound."""

import json
from datetime import UTC, datetime

import pytest

from pointsman.conversation import (
    Addressee,
    Began,
    Choice,
    Conversation,
    Finished,
    Message,
    ModelReply,
    Refusal,
    Sampling,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
)
from pointsman.errors import BadRequest, Inexpressible
from pointsman.formats.chat.format import ChatUpstream
from pointsman.formats.completions.format import CompletionsClient, CompletionsUpstream
from pointsman.formats.sse import DONE, Splitter
from pointsman.formats.wire import Head
from pointsman.types import Turn, Usage

CLIENT = CompletionsClient()
UPSTREAM = CompletionsUpstream()
HEAD = Head("req_1", datetime(2026, 11, 21, tzinfo=UTC), "qwen")
#: The body of every parameter in the tests of OpenAI's Python library (tests/api_resources).
ALL_PARAMETERS = {
    "model": "auto",
    "prompt": "This is a test.",
    "best_of": 0,
    "echo": True,
    "frequency_penalty": -2,
    "logit_bias": {"foo": 0},
    "logprobs": 0,
    "max_tokens": 16,
    "n": 1,
    "presence_penalty": -2,
    "seed": 0,
    "stop": "\n",
    "stream": False,
    "stream_options": {"include_obfuscation": True, "include_usage": True},
    "suffix": "test.",
    "temperature": 1,
    "top_p": 1,
    "user": "user-1234",
}


def body(**members: object) -> bytes:
    return json.dumps({"model": "auto", "prompt": "Say hi", **members}).encode()


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (b"7", None),
        (b'{"prompt": "x"}', "model"),
        (b'{"model": "auto"}', "prompt"),
        (body(prompt=[]), "prompt"),
        (body(prompt={"text": "x"}), "prompt"),
        (body(prompt=["x", 1]), "prompt"),
        (body(n=0), "n"),
        (body(logprobs=True), "logprobs"),
        (body(max_tokens="9"), "max_tokens"),
        (body(stream=1), "stream"),
        (body(suffix=3), "suffix"),
    ],
)
def test_a_bad_request_names_the_member_at_fault(sent: bytes, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        CLIENT.parse(sent)

    assert caught.value.param == param


def test_every_parameter_reaches_an_upstream_of_the_same_format() -> None:
    request = CLIENT.parse(json.dumps(ALL_PARAMETERS).encode())

    passed_on = UPSTREAM.pass_through(request, Addressee("m"))

    assert json.loads(passed_on.body) == {**ALL_PARAMETERS, "model": "m"}
    assert request.format == "completions"
    assert request.needs == {"logprobs"}
    assert request.max_output_tokens == 16
    assert not request.include_usage


@pytest.mark.parametrize(
    ("prompt", "turns", "tokens"),
    [
        ("Say hi", [Turn("user", "Say hi")], 2),
        (["a", "b"], [Turn("user", "a"), Turn("user", "b")], 2),
        ([1, 2, 3], [], 3),
        ([[1, 2], [3]], [], 3),
    ],
)
def test_every_kind_of_prompt_is_taken(prompt: object, turns: list[Turn], tokens: int) -> None:
    request = CLIENT.parse(body(prompt=prompt))

    assert list(request.turns) == turns
    assert request.input_tokens == tokens


def test_a_single_text_is_what_a_user_says() -> None:
    sent = body(
        prompt=["Say hi"],
        max_tokens=9,
        stop="\n",
        echo=False,
        best_of=1,
        suffix=None,
        stream=True,
        user="u",
        store=True,
    )

    assert CLIENT.conversation(CLIENT.parse(sent)) == Conversation(
        messages=(Message("user", (Text("Say hi"),)),),
        sampling=Sampling(max_tokens=9, stop=("\n",)),
        stream=True,
        user="u",
        advisory=("store",),
    )


@pytest.mark.parametrize(
    ("members", "foreign"),
    [
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"suffix": "}"}, "suffix"),
        ({"echo": True}, "echo"),
        ({"best_of": 2}, "best_of"),
        ({"logprobs": 0}, "logprobs"),
        ({"grammar": "root ::= x"}, "grammar"),
    ],
)
def test_what_only_a_completion_can_do_is_never_lost(
    members: dict[str, object], foreign: str
) -> None:
    conversation = CLIENT.conversation(CLIENT.parse(body(**members)))

    assert conversation.foreign == (foreign,)
    with pytest.raises(Inexpressible, match=foreign):
        ChatUpstream().encode(conversation, Addressee("m"))


def test_no_conversation_becomes_a_completion() -> None:
    with pytest.raises(Inexpressible):
        UPSTREAM.encode(CLIENT.conversation(CLIENT.parse(body())), Addressee("m"))


def test_a_reply_is_its_text() -> None:
    said = (Thinking("hm"), Text("Hi "), Text("there."), Refusal("No."))
    reply = ModelReply("qwen", (Choice(said, "length"),), Usage(3, 5))

    written = json.loads(CLIENT.reply(reply, CLIENT.parse(body()), HEAD))

    assert written == {
        "id": "cmpl-req_1",
        "object": "text_completion",
        "created": 1795219200,
        "model": "qwen",
        "choices": [
            {"index": 0, "text": "Hi there.No.", "logprobs": None, "finish_reason": "length"}
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 5,
            "total_tokens": 8,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert UPSTREAM.read(json.dumps(written).encode(), 1).choices == (
        Choice((Text("Hi there.No."),), "length"),
    )


@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_is_text_by_text_and_usage_where_asked_for(*, asked: bool) -> None:
    request = CLIENT.parse(body(stream=True, stream_options={"include_usage": asked}))
    writer = CLIENT.writer(request, HEAD)
    deltas = [Began("qwen"), ThinkingDelta("hm"), TextDelta("Hi"), TextDelta("!"), Finished("stop")]

    stream = b"".join(map(writer.write, deltas)) + writer.ending(Usage(3, 5))
    *events, last = Splitter().feed(stream)
    chunks = [json.loads(event.data or b"") for event in events]

    assert last.raw == DONE
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    said = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [(each["text"], each["finish_reason"]) for each in said] == [
        ("Hi", None),
        ("!", None),
        ("", "stop"),
    ]
    assert [chunk["usage"]["total_tokens"] for chunk in chunks if chunk.get("usage")] == [8] * asked


def test_a_stream_passes_through_and_is_counted() -> None:
    request = CLIENT.parse(body(stream=True))
    writer = CLIENT.writer(request, HEAD)
    stream = writer.write(TextDelta("12345678")) + writer.write(Finished("stop"))
    following = UPSTREAM.reader(7, keep_usage=False)
    reading = UPSTREAM.reader(7, keep_usage=False)

    assert b"".join(map(following.follow, Splitter().feed(stream + DONE))) == stream
    assert following.done
    assert following.finished
    assert following.usage == Usage(7, 2, estimated=True)
    assert [d for event in Splitter().feed(stream) for d in reading.read(event)] == [
        Began("qwen"),
        TextDelta("12345678"),
        Finished("stop"),
    ]
