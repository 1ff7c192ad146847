"""The rest of the HTTP surface: errors, access, models, the books, the docs."""

import json
import re
from collections.abc import AsyncIterator

import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.config import ModelSettings, Settings
from pointsman.providers.scripted import Script
from pointsman.server.compat import ALIASES
from pointsman.server.routes import PATHS

HELLO = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"model": "auto", "messages": "\\ud800"}', 400, "invalid_json"),
        (b'{"model": "auto", "model": "auto"}', 400, "invalid_json"),
        (b'{"model": "auto"}', 400, None),
        (json.dumps({**HELLO, "model": "gpt-99"}).encode(), 404, "model_not_found"),
        (b" " * 40_000_000, 413, "request_too_large"),
    ],
)
async def test_a_bad_request_is_a_clear_error_in_openais_shape(
    gateway: Gateway, sent: bytes, status: int, code: str | None
) -> None:
    reply = await gateway.client.post("/v1/chat/completions", content=sent)

    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert reply.json()["error"]["code"] == code
    assert reply.headers["x-request-id"].startswith("req_")
    assert (await gateway.chat()).status_code == 200


async def test_a_body_sent_in_pieces_is_bounded_too(gateway: Gateway) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1_000_000

    reply = await gateway.client.post("/v1/chat/completions", content=pieces())

    assert reply.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/v1/models", 405), ("GET", "/v1/chat/completions", 405)],
)
async def test_wrong_paths_and_methods(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    reply = await gateway.client.request(method, path)

    assert reply.status_code == status
    assert reply.json()["error"]["message"]
    assert ("allow" in reply.headers) == (status == 405)


async def test_without_a_key_everybody_may_ask_and_with_one_only_who_has_it(
    start: StartGateway,
) -> None:
    gateway = await start(api_key="s3cret")
    ask = gateway.client.post

    refused = [
        await ask("/v1/chat/completions", json=HELLO),
        await ask("/v1/chat/completions", json=HELLO, headers={"authorization": "Bearer wrong"}),
        await ask("/v1/chat/completions", json=HELLO, headers={"authorization": "Basic s3cret"}),
        await ask("/v1/chat/completions", json=HELLO, headers={"x-api-key": ""}),
        await ask(
            "/v1/chat/completions",
            json=HELLO,
            headers={"x-api-key": "wr\u00f6ng".encode("latin-1")},
        ),
    ]
    taken = [
        await ask("/v1/chat/completions", json=HELLO, headers={"authorization": "Bearer s3cret"}),
        await ask("/v1/chat/completions", json=HELLO, headers={"x-api-key": "s3cret"}),
    ]

    assert [reply.status_code for reply in refused] == [401] * 5
    assert {reply.json()["error"]["code"] for reply in refused} == {"invalid_api_key"}
    assert [reply.status_code for reply in taken] == [200] * 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "https://evil.example", "content-type": "text/plain"}, 401),
        ({"origin": "null"}, 401),
        ({"origin": "http://[evil"}, 401),
        ({"host": "[evil"}, 400),
        ({"host": "evil.example:7070"}, 401),
        ({"host": "127.0.0.1:7070"}, 200),
        ({"host": "[::1]:7070"}, 200),
    ],
)
async def test_without_a_key_a_foreign_web_page_may_not_ask(
    gateway: Gateway, headers: dict[str, str], status: int
) -> None:
    reply = await gateway.client.post("/v1/chat/completions", json=HELLO, headers=headers)

    assert reply.status_code == status


async def test_with_a_key_the_key_decides(start: StartGateway) -> None:
    gateway = await start(api_key="s3cret")
    headers = {"origin": "https://app.example", "host": "llm.example", "x-api-key": "s3cret"}

    assert (
        await gateway.client.post("/v1/chat/completions", json=HELLO, headers=headers)
    ).status_code == 200


