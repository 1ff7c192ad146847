"""Every client over every kind of upstream, over HTTP: Pointsman behind Pointsman, and a Gemini."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.gateway import Gateway, StartGateway
from tests.server.speakers import SPEAKERS, Call, Heard, Speaker
from tests.support.gemini_upstream import scripted_gemini
from tests.support.serving import serving

from pointsman.config import JudgeSettings, ModelSettings, RoutingSettings, Settings
from pointsman.providers.scripted import Script

CLIENTS = list(SPEAKERS)
SAID = "Hello from behind."
USED = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
#: What each format can say of that: input, output, cached, written, reasoning tokens.
TOLD = {"anthropic": [100, 20, 60, 30, 5], "ollama": [100, 20, 0, 0, 0]}
FIGURES = ("input_tokens", "output_tokens", "cached_tokens", "written_tokens", "reasoning_tokens")


def literally(text: str, *, stream: bool, model: str = "weak-model") -> Script:
    """A script for this very reply of an OpenAI server."""
    choice = {"index": 0, "finish_reason": "stop"}
    choice["delta" if stream else "message"] = {"role": "assistant", "content": text}
    reply = {"id": "c1", "object": "chat.completion", "created": 1, "model": model}
    body = json.dumps(reply | {"choices": [choice], "usage": USED}).encode()
    if not stream:
        return Script(body=body)
    return Script(body=b"data: %b\n\ndata: [DONE]\n\n" % body, content_type="text/event-stream")


class Chain:
    """A gateway whose one deployment is a server of another kind."""

    def __init__(self, front: Gateway, behind: Gateway | None = None) -> None:
        self.front = front
        self._behind = behind

    def script(self, *scripts: Script) -> None:
        assert self._behind is not None
        self._behind.tell("weak", *scripts)

    def sent(self) -> list[bytes]:
        """The requests that reached the model behind."""
        assert self._behind is not None
        return [served.request for served in self._behind.tell("weak").log]

    async def ask(self, speaker: Speaker, asked: dict[str, object]) -> Heard:
        reply = await self.front.client.post(speaker.path, json={"model": "auto", **asked})
        assert reply.status_code == 200, reply.text
        self.record = await self.front.record(reply)
        streamed = reply.headers["content-type"].partition(";")[0] in {
            "text/event-stream",
            "application/x-ndjson",
        }
        return speaker.streamed(reply) if streamed else speaker.whole(reply.json())


@pytest.fixture
async def chain(start: StartGateway, request: pytest.FixtureRequest) -> AsyncIterator[Chain]:
    provider: str = request.param
    if provider == "gemini":
        async with scripted_gemini() as (address, _):
            yield Chain(await front(start, provider, f"{address}/v1beta", "gemini-3.8-flash"))
        return
    behind = await start()
    async with serving(behind.app.asgi()) as address:
        yield Chain(await front(start, provider, address, "weak"), behind)


async def front(start: StartGateway, provider: str, address: str, model: str) -> Gateway:
    deployment = ModelSettings(provider=provider, model=model, base_url=address, api_key="k")
    return await start(Settings(home=Path("nowhere"), models={"far": deployment}))


over_all = pytest.mark.parametrize("chain", ["anthropic", "ollama", "gemini"], indirect=True)
over_pointsman = pytest.mark.parametrize("chain", ["anthropic", "ollama"], indirect=True)
for_all = pytest.mark.parametrize("client", CLIENTS)


@over_pointsman
@for_all
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_is_said_comes_back_and_is_in_the_books(
    chain: Chain, client: str, request: pytest.FixtureRequest, *, stream: bool
) -> None:
    chain.script(literally(SAID, stream=stream))
    speaker = SPEAKERS[client]

    heard = await chain.ask(speaker, speaker.asking("hi", stream=stream))

    assert heard == Heard(SAID, usage=(100, 20), said=heard.said)
    usage = chain.record["usage"]
    assert [usage[name] for name in FIGURES] == TOLD[request.node.callspec.params["chain"]]
    assert not usage["estimated"]
    assert chain.record["outcome"] == "completed"
    assert [each["served_model"] for each in chain.record["attempts"]] == ["weak-model"]


@pytest.mark.parametrize("chain", ["gemini"], indirect=True)
@for_all
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_gemini_answers_them_all(chain: Chain, client: str, *, stream: bool) -> None:
    speaker = SPEAKERS[client]

    heard = await chain.ask(speaker, speaker.asking("think hard", stream=stream))

    usage = chain.record["usage"]
    assert heard.text == "You said: think hard"
    assert heard.usage == (usage["input_tokens"], usage["output_tokens"])
    assert usage["reasoning_tokens"] == 2
    assert not usage["estimated"]


@over_all
@for_all
async def test_a_tool_is_called_and_its_result_understood(chain: Chain, client: str) -> None:
    speaker = SPEAKERS[client]
    asked = speaker.asking("What is the weather in Rome?", tools=True)

    heard = await chain.ask(speaker, asked)
    answered = await chain.ask(speaker, speaker.with_result(asked, heard, "15 degrees, sunny"))

    assert [call.name for call in heard.calls] == ["weather"]
    assert isinstance(heard.calls[0], Call)
    assert isinstance(heard.calls[0].arguments["text"], str)
    assert answered.calls == []
    assert answered.text


@over_pointsman
@for_all
async def test_a_result_reaches_the_model_behind(chain: Chain, client: str) -> None:
    speaker = SPEAKERS[client]
    asked = speaker.asking("What is the weather in Rome?", tools=True)

    heard = await chain.ask(speaker, asked)
    await chain.ask(speaker, speaker.with_result(asked, heard, "15 degrees, sunny"))

    assert b"15 degrees, sunny" in chain.sent()[-1]


@over_pointsman
@for_all
async def test_what_the_upstream_refuses_is_refused_with_its_words(
    chain: Chain, client: str
) -> None:
    words = "temperature must be at most 2"
    body = b'{"error": {"message": "%b", "type": "invalid_request_error"}}' % words.encode()
    chain.script(Script(status=400, body=body))
    speaker = SPEAKERS[client]

    reply = await chain.front.client.post(
        speaker.path, json={"model": "auto", **speaker.asking("hi")}
    )

    assert reply.status_code == 400
    assert words in reply.text
    record = await chain.front.record(reply)
    assert record["outcome"] == "failed"
    assert words not in str(record)


@over_pointsman
@for_all
async def test_a_quota_is_kept_and_said(chain: Chain, client: str) -> None:
    chain.script(Script(status=429, retry_after="30"))
    speaker = SPEAKERS[client]

    reply = await chain.front.client.post(
        speaker.path, json={"model": "auto", **speaker.asking("hi")}
    )

    assert reply.status_code == 429
    assert 25 <= float(reply.headers["retry-after"]) <= 30
    assert len(chain.sent()) == 1


@pytest.mark.parametrize("chain", ["gemini"], indirect=True)
@for_all
async def test_google_says_in_the_body_when_to_come_back(chain: Chain, client: str) -> None:
    speaker = SPEAKERS[client]

    reply = await chain.front.client.post(
        speaker.path, json={"model": "auto", **speaker.asking("quota")}
    )

    assert reply.status_code == 429
    assert 35 <= float(reply.headers["retry-after"]) <= 40


@over_pointsman
@for_all
async def test_a_stream_that_breaks_behind_is_no_whole_reply(chain: Chain, client: str) -> None:
    chain.script(Script(reply="word " * 50, chunks=3, cut_at_byte=900, chunk_delay_s=0.05))
    speaker = SPEAKERS[client]

    heard = await chain.ask(speaker, speaker.asking("hi", stream=True))

    assert heard.text.startswith("word word")
    assert len(heard.text) < 250
    assert heard.error is not None
    assert chain.record["outcome"] == "failed"
    assert chain.record["usage"]["estimated"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_another_model_than_the_one_asked_for_is_on_record(
    start: StartGateway, *, stream: bool
) -> None:
    gateway = await start()
    gateway.tell("strong", literally("hi", stream=stream, model="cheap-model"))

    record = await gateway.record(await gateway.chat(model="strong", stream=stream))

    assert [each["served_model"] for each in record["attempts"]] == ["cheap-model"]


def loading(times: int) -> list[Script]:
    body = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
    return [Script(status=503, body=body)] * times


async def test_a_server_that_loads_its_model_is_waited_for(start: StartGateway) -> None:
    only = {"slow": ModelSettings(provider="scripted", model="slow")}
    gateway = await start(Settings(home=Path("nowhere"), models=only))
    gateway.tell("slow", *loading(2), Script(reply="Here I am."))

    reply = await gateway.chat()

    assert reply.json()["choices"][0]["message"]["content"] == "Here I am."
    assert gateway.app.states() == {"slow": "up"}
    assert reply.headers["x-pointsman-attempts"] == "1"
    record = await gateway.record(reply)
    assert [each["outcome"] for each in record["attempts"]] == ["completed"]


async def test_what_its_judge_took_stays_in_the_books_while_it_is_waited_for(
    start: StartGateway,
) -> None:
    model = ModelSettings(provider="scripted", model="slow", price={"input": 1, "output": 1})
    judge = JudgeSettings(deployment="slow", style="label")
    routing = RoutingSettings(scorer="judge", judge=judge)
    gateway = await start(Settings(home=Path("nowhere"), models={"slow": model}, routing=routing))
    gateway.tell(
        "slow", Script(reply='{"label": "SIMPLE"}'), *loading(1), Script(reply="Here I am.")
    )

    record = await gateway.record(await gateway.chat("Tell me of the sea."))

    assert [each["purpose"] for each in record["attempts"]] == ["judge", "answer"]
    assert float(record["overhead"]) > 0


async def test_nobody_waits_for_it_where_another_can_answer(gateway: Gateway) -> None:
    gateway.tell("weak", *loading(1))

    reply = await gateway.chat()

    assert reply.headers["x-pointsman-model"] == "strong"
    assert reply.headers["x-pointsman-attempts"] == "2"
    assert len(gateway.tell("weak").log) == 1
    assert gateway.app.states()["weak"] == "up"
