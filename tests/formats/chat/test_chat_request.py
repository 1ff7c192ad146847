"""A chat request: what is refused, what is seen, what reaches the upstream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import Addressee
from pointsman.errors import BadRequest
from pointsman.formats.chat.request import (
    chat_body,
    parse_chat,
    pass_through,
)
from pointsman.types import Turn

HELLO = [{"role": "user", "content": "hello"}]


def body(**members: object) -> bytes:
    return json.dumps({"model": "auto", "messages": HELLO, **members}).encode()


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (b"[]", None),
        (b'"text"', None),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "model"),
        (b'{"model": 7, "messages": [{"role": "user", "content": "x"}]}', "model"),
        (b'{"model": "auto"}', "messages"),
        (body(messages=[]), "messages"),
        (body(messages="hello"), "messages"),
        (body(messages=["hello"]), "messages[0]"),
        (body(messages=[{"content": "x"}]), "messages[0].role"),
        (body(messages=[{"role": "boss", "content": "x"}]), "messages[0].role"),
        (body(messages=[{"role": "user"}]), "messages[0].content"),
        (body(messages=[*HELLO, {"role": "user", "content": 7}]), "messages[1].content"),
        (body(messages=[{"role": "user", "content": [7]}]), "messages[0].content"),
        (
            body(messages=[{"role": "user", "content": [{"type": "text", "text": 7}]}]),
            "messages[0].content",
        ),
        (body(stream="yes"), "stream"),
        (body(stream=True, stream_options=[]), "stream_options"),
        (body(stream=True, stream_options={"include_usage": 1}), "stream_options.include_usage"),
        (body(max_tokens=True), "max_tokens"),
        (body(tools=[{"x": 1}]), "tools[0]"),
        (body(max_completion_tokens=1.5), "max_completion_tokens"),
        (body(n=-1), "n"),
        (body(tools={}), "tools"),
        (body(response_format="json"), "response_format"),
        (body(logprobs="true"), "logprobs"),
    ],
)
def test_a_bad_request_names_the_member_at_fault(sent: bytes, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_chat(sent)

    assert caught.value.status == 400
    assert caught.value.param == param


def test_sees_what_routing_needs() -> None:
    request = parse_chat(
        body(
            messages=[
                {"role": "developer", "content": "be brief"},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
                {"role": "assistant", "content": None, "tool_calls": []},
                {"role": "tool", "content": "42", "tool_call_id": "x"},
            ],
            stream=True,
            stream_options={"include_usage": True},
            max_completion_tokens=7,
            max_tokens=9,
            metadata={"unknown": "kept"},
        )
    )

    assert request.turns == (
        Turn("developer", "be brief"),
        Turn("user", "a\nb"),
        Turn("assistant", ""),
        Turn("tool", "42"),
    )
    assert request.stream
    assert request.include_usage
    assert request.max_output_tokens == 9  # each server reads one of the two
    assert request.needs == frozenset()
    assert 0 < request.input_tokens < 40


@pytest.mark.parametrize(
    ("members", "need"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "json_schema"),
        ({"logprobs": True}, "logprobs"),
        ({"n": 2}, "n"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "vision",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "audio"),
    ],
)
def test_what_not_every_model_can_do_is_a_need(members: dict[str, object], need: str) -> None:
    assert parse_chat(body(**members)).needs == {need}


def test_the_upstream_gets_the_clients_own_bytes() -> None:
    sent = (
        b'{ "temperature": 1.0, "model" : "auto", "seed": 1e3,\n'
        b'  "messages": [ {"content": "h\\u00e9\\/ \\ud83d\\ude00", "role": "user"} ],'
        b' "x-unknown": {"b": 1, "a": [ 1,2 ]}, "stream_options": {"include_usage": false, "x": 1},'
        b' "stream": true }'
    )

    passed_on = pass_through(parse_chat(sent), Addressee("real-model")).body

    assert passed_on == (
        b'{"temperature":1.0,"model":"real-model","seed":1e3,'
        b'"messages":[ {"content": "h\\u00e9\\/ \\ud83d\\ude00", "role": "user"} ],'
        b'"x-unknown":{"b": 1, "a": [ 1,2 ]},"stream_options":{"include_usage":true,"x":1},'
        b'"stream":true}'
    )


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda k: k not in {"model", "messages", "n"}),
        st.integers() | st.text(max_size=9) | st.lists(st.booleans(), max_size=3),
        max_size=5,
    )
)
def test_unknown_members_survive(members: dict[str, object]) -> None:
    try:
        sent = body(**{f"x_{name}": value for name, value in members.items()})
        request = parse_chat(sent)
    except (BadRequest, UnicodeEncodeError):
        return  # surrogates, and integers that no parser agrees on

    passed_on = json.loads(pass_through(request, Addressee("m")).body)

    assert passed_on == {**json.loads(sent), "model": "m"}


def test_a_prompt_becomes_a_request() -> None:
    request = parse_chat(chat_body("auto", "hi", {"max_tokens": 3}))

    assert request.turns == (Turn("user", "hi"),)
    assert request.max_output_tokens == 3


@pytest.mark.parametrize("limit", [-1, 0])
def test_no_limit_in_other_servers_words_is_left_to_them(limit: int) -> None:
    assert parse_chat(body(max_tokens=limit)).max_output_tokens is None


def test_tool_calls_and_schemas_count_as_prompt() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "x" * 4000}}
    schema = {"type": "json_schema", "json_schema": {"description": "x" * 4000}}
    calling = [*HELLO, {"role": "assistant", "tool_calls": [call]}]

    assert parse_chat(body(messages=calling)).input_tokens > 1000
    assert parse_chat(body(response_format=schema)).input_tokens > 1000


def test_a_lone_surrogate_is_refused_from_python_too() -> None:
    with pytest.raises(BadRequest, match="surrogate"):
        chat_body("auto", "\ud800", {})


def test_the_configuration_may_drop_and_set_members() -> None:
    request = parse_chat(body(temperature=0.5, stream=True, prompt_cache_key="s1"))
    to = Addressee("m", drop=frozenset({"temperature"}), extra={"keep_alive": "5m"})

    passed_on = pass_through(request, to)

    assert request.session == "s1"
    assert passed_on.left_out == ("temperature",)
    assert json.loads(passed_on.body) == {
        "model": "m",
        "messages": HELLO,
        "stream": True,
        "prompt_cache_key": "s1",
        "stream_options": {"include_usage": True},
        "keep_alive": "5m",
    }