async def test_every_path_says_who_may_call_it(start: StartGateway) -> None:
    gateway = await start(api_key="s3cret")

    for path in PATHS:
        filled = re.sub(r"\{\w+(:\w+)?\}", "x", path.path)
        reply = await gateway.client.request(path.method, filled)

        assert (reply.status_code == 401) == (path.access != "open"), path.path
    for alias, target in ALIASES.items():
        method = next(path.method for path in PATHS if path.path == target)
        reply = await gateway.client.request(method, alias.replace("{request_id}", "x"))

        assert reply.status_code == 401, alias


async def test_models_lists_every_name_and_finds_each(gateway: Gateway) -> None:
    listed = (await gateway.client.get("/v1/models")).json()

    names = [model["id"] for model in listed["data"]]
    assert names == ["auto", "local", "cloud", "simple", "complex", "weak", "strong"]
    for name in names:
        model = (await gateway.client.get(f"/v1/models/{name}")).json()
        assert model["id"] == name
        assert {"id", "object", "created", "owned_by"} <= set(model)
    unknown = await gateway.client.get("/v1/models/nope")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"


async def test_ids_may_hold_slashes_and_colons(start: StartGateway) -> None:
    models = {"ollama/qwen2.5:7b": ModelSettings(provider="scripted", model="m", tier="simple")}
    gateway = await start(Settings(models=models))

    assert (await gateway.client.get("/v1/models/ollama/qwen2.5:7b")).json()[
        "id"
    ] == "ollama/qwen2.5:7b"
    assert (await gateway.chat(model="ollama/qwen2.5:7b")).status_code == 200


async def test_route_decides_and_calls_nobody(gateway: Gateway) -> None:
    weak = gateway.tell("weak")
    texts = [{name: "What is Python?"} for name in ("prompt", "message", "query")]

    replies = [await gateway.client.post("/v1/route", json=each) for each in (*texts, HELLO)]

    assert [reply.status_code for reply in replies] == [200] * 4
    decided = replies[0].json()
    assert decided["tier"] == "simple"
    assert decided["deployment"] == "weak"
    assert decided["plan"][0]["deployment"] == "weak"
    assert decided["estimated_cost_usd"] == 0
    assert weak.log == []
    assert (await gateway.client.get("/v1/decisions")).json()["data"] == []


async def test_route_takes_messages_that_speak_of_a_model(gateway: Gateway) -> None:
    messages = [{"role": "user", "content": 'the "model" member'}]

    assert (await gateway.client.post("/v1/route", json={"messages": messages})).status_code == 200


async def test_route_without_a_text_says_what_to_send(gateway: Gateway) -> None:
    reply = await gateway.client.post("/v1/route", json={"text": "x"})

    assert reply.status_code == 400
    assert "prompt" in reply.json()["error"]["message"]


async def test_complete_gives_text_and_figures(gateway: Gateway) -> None:
    reply = await gateway.client.post(
        "/v1/complete", json={"prompt": "What is Python?", "force_tier": "complex"}
    )

    assert reply.status_code == 200
    figures = reply.json()
    assert set(figures) == {
        "response", "model_used", "difficulty_tag", "score", "input_tokens", "output_tokens",
        "estimated_cost", "baseline_cost", "estimated_savings", "latency_ms", "cache_hit", "request_id",
    }  # fmt: skip
    assert figures["model_used"] == "strong"
    assert figures["response"]
    assert figures["estimated_cost"] > 0
    assert figures["request_id"] == reply.headers["x-request-id"]


async def test_the_older_chat_path_answers_in_its_own_shape(gateway: Gateway) -> None:
    reply = await gateway.client.post("/api/v1/chat", json={"message": "What is Python?"})

    assert reply.status_code == 200
    assert {"response", "model_used", "complexity", "was_cached", "actual_cost"} <= set(
        reply.json()
    )


async def test_a_plain_request_that_the_upstream_refuses(gateway: Gateway) -> None:
    gateway.tell("weak", Script(status=422))

    reply = await gateway.client.post("/v1/complete", json={"prompt": "What is Python?"})

    assert reply.status_code == 422
    assert reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "body", [{}, {"prompt": 7}, {"prompt": "x", "unknown": 1}, {"prompt": "x", "max_tokens": 0}]
)
async def test_a_plain_request_that_does_not_fit(gateway: Gateway, body: dict[str, object]) -> None:
    assert (await gateway.client.post("/v1/complete", json=body)).status_code == 400


