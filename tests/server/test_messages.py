"""`/v1/messages`, as Anthropic's clients speak it."""

import json

import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.providers.scripted import Script

VERSION = {"anthropic-version": "2023-06-01"}
HELLO = [{"role": "user", "content": "hello"}]
ASKED = {"model": "auto", "max_tokens": 100, "messages": HELLO}
MESSAGES, COUNT = "/v1/messages", "/v1/messages/count_tokens"


async def post(gateway: Gateway, path: str = MESSAGES, **more: object):
    return await gateway.client.post(path, json={**ASKED, **more}, headers=VERSION)


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    """Names and data."""
    blocks = [block.split("\n", 1) for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in blocks]


def check_error(reply, status: int, kind: str) -> None:
    """As Anthropic's SDKs read it."""
    told = reply.json()
    assert reply.status_code == status
    assert (told["type"], told["error"]["type"]) == ("error", kind)
    assert told["error"]["message"]
    assert told["request_id"] == reply.headers["request-id"] == reply.headers["x-request-id"]


async def test_a_whole_reply(gateway: Gateway) -> None:
    gateway.tell("weak", Script(reply="Good day."))

    reply = await post(gateway)

    told = reply.json()
    assert reply.status_code == 200
    assert (told["type"], told["role"], told["model"]) == ("message", "assistant", "weak-model")
    assert [block["text"] for block in told["content"]] == ["Good day."]
    assert told["stop_reason"] == "end_turn"
    assert told["usage"]["input_tokens"] > 0
    assert told["usage"]["output_tokens"] > 0
    assert told["id"].startswith("msg_")
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert reply.headers["x-pointsman-model"] == "weak"


async def test_a_stream(gateway: Gateway) -> None:
    gateway.tell("weak", Script(reply="A good day to you."))

    reply = await post(gateway, stream=True)

    told = events(reply.text)
    names = [name for name, _ in told if name != "ping"]
    texts = [data["delta"]["text"] for name, data in told if name == "content_block_delta"]
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert all(data["type"] == name for name, data in told)
    assert names[:2] == ["message_start", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert "".join(texts) == "A good day to you."
    ended = dict(told)["message_delta"]
    assert ended["delta"]["stop_reason"] == "end_turn"
    record = await gateway.record(reply)
    assert record["outcome"] == "completed"
    assert record["usage"]["output_tokens"] == ended["usage"]["output_tokens"]


async def test_a_stream_that_breaks_ends_with_an_error_event(gateway: Gateway) -> None:
    gateway.tell("weak", Script(cut_at_byte=700))

    reply = await post(gateway, stream=True, model="weak")

    name, data = events(reply.text)[-1]
    assert (name, data["type"]) == ("error", "error")
    assert data["error"]["type"] == "api_error"
    assert "message_stop" not in reply.text


async def test_a_tool_is_called_and_its_result_taken(gateway: Gateway) -> None:
    tool = {"name": "get_weather", "input_schema": {"type": "object"}}
    weak = gateway.tell("weak", Script(tool_call=("get_weather", {"city": "Paris"})))

    first = (await post(gateway, tools=[tool])).json()
    call = first["content"][-1]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "rain"}
    said = [
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]
    second = await post(gateway, tools=[tool], messages=[*HELLO, *said])

    assert first["stop_reason"] == "tool_use"
    assert (call["type"], call["name"], call["input"]) == (
        "tool_use",
        "get_weather",
        {"city": "Paris"},
    )
    assert second.status_code == 200
    seen = json.loads(weak.log[-1].request)["messages"][-1]
    assert (seen["role"], seen["tool_call_id"], seen["content"]) == ("tool", call["id"], "rain")


@pytest.mark.parametrize("path", [MESSAGES, COUNT])
async def test_an_unknown_model_is_not_found(gateway: Gateway, path: str) -> None:
    check_error(await post(gateway, path, model="claude-99"), 404, "not_found_error")


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (b"{", 400, "invalid_request_error"),
        (b'{"model": "auto", "messages": []}', 400, "invalid_request_error"),
        (b" " * 40_000_000, 413, "request_too_large"),
    ],
)
async def test_a_bad_request_is_told_in_anthropics_shape(
    gateway: Gateway, sent: bytes, status: int, kind: str
) -> None:
    check_error(await gateway.client.post(MESSAGES, content=sent), status, kind)


async def test_a_wrong_key_is_told_in_anthropics_shape(start: StartGateway) -> None:
    gateway = await start(api_key="s3cret")
    ask = gateway.client.post

    for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Bearer wrong"}):
        for path in (MESSAGES, COUNT):
            refused = await ask(path, json=ASKED, headers=headers)
            check_error(refused, 401, "authentication_error")
    for headers in ({"x-api-key": "s3cret"}, {"authorization": "Bearer s3cret"}):
        assert (await ask(MESSAGES, json=ASKED, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", MESSAGES, 405, "invalid_request_error"),
        ("DELETE", "/v1/models", 405, "invalid_request_error"),
        ("GET", "/v1/models/nope", 404, "not_found_error"),
        ("POST", "/v1/messages/batches", 404, "not_found_error"),
        ("GET", "/v1/assistants", 404, "not_found_error"),
    ],
)
async def test_its_sdk_is_told_of_paths_in_its_own_shape(
    gateway: Gateway, method: str, path: str, status: int, kind: str
) -> None:
    check_error(await gateway.client.request(method, path, headers=VERSION), status, kind)


async def test_nobody_left_to_answer_is_overloaded(gateway: Gateway) -> None:
    gateway.tell("weak", *[Script(status=429, retry_after="30")] * 2)

    reply = await gateway.client.post(
        MESSAGES, json={**ASKED, "model": "weak"}, headers={**VERSION}
    )

    check_error(reply, 429, "rate_limit_error")
    assert reply.headers["retry-after"] == "30"


async def test_an_upstreams_refusal_is_told_in_anthropics_shape(gateway: Gateway) -> None:
    gateway.tell("weak", Script(status=422))

    reply = await post(gateway)

    check_error(reply, 422, "invalid_request_error")
    assert reply.headers["x-pointsman-model"] == "weak"


async def test_tokens_are_counted_without_a_model(gateway: Gateway) -> None:
    weak = gateway.tell("weak")

    short, long = await post(gateway, COUNT), await post(gateway, COUNT, system="word " * 500)

    assert set(short.json()) == {"input_tokens"}
    assert long.json()["input_tokens"] - short.json()["input_tokens"] > 400
    assert short.headers["request-id"] == short.headers["x-request-id"]
    assert weak.log == []
