"""What the official OpenAI client, and a rude one, must find at any gateway.

A module that inherits from `OpenAIContract` has a fixture `gateway`: with an API key, bodies of
at most 256 KiB, and one deployment in the tier `simple`.
"""

from __future__ import annotations

import json

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from tests.support.gateway import Answer, Gateway

KEY = "the-key"
MAX_BODY_BYTES = 256 * 1024
DEPLOYMENT = "small"
NAMES = ["auto", "local", "simple", DEPLOYMENT]
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
ASKED = {"messages": MESSAGES, "max_tokens": 24, "temperature": 0, "seed": 7}
CHAT = json.dumps({"model": "auto", "max_tokens": 4, "messages": MESSAGES}).encode()

#: What no server should have to read, and what is said of it.
RUDE_BODIES = {
    "empty": b"",
    "cut short": CHAT[:-1],
    "not JSON": b"model=auto",
    "not UTF-8": CHAT.replace(b"France", b"\xff\xfe"),
    "too deep": CHAT[:-1] + b',"metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too deep and cut short": CHAT[:-1] + b',"metadata":' + b"[" * 100_000,
    "lone surrogate": CHAT.replace(b"France", rb"\ud800"),
    "duplicate key": CHAT[:-1] + b',"model":"local"}',
    "NaN": CHAT[:-1] + b',"temperature":NaN}',
    "huge number": CHAT[:-1] + b',"seed":' + b"9" * 5_000 + b"}",
    "a list": b"[" + CHAT + b"]",
}


