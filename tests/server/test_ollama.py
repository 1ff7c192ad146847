"""Ollama's own API, as its clients speak it."""

import json
from datetime import datetime

import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import ModelSettings, Settings
from pointsman.providers.scripted import Script

HELLO = [{"role": "user", "content": "hello"}]
UNSTREAMED = [
    ("/api/chat", {"messages": HELLO}),
    ("/api/generate", {"prompt": "hello"}),
]


def with_vectors() -> Settings:
    models = two_tiers().models
    vectors = ModelSettings(
        provider="scripted",
        model="vector-model",
        context_length=512,
        tasks=frozenset({"embeddings"}),
    )
    aliases = {"llama3*": "auto", "nomic-embed-text": "vectors"}
    return two_tiers(models={**models, "vectors": vectors}, aliases=aliases)


async def post(gateway: Gateway, path: str, **body: object):
    return await gateway.client.post(path, json=body)


def said(path: str, line: dict[str, object]) -> str:
    return line["response"] if path == "/api/generate" else line["message"]["content"]


@pytest.mark.parametrize(("path", "body"), UNSTREAMED)
async def test_a_whole_reply(gateway: Gateway, path: str, body: dict[str, object]) -> None:
    gateway.tell("weak", Script(reply="Good day."))

    reply = await post(gateway, path, model="auto", stream=False, **body)

    told = reply.json()
    assert reply.status_code == 200
    assert said(path, told) == "Good day."
    assert (told["done"], told["done_reason"]) == (True, "stop")
    assert told["model"] == "weak-model"
    assert datetime.fromisoformat(told["created_at"]).tzinfo
    assert told["eval_count"] > 0
    assert told["prompt_eval_count"] > 0
    assert reply.headers["x-pointsman-model"] == "weak"
    assert (await gateway.record(reply))["outcome"] == "completed"


@pytest.mark.parametrize(("path", "body"), UNSTREAMED)
async def test_streamed_unless_told_otherwise(
    gateway: Gateway, path: str, body: dict[str, object]
) -> None:
    gateway.tell("weak", Script(reply="A good day to you."))

    reply = await post(gateway, path, model="auto", **body)

    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert "".join(said(path, line) for line in lines) == "A good day to you."
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["done_reason"] == "stop"
    assert lines[-1]["eval_count"] == (await gateway.record(reply))["usage"]["output_tokens"]


async def test_a_stream_that_breaks_ends_with_an_error_line(gateway: Gateway) -> None:
    gateway.tell("weak", Script(cut_at_byte=700))

    reply = await post(gateway, "/api/chat", model="weak", messages=HELLO)

    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert set(lines[-1]) == {"error"}
    assert not any(line["done"] for line in lines[:-1])
    assert (await gateway.record(reply))["outcome"] == "failed"


async def test_a_tag_that_the_client_added_is_no_part_of_the_name(gateway: Gateway) -> None:
    for name in ("weak", "weak:latest"):
        reply = await post(gateway, "/api/chat", model=name, messages=HELLO, stream=False)
        assert reply.headers["x-pointsman-model"] == "weak"
    for name in ("weak:7b", ":latest", "weak:latest:latest"):
        reply = await post(gateway, "/api/chat", model=name, messages=HELLO)
        assert reply.status_code == 404


@pytest.mark.parametrize(("path", "empty"), [("/api/generate", "response"), ("/api/chat", None)])
@pytest.mark.parametrize(
    ("more", "reason"),
    [({}, "load"), ({"keep_alive": "10m"}, "load"), ({"keep_alive": 0}, "unload")],
)
async def test_loading_and_unloading_asks_nobody(
    gateway: Gateway, path: str, empty: str | None, more: dict[str, object], reason: str
) -> None:
    weak = gateway.tell("weak")

    reply = await post(gateway, path, model="weak", **more)

    told = reply.json()
    assert reply.status_code == 200
    assert (told["model"], told["done"], told["done_reason"]) == ("weak", True, reason)
    assert told["message"]["content"] == "" if empty is None else told[empty] == ""
    assert weak.log == []
    assert (await gateway.client.get("/v1/decisions")).json()["data"] == []


@pytest.mark.parametrize(
    ("path", "body"), [*UNSTREAMED, ("/api/generate", {}), ("/api/show", {}), ("/api/show", None)]
)
async def test_an_unknown_model_is_not_found_in_ollamas_words(
    gateway: Gateway, path: str, body: dict[str, object] | None
) -> None:
    named = {"name": "nobody"} if body is None else {"model": "nobody", **body}

    reply = await post(gateway, path, **named)

    assert reply.status_code == 404
    assert reply.json()["error"].startswith("model 'nobody' not found")


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/api/chat", b"{", 400),
        ("POST", "/api/chat", b"[]", 400),
        ("POST", "/api/embed", b"{", 400),
        ("POST", "/api/show", b"{", 400),
        ("POST", "/api/show", b"\xff", 400),
        ("POST", "/api/show", b"{}", 400),
        ("POST", "/api/show", b'{"model": 7}', 400),
        ("GET", "/api/chat", b"", 405),
        ("POST", "/api/tags", b"", 405),
        ("POST", "/api/pull", b'{"model": "llama3"}', 404),
        ("POST", "/api/nowhere/else", b"", 404),
    ],
)
async def test_every_error_is_a_string(
    gateway: Gateway, method: str, path: str, sent: bytes, status: int
) -> None:
    reply = await gateway.client.request(method, path, content=sent)

    assert reply.status_code == status
    assert set(reply.json()) == {"error"}
    assert reply.json()["error"]
    assert reply.headers["x-request-id"].startswith("req_")


