"""`/v1/embeddings`: who may answer, and in which form."""

import base64
import struct

import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import ModelSettings, Settings
from pointsman.providers.scripted import Script


def with_vectors(tier: str = "simple", **more: object) -> Settings:
    models = {
        **two_tiers().models,
        "vectors": ModelSettings(
            provider="scripted", model="vector-model", tier=tier, tasks=frozenset({"embeddings"})
        ),
    }
    return two_tiers(models=models, **more)


async def embed(gateway: Gateway, said: object, model: str = "vectors", **more: object):
    headers = more.pop("headers", {})
    body = {"model": model, "input": said, **more}
    return await gateway.client.post("/v1/embeddings", json=body, headers=headers)


@pytest.mark.parametrize("asked", ["vectors", "auto", "local", "simple", "text-embedding-3-small"])
async def test_only_who_is_there_for_it_answers(start: StartGateway, asked: str) -> None:
    gateway = await start(with_vectors(aliases={"text-embedding-*": "vectors"}))
    weak = gateway.tell("weak")

    reply = await embed(gateway, "a cat", asked)

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "vectors"
    assert reply.json()["model"] == "vector-model"
    assert weak.log == []
    record = await gateway.record(reply)
    assert (record["model_asked"], record["outcome"]) == (asked, "completed")
    assert record["usage"]["input_tokens"] == reply.json()["usage"]["prompt_tokens"]


async def test_chat_does_not_go_there(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    by_name = await gateway.chat(model="vectors")
    routed = await gateway.chat()

    assert by_name.status_code == 400
    assert "vectors: is not there for chat" in by_name.json()["error"]["message"]
    assert routed.headers["x-pointsman-model"] == "weak"


async def test_where_nobody_is_there_for_it_that_is_said(gateway: Gateway) -> None:
    for asked in ("auto", "weak"):
        reply = await embed(gateway, "a cat", asked)

        assert reply.status_code == 400
        assert reply.json()["error"]["code"] == "no_deployment_fits"
        assert "not there for embeddings" in reply.json()["error"]["message"]


async def test_numbers_or_base64(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    numbers = (await embed(gateway, "a cat")).json()["data"][0]["embedding"]
    packed = (await embed(gateway, "a cat", encoding_format="base64")).json()
    again = (await embed(gateway, "a cat", encoding_format="float")).json()

    floats = struct.unpack(f"<{len(numbers)}f", base64.b64decode(packed["data"][0]["embedding"]))
    assert list(floats) == numbers == again["data"][0]["embedding"]


@pytest.mark.parametrize("wanted", ["float", "base64"])
@pytest.mark.parametrize("given", [b"[1.0,-0.5]", b'"AACAPwAAAL8="'], ids=["float", "base64"])
async def test_an_upstream_that_knows_one_form_only(
    start: StartGateway, wanted: str, given: bytes
) -> None:
    gateway = await start(with_vectors())
    body = b'{"data": [{"index": 0, "embedding": %b}], "model": "m", "x": 1e3}'
    gateway.tell("vectors", Script(body=body % given))

    reply = await embed(gateway, "a cat", encoding_format=wanted)

    form = {"float": [1.0, -0.5], "base64": "AACAPwAAAL8="}
    assert reply.json()["data"][0]["embedding"] == form[wanted]
    assert "1e3" in reply.text


async def test_several_texts_and_tokens(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    texts = (await embed(gateway, ["a cat", "rain"], dimensions=8)).json()["data"]
    tokens = (await embed(gateway, [[1, 2, 3], [4]], dimensions=8)).json()["data"]

    for data in (texts, tokens):
        assert [each["index"] for each in data] == [0, 1]
        assert {len(each["embedding"]) for each in data} == {8}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"said": ""}, "input"),
        ({"said": []}, "input"),
        ({"said": None}, "input"),
        ({"said": "x", "encoding_format": "hex"}, "encoding_format"),
        ({"said": "x", "dimensions": 0}, "dimensions"),
    ],
)
async def test_a_request_that_does_not_fit(
    start: StartGateway, more: dict[str, object], param: str
) -> None:
    gateway = await start(with_vectors())

    reply = await embed(gateway, **more)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


async def test_a_success_without_vectors_is_none(start: StartGateway) -> None:
    gateway = await start(with_vectors())
    gateway.tell("vectors", *[Script(body=b'{"data": [{"index": 0}]}')] * 3)

    reply = await embed(gateway, "a cat")

    assert reply.status_code == 503
    assert (await gateway.record(reply))["outcome"] == "failed"


async def test_a_session_of_embeddings_is_none_of_chat(start: StartGateway) -> None:
    """What embeds for a conversation says nothing of who should go on with it."""
    gateway = await start(with_vectors(tier="complex"))
    session = {"x-session-id": "ses_1"}

    await embed(gateway, "a cat", "auto", headers=session)
    reply = await gateway.chat(headers=session)

    assert reply.headers["x-pointsman-tier"] == "simple"