async def test_a_decision_record_has_all_its_members(gateway: Gateway) -> None:
    record = await gateway.record(await gateway.chat(headers={"x-request-id": "my-own"}))

    assert {
        "request_id", "time", "model_asked", "tier", "served_tier", "deployment", "score", "parts",
        "scorer", "domain", "plan", "dropped", "attempts", "outcome", "usage", "cost",
        "baseline_cost", "saved", "latency_ms", "ttft_ms", "cache", "verdict", "feedback",
    } <= set(record)  # fmt: skip
    assert record["client_request_id"] == "my-own"
    assert record["request_id"] != "my-own"
    assert (await gateway.client.get("/v1/decisions/req_nope")).status_code == 404


async def test_decisions_are_paged_newest_first(gateway: Gateway) -> None:
    ids = [(await gateway.chat()).headers["x-request-id"] for _ in range(3)]

    first = (await gateway.client.get("/v1/decisions", params={"limit": 2})).json()["data"]
    second = await gateway.client.get("/v1/decisions", params={"before": first[-1]["time"]})

    assert [record["request_id"] for record in first] == [ids[2], ids[1]]
    assert [record["request_id"] for record in second.json()["data"]] == [ids[0]]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "limit=99999999999", "limit=000000050999", "before=yesterday",
     "before=0001-01-01T00:00:00", "limit=" + "9" * 5000],
    ids=lambda query: query[:24],
)  # fmt: skip
async def test_a_page_that_does_not_exist(gateway: Gateway, query: str) -> None:
    assert (await gateway.client.get(f"/v1/decisions?{query}")).status_code == 400


async def test_the_report_adds_up(gateway: Gateway) -> None:
    for asked in ("weak", "strong", "strong"):
        await gateway.chat(model=asked)

    report = (await gateway.client.get("/v1/report")).json()

    assert report["total"]["requests"] == 3
    assert [line["name"] for line in report["by_deployment"]] == ["strong", "weak"]
    assert report["total"]["cost"] == report["by_deployment"][0]["cost"] > 0
    assert (await gateway.client.get("/v1/report?since=2999-01-01")).json()["total"][
        "requests"
    ] == 0


@pytest.mark.parametrize("alias", sorted(ALIASES))
async def test_older_names_answer_as_the_new_ones_do(gateway: Gateway, alias: str) -> None:
    record_id = (await gateway.chat()).headers["x-request-id"]
    target = ALIASES[alias]
    method = next(path.method for path in PATHS if path.path == target)
    body = (
        {"query": "hello", "request_id": record_id, "rating": 1, **HELLO}
        if method == "POST"
        else None
    )
    if target == "/v1/feedback":
        body = {"request_id": record_id, "rating": 1}
    if target == "/v1/retrain":
        body = {}

    reply = await gateway.client.request(
        method, alias.replace("{request_id}", record_id), json=body
    )

    assert reply.is_success


async def test_status_and_probes(gateway: Gateway) -> None:
    client = gateway.client

    assert (await client.get("/")).json()["name"] == "pointsman"
    assert (await client.head("/")).status_code == 200
    assert (await client.get("/health")).json()["deployments"] == {"weak": "up", "strong": "up"}
    assert (await client.get("/health/ready")).json() == {"status": "ready"}


async def test_the_docs_show_every_path(gateway: Gateway) -> None:
    page = (await gateway.client.get("/docs")).text
    document = (await gateway.client.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    for path in PATHS:
        shown = re.sub(r":\w+\}", "}", path.path)
        assert path.method.lower() in document["paths"][shown]
        assert path.summary
        assert f"{path.method} {shown}".replace("{", "{") in page
    assert "http://" not in page.replace("http://127.0.0.1:7070", "")