def assert_refused(answer: Answer, status: int) -> None:
    """An error in OpenAI's shape, with an id to ask after."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]


class OpenAIContract:
    """The dialogue, with the client in its two forms."""

    @pytest.fixture
    def client(self, gateway: Gateway):
        with OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0) as client:
            yield client

    @pytest.fixture
    async def async_client(self, gateway: Gateway):
        async with AsyncOpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0) as client:
            yield client

    @pytest.mark.parametrize("model", NAMES)
    def test_it_answers_under_each_of_its_names(self, client: OpenAI, gateway: Gateway, model: str):
        reply = client.chat.completions.with_raw_response.create(model=model, **ASKED)

        completion = reply.parse()
        assert completion.choices[0].message.content
        assert completion.usage.prompt_tokens > 0
        assert completion.usage.completion_tokens > 0
        assert completion.usage.total_tokens == (
            completion.usage.prompt_tokens + completion.usage.completion_tokens
        )
        assert reply.headers["x-pointsman-model"] == DEPLOYMENT
        record = gateway.record(reply.headers["x-request-id"])
        assert record["outcome"] == "completed"
        assert record["model_asked"] == model
        assert record["usage"]["input_tokens"] == completion.usage.prompt_tokens
        assert record["usage"]["output_tokens"] == completion.usage.completion_tokens

    @pytest.mark.parametrize("model", NAMES)
    def test_a_stream_says_what_a_whole_reply_says(self, client: OpenAI, model: str):
        whole = client.chat.completions.create(model=model, **ASKED)

        chunks = list(client.chat.completions.create(model=model, stream=True, **ASKED))

        texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
        assert "".join(texts) == whole.choices[0].message.content
        assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
        assert all(chunk.usage is None for chunk in chunks)
        assert all(chunk.choices for chunk in chunks)

    def test_a_stream_says_what_it_used_where_that_was_asked(self, client: OpenAI):
        asked = {**ASKED, "stream_options": {"include_usage": True}}
        whole = client.chat.completions.create(model="auto", **ASKED)

        chunks = list(client.chat.completions.create(model="auto", stream=True, **asked))

        telling = [chunk for chunk in chunks if chunk.usage]
        assert telling == chunks[-1:]
        assert telling[0].choices == []
        assert telling[0].usage.prompt_tokens == whole.usage.prompt_tokens
        assert telling[0].usage.completion_tokens == whole.usage.completion_tokens

    async def test_it_answers_the_asynchronous_client(self, async_client: AsyncOpenAI):
        whole = await async_client.chat.completions.create(model="auto", **ASKED)
        stream = await async_client.chat.completions.create(model="auto", stream=True, **ASKED)
        texts = [chunk.choices[0].delta.content or "" async for chunk in stream]

        assert "".join(texts) == whole.choices[0].message.content

    def test_a_streams_use_is_in_the_books(self, client: OpenAI, gateway: Gateway):
        reply = client.chat.completions.with_raw_response.create(model="auto", stream=True, **ASKED)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in reply.parse())

        record = gateway.record(reply.headers["x-request-id"])
        assert text
        assert record["outcome"] == "completed"
        assert record["stream"] is True
        assert record["usage"]["input_tokens"] > 0
        assert record["usage"]["output_tokens"] > 0
        assert record["usage"]["estimated"] is False

    def test_models_are_listed_by_every_name(self, client: OpenAI):
        listed = {model.id for model in client.models.list()}

        assert set(NAMES) <= listed
        assert client.models.retrieve("auto").id == "auto"
        assert client.models.retrieve(DEPLOYMENT).id == DEPLOYMENT
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("gpt-none")

    def test_an_unknown_model_is_not_found(self, client: OpenAI):
        with pytest.raises(openai.NotFoundError) as refusal:
            client.chat.completions.create(model="gpt-none", **ASKED)

        assert refusal.value.code == "model_not_found"
        assert refusal.value.param == "model"

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"messages": None}, "messages"),
            ({"messages": []}, "messages"),
            ({"messages": "hello"}, "messages"),
            ({"messages": [{"role": "user"}]}, "messages[0].content"),
            ({"messages": [{"role": "king", "content": "hello"}]}, "messages[0].role"),
            ({"model": 7}, "model"),
            ({"stream": "yes"}, "stream"),
            ({"max_tokens": "many"}, "max_tokens"),
            ({"tools": {}}, "tools"),
        ],
    )
    def test_what_is_wrong_is_named(self, client: OpenAI, members: dict[str, object], param: str):
        with pytest.raises(openai.BadRequestError) as refusal:
            client.chat.completions.create(model="auto", messages=MESSAGES, extra_body=members)

        assert refusal.value.param == param
        assert refusal.value.type == "invalid_request_error"

    def test_a_missing_member_is_named(self, client: OpenAI):
        with pytest.raises(openai.BadRequestError, match="messages"):
            client.post("/chat/completions", body={"model": "auto"}, cast_to=object)
        with pytest.raises(openai.BadRequestError, match="model"):
            client.post("/chat/completions", body={"messages": MESSAGES}, cast_to=object)

    def test_a_wrong_key_is_refused(self, gateway: Gateway):
        with OpenAI(base_url=gateway.base_url, api_key="another", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError):
                stranger.models.list()
            with pytest.raises(openai.AuthenticationError):
                stranger.chat.completions.create(model="auto", **ASKED)

    @pytest.mark.parametrize("kind", RUDE_BODIES)
    def test_a_rude_body_is_refused_and_the_gateway_lives(self, gateway: Gateway, kind: str):
        entries = len(gateway.records())

        assert_refused(gateway.send("POST", "/v1/chat/completions", RUDE_BODIES[kind]), 400)

        assert gateway.send("POST", "/v1/chat/completions", CHAT).status == 200
        assert len(gateway.records()) == entries + 1

    def test_an_oversized_body_is_refused(self, gateway: Gateway):
        body = CHAT + b" " * MAX_BODY_BYTES

        assert_refused(gateway.send("POST", "/v1/chat/completions", body), 413)
        assert_refused(gateway.send("POST", "/v1/chat/completions", iter([CHAT, body])), 413)
        assert gateway.send("POST", "/v1/chat/completions", CHAT).status == 200

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/v1/nothing", 404),
            ("POST", "/v1/chat/completions/", 404),
            ("GET", "/v1/chat/completions", 405),
            ("DELETE", "/v1/models", 405),
            ("POST", "/health", 405),
        ],
    )
    def test_what_is_not_there_is_said(self, gateway: Gateway, method: str, path: str, status: int):
        assert_refused(gateway.send(method, path), status)
