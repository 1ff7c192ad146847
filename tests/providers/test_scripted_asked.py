"""The scripted provider refuses what OpenAI refuses, and names the member at fault."""

import json

import pytest

from pointsman.providers.scripted import ScriptedProvider
from pointsman.types import Outbound

USER = {"role": "user", "content": "Well?"}
CLOCK = {"type": "function", "function": {"name": "read_clock"}}
ABSENT = {"type": "function", "function": {"name": "get_weather"}}


async def send(body):
    """Send a body, or members; give back status, headers and body."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = await ScriptedProvider("m").open(Outbound("chat", "m", body))
    return reply.status, reply.headers, b"".join([chunk async for chunk in reply.chunks])


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
        ({"stop": 1}, "stop"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
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


#: As openai-python's own suite sends it, but for the model and the messages.
EVERYTHING = {
    "audio": {"format": "wav", "voice": "alloy"},
    "frequency_penalty": -2,
    "function_call": "none",
    "functions": [{"name": "name", "description": "description", "parameters": {"foo": "bar"}}],
    "logit_bias": {"foo": 0},
    "logprobs": True,
    "max_completion_tokens": 0,
    "max_tokens": 0,
    "metadata": {"foo": "string"},
    "modalities": ["text"],
    "moderation": {
        "model": "model",
        "policy": {"input": {"mode": "score"}, "output": {"mode": "score"}},
    },
    "n": 1,
    "parallel_tool_calls": True,
    "prediction": {"content": "string", "type": "content"},
    "presence_penalty": -2,
    "prompt_cache_key": "prompt-cache-key-1234",
    "prompt_cache_options": {"mode": "implicit", "ttl": "30m"},
    "prompt_cache_retention": "in_memory",
    "reasoning": {"summary": "auto"},
    "reasoning_effort": "none",
    "response_format": {"type": "text"},
    "safety_identifier": "safety-identifier-1234",
    "seed": -9007199254740991,
    "service_tier": "auto",
    "stop": "\n",
    "store": True,
    "stream": False,
    "stream_options": {"include_obfuscation": True, "include_usage": True},
    "temperature": 1,
    "tool_choice": "none",
    "tools": [
        {
            "function": {
                "name": "name",
                "description": "description",
                "parameters": {"foo": "bar"},
                "strict": True,
            },
            "type": "function",
        }
    ],
    "top_logprobs": 0,
    "top_p": 1,
    "user": "user-1234",
    "verbosity": "low",
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {"approximate": {"city": "city"}, "type": "approximate"},
    },
}


@pytest.mark.parametrize("members", [EVERYTHING, EVERYTHING | {"stream": True}])
async def test_all_that_openai_takes_is_taken(members):
    asker = {"role": "developer", "content": "string", "name": "name"}
    status, _, body = await send({"model": "m", "messages": [asker]} | members)

    assert (status, b'"finish_reason":"length"' in body) == (200, True)


async def test_messages_are_required_and_the_body_is_kept_as_it_came():
    provider = ScriptedProvider("mine")
    reply = await provider.open(Outbound("chat", "mine", b'{"model":"mine","x":[ 1 ]}'))

    assert reply.status == 400
    assert provider.log[0].request == b'{"model":"mine","x":[ 1 ]}'
    await reply.chunks.aclose()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": 1}', b"\xff", b'{"x":' + b"[" * 9999])
async def test_a_malformed_body_is_refused(body):
    status, _, answer = await send(body)

    assert status == 400
    assert "error" in json.loads(answer)
