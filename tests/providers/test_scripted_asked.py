"""The scripted provider refuses what OpenAI refuses, and names the member at fault."""

import json

import pytest

from pointsman.providers.scripted import ScriptedProvider
from pointsman.types import ModelRequest

USER = {"role": "user", "content": "Well?"}
CLOCK = {"type": "function", "function": {"name": "read_clock"}}
ABSENT = {"type": "function", "function": {"name": "get_weather"}}


async def send(body):
    """Send a body, or members; give back status, headers and body."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    delivery = await ScriptedProvider("m").answer(body)
    return delivery.status, delivery.headers, b"".join([chunk async for chunk in delivery.chunks])


UNMEETABLE = {"type": "json_schema", "json_schema": {"name": "never", "schema": False}}
RECURSIVE = {"properties": {"a": {"$ref": "#"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": ABSENT, "tools": [CLOCK]}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": UNMEETABLE}, "response_format"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": RECURSIVE}}]},
            "tools.f.parameters",
        ),
    ],
)
async def test_a_bad_request_is_refused_and_names_the_member(members, param):
    status, headers, body = await send({"model": "m", "messages": [USER]} | members)

    error = json.loads(body)["error"]
    assert (status, headers["content-type"]) == (400, "application/json")
    assert error == {
        "message": error["message"],
        "type": "invalid_request_error",
        "param": param,
        "code": None,
    }
    assert error["message"]


async def test_messages_are_required_and_model_is_put_in_place():
    provider = ScriptedProvider("mine")
    reply = await provider.open(ModelRequest("auto", (), {"model": b'"auto"', "x": b"[ 1 ]"}))

    assert reply.status == 400
    assert provider.log[0].request == b'{"model":"mine","x":[ 1 ]}'
    await reply.chunks.aclose()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": 1}', b"\xff", b'{"x":' + b"[" * 9999])
async def test_a_malformed_body_is_refused(body):
    status, _, answer = await send(body)

    assert status == 400
    assert "error" in json.loads(answer)
