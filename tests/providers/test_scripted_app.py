"""The scripted upstream over a real socket, driven by the official client."""

import asyncio
import contextlib
import json

import aiohttp
import openai
import pydantic
import pytest
from openai import AsyncOpenAI, OpenAI
from tests.support.serving import serving

from pointsman.errors import UpstreamUnreachable
from pointsman.providers.scripted import Script, ScriptedProvider, ScriptedUpstream

MESSAGES = [{"role": "user", "content": "How is the weather?"}]
CHAT = {"model": "m", "messages": MESSAGES, "stream": True}


class Weather(pydantic.BaseModel):
    """How the weather is."""

    city: str
    degrees: float | None
    tomorrow: "list[Weather]"


NEXT = Weather(city="city", degrees=1, tomorrow=[])
EXPECTED = Weather(city="city", degrees=1, tomorrow=[NEXT])


class Sleeper:
    """Sleeps until it is disturbed."""

    def __init__(self) -> None:
        self.disturbed = asyncio.Event()

    async def __call__(self, _: float) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.disturbed.set()


async def pour(chunks, into):
    async for chunk in chunks:
        into += chunk


@pytest.fixture
def sleeper():
    return Sleeper()


@pytest.fixture
def provider(sleeper):
    return ScriptedProvider("m", sleep=sleeper)


@pytest.fixture
async def url(provider):
    """Where the provider is served, together with a second model."""
    async with serving(ScriptedUpstream(provider, ScriptedProvider("other"))) as address:
        yield address


@pytest.fixture
async def client(url):
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
async def http(url):
    async with aiohttp.ClientSession(url) as session:
        yield session


async def test_whole_and_streamed_agree(client):
    whole = await client.chat.completions.create(model="m", messages=MESSAGES)
    plain = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    counted = await client.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    unasked = [chunk async for chunk in plain]
    *chunks, last = [chunk async for chunk in counted]

    assert whole.choices[0].message.content == "".join(
        chunk.choices[0].delta.content or "" for chunk in chunks
    )
    assert all(chunk.usage is None and chunk.choices for chunk in unasked)
    assert (last.choices, last.usage) == ([], whole.usage)
    assert whole._request_id.startswith("req_")


async def test_the_synchronous_client_is_served_too(url):
    def ask() -> tuple[str | None, str, list[str]]:
        with OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
            whole = client.chat.completions.create(model="m", messages=MESSAGES)
            with client.chat.completions.create(**CHAT) as stream:
                text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
            models = [model.id for model in client.models.list()]
        return whole.choices[0].message.content, text, models

    whole, streamed, models = await asyncio.to_thread(ask)

    assert whole == streamed
    assert models == ["m", "other"]


async def test_structured_replies_are_parsed_by_the_client(client):
    whole = await client.chat.completions.parse(
        model="m", messages=MESSAGES, response_format=Weather
    )
    async with client.chat.completions.stream(
        model="m", messages=MESSAGES, response_format=Weather
    ) as stream:
        streamed = await stream.get_final_completion()

    (choice,) = whole.choices
    assert choice.message.parsed == EXPECTED
    assert streamed.choices[0].message.parsed == choice.message.parsed


async def test_tool_calls_are_parsed_by_the_client(client):
    tools = [openai.pydantic_function_tool(Weather, name="get_weather")]
    whole = await client.chat.completions.parse(model="m", messages=MESSAGES, tools=tools)
    async with client.chat.completions.stream(model="m", messages=MESSAGES, tools=tools) as stream:
        streamed = await stream.get_final_completion()

    for reply in (whole, streamed):
        (choice,) = reply.choices
        (call,) = choice.message.tool_calls
        assert choice.finish_reason == "tool_calls"
        assert call.function.name == "get_weather"
        assert call.function.parsed_arguments == EXPECTED


async def test_the_other_formats_are_read_by_the_client(client):
    whole = await client.completions.create(model="m", prompt="Well?")
    stream = await client.completions.create(model="m", prompt="Well?", stream=True)
    packed = await client.embeddings.create(model="m", input=["Well?", "well"])
    floats = await client.embeddings.create(model="m", input=[[1, 2]], encoding_format="float")

    assert whole.choices[0].text == "".join([chunk.choices[0].text async for chunk in stream])
    assert packed.data[0].embedding == packed.data[1].embedding
    assert len(floats.data[0].embedding) == 64


async def test_sound_and_pictures_are_read_by_the_client(client, http):
    heard = await client.audio.transcriptions.create(model="m", file=("a.wav", b"sound"))
    spoken = await client.audio.speech.create(model="m", input="Hello.", voice="alloy")
    drawn = await client.images.generate(model="m", prompt="A cat", n=2)
    ranking = {"model": "m", "query": "a cat", "documents": ["a dog", "a cat"]}
    async with http.post("/v1/rerank", json=ranking) as response:
        ranked = await response.json()

    assert "a.wav" in heard.text
    assert spoken.content.startswith(b"RIFF")
    assert len(drawn.data) == 2
    assert [each["index"] for each in ranked["results"]] == [1, 0]