async def test_a_wrong_key_is_told_in_ollamas_shape(start: StartGateway) -> None:
    gateway = await start(api_key="s3cret")

    refused = await gateway.client.get("/api/tags", headers={"authorization": "Bearer wrong"})
    version = await gateway.client.get("/api/version")

    assert refused.status_code == 401
    assert isinstance(refused.json()["error"], str)
    assert version.json()["version"]


async def test_tags_and_ps_list_every_name(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    tags = (await gateway.client.get("/api/tags")).json()["models"]
    running = (await gateway.client.get("/api/ps")).json()["models"]

    names = {model["name"]: model for model in tags}
    assert list(names)[:3] == ["auto", "local", "cloud"]
    assert {"weak", "strong", "vectors", "nomic-embed-text"} <= set(names)
    assert all(model["model"] == model["name"] for model in tags)
    assert len({model["digest"] for model in tags}) == len(tags)
    assert names["auto"]["capabilities"][0] == "completion"
    assert names["vectors"]["capabilities"] == ["embedding"]
    assert names["nomic-embed-text"]["capabilities"] == ["embedding"]
    assert [model["name"] for model in running] == list(names)
    assert all({"expires_at", "size_vram", "size"} <= set(model) for model in running)


async def test_what_is_down_does_not_run(start: StartGateway) -> None:
    models = two_tiers().models
    down = ModelSettings(provider="scripted", model="m", script=({"unreachable": True},))
    gateway = await start(two_tiers(models={**models, "down": down}))

    tags = (await gateway.client.get("/api/tags")).json()["models"]
    running = (await gateway.client.get("/api/ps")).json()["models"]

    assert "down" in {model["name"] for model in tags}
    assert "down" not in {model["name"] for model in running}


@pytest.mark.parametrize(
    ("asked", "capability"),
    [
        ({"model": "weak"}, "completion"),
        ({"model": "weak:latest"}, "completion"),
        ({"name": "weak"}, "completion"),
        ({"model": "auto", "verbose": True}, "completion"),
        ({"model": "llama3.2:3b"}, "completion"),
        ({"model": "nomic-embed-text:latest"}, "embedding"),
    ],
)
async def test_show(start: StartGateway, asked: dict[str, object], capability: str) -> None:
    gateway = await start(with_vectors())

    shown = await post(gateway, "/api/show", **asked)

    assert shown.status_code == 200
    assert capability in shown.json()["capabilities"]
    assert {"details", "model_info", "template", "modified_at"} <= set(shown.json())


async def test_show_tells_the_context(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    shown = (await post(gateway, "/api/show", model="vectors")).json()

    family = shown["model_info"]["general.architecture"]
    assert shown["model_info"][f"{family}.context_length"] == 512


async def test_embeddings_of_several_texts(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    reply = await post(
        gateway, "/api/embed", model="nomic-embed-text:latest", input=["a cat", "a cat", "rain"]
    )

    told = reply.json()
    assert reply.status_code == 200
    assert told["model"] == "nomic-embed-text"
    first, second, third = told["embeddings"]
    assert first == second != third
    assert all(isinstance(each, float) for each in first)
    assert told["prompt_eval_count"] > 0
    assert reply.headers["x-pointsman-model"] == "vectors"
    assert (await gateway.record(reply))["outcome"] == "completed"


async def test_the_older_embeddings_of_one_prompt(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    older = await post(gateway, "/api/embeddings", model="vectors", prompt="a cat")
    newer = await post(gateway, "/api/embed", model="vectors", input="a cat")

    assert older.json() == {"embedding": newer.json()["embeddings"][0]}


async def test_what_an_embedder_is_not_told_is_said(start: StartGateway) -> None:
    gateway = await start(with_vectors())

    reply = await post(gateway, "/api/embed", model="vectors", input="a", keep_alive="5m")

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-left-out"] == "keep_alive"


async def test_embeddings_that_the_upstream_refuses(start: StartGateway) -> None:
    gateway = await start(with_vectors())
    gateway.tell("vectors", Script(status=400))

    reply = await post(gateway, "/api/embed", model="vectors", input="a")

    assert reply.status_code == 400
    assert isinstance(reply.json()["error"], str)


async def test_a_client_that_only_wants_to_know_whether_somebody_is_there(
    gateway: Gateway,
) -> None:
    for method in ("GET", "HEAD"):
        for path in ("/", "/api/version", "/api/tags"):
            assert (await gateway.client.request(method, path)).status_code == 200