async def test_a_form_finds_its_model(client):
    other = await client.audio.transcriptions.create(model="other", file=("a.wav", b"sound"))
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.audio.transcriptions.create(model="absent", file=("a.wav", b"sound"))

    assert other.text
    assert unknown.value.code == "model_not_found"


async def test_several_calls_and_thoughts_are_read_by_the_client(client, provider):
    script = Script(reasoning="Hm.", tool_calls=[("f", {"a": 1}), ("g", {})])
    provider.tell(script, script)
    whole = await client.chat.completions.create(model="m", messages=MESSAGES)
    async with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        streamed = await stream.get_final_completion()

    for reply in (whole, streamed):
        message = reply.choices[0].message
        assert [(c.function.name, c.function.arguments) for c in message.tool_calls] == [
            ("f", '{"a":1}'),
            ("g", "{}"),
        ]
        assert message.reasoning_content == "Hm."


async def test_the_client_sees_errors_as_its_own(client, provider):
    provider.tell(Script(status=429, retry_after="7"), Script(status=503))
    with pytest.raises(openai.RateLimitError) as limited:
        await client.chat.completions.create(model="m", messages=MESSAGES)
    with pytest.raises(openai.InternalServerError):
        await client.chat.completions.create(model="m", messages=MESSAGES)
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.chat.completions.create(model="absent", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError) as bad:
        await client.chat.completions.create(model="m", messages=[])

    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.response.headers["retry-after"] == "7"
    assert unknown.value.code == "model_not_found"
    assert bad.value.param == "messages"


async def test_a_connection_that_is_not_taken(client, provider):
    provider.tell(Script(unreachable=True))
    with pytest.raises(openai.APIConnectionError):
        await client.chat.completions.create(model="m", messages=MESSAGES)

    assert provider.log[0].outcome == "unreachable"


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_body_that_breaks_off_is_no_clean_end(http, provider, streamed):
    provider.tell(Script(cut_at_byte=100))
    async with http.post("/v1/chat/completions", json=CHAT | {"stream": streamed}) as response:
        got = bytearray()
        with pytest.raises(aiohttp.ClientPayloadError):
            await pour(response.content.iter_any(), got)

    assert (response.status, len(got), provider.log[0].outcome) == (200, 100, "cut")


async def test_a_client_that_leaves_is_seen(http, provider, sleeper):
    provider.tell(Script(chunk_delay_s=1))
    async with http.post("/v1/chat/completions", json=CHAT) as response:
        first = await response.content.readuntil(b"\n\n")
    await sleeper.disturbed.wait()

    assert json.loads(first.removeprefix(b"data: "))["choices"][0]["delta"]["role"] == "assistant"
    assert (provider.log[0].outcome, provider.log[0].chunks) == ("closed", 1)


async def test_a_stalled_stream_hangs_until_the_client_leaves(http, provider):
    provider.tell(Script(stall_after_chunks=2))
    async with http.post("/v1/chat/completions", json=CHAT) as response:
        for _ in range(2):
            await response.content.readuntil(b"\n\n")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(response.content.readuntil(b"\n\n"), 0.05)

    assert (provider.log[0].outcome, provider.log[0].chunks) == ("stalled", 2)


@pytest.mark.parametrize("body", [b"", b"{", b'{"model": "m"}', b'{"messages": []}', b"\xff"])
async def test_malformed_bodies(http, body):
    async with http.post("/v1/chat/completions", data=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]["type"] == "invalid_request_error"


async def test_other_paths(http):
    for method, path, status in (
        ("GET", "/health", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/health", 405),
        ("GET", "/v1/embeddings", 405),
        ("POST", "/v1/responses", 404),
        ("POST", "/embeddings", 404),
    ):
        async with http.request(method, path) as response:
            assert response.status == status
            assert isinstance(await response.json(), dict)


async def call(app, method, path, *received: dict[str, object]):
    """Call an app without a server; give back what it sent."""
    sent, messages = [], iter(received)

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message) -> None:
        sent.append(message)

    await app({"type": "http", "method": method, "path": path}, receive, send)
    return sent


async def test_without_providers_there_is_one_untold():
    _, body = await call(ScriptedUpstream(), "GET", "/v1/models")

    assert [each["id"] for each in json.loads(body["body"])["data"]] == ["scripted"]


async def test_a_client_that_leaves_within_its_request_is_not_answered(provider):
    received = ({"type": "http.request", "more_body": True}, {"type": "http.disconnect"})
    sent = await call(ScriptedUpstream(provider), "POST", "/v1/chat/completions", *received)

    assert (sent, provider.log) == ([], [])


async def test_a_server_that_shows_no_transport_is_told_by_the_error(provider):
    provider.tell(Script(unreachable=True))
    received = ({"type": "http.request"}, {"type": "http.request"}, {"type": "http.disconnect"})
    with pytest.RaisesGroup(UpstreamUnreachable):
        await call(ScriptedUpstream(provider), "POST", "/v1/chat/completions", *received)
