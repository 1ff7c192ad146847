"""Requests on the wire: where each kind of server is asked, with which headers and which body."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import Gateway, StartGateway
from tests.support.upstreams import Recorder, Sent

from pointsman.config import ModelSettings, Settings

SAYS_HI = {"messages": [{"role": "user", "content": "hi"}]}
ASKS = {
    "/v1/chat/completions": SAYS_HI,
    "/v1/messages": {**SAYS_HI, "max_tokens": 9},
    "/v1/responses": {"input": "hi"},
    "/v1/completions": {"prompt": "hi"},
    "/v1/embeddings": {"input": "hi"},
    "/api/chat": {**SAYS_HI, "stream": False},
    "/api/generate": {"prompt": "hi", "stream": False},
}
#: What clients send, and what is theirs alone.
CLIENTS_OWN = {
    "authorization": "Bearer the-clients-own",
    "x-api-key": "the-clients-own",
    "api-key": "the-clients-own",
    "x-goog-api-key": "the-clients-own",
    "cookie": "session=the-clients-own",
    "user-agent": "the-clients-own/1.0",
    "x-stainless-os": "the-clients-own",
    "x-forwarded-for": "127.1.2.3",
}
#: The shortest answers that their formats have.
REPLIES = {
    "openai": b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"hi"},"text":"hi","finish_reason":"stop"}],"output":[],"data":[]}',
    "anthropic": b'{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":'
    b'"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,'
    b'"output_tokens":1}}',
    "gemini": b'{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":'
    b'"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}',
    "ollama": b'{"model":"m","created_at":"2026-11-21T12:00:00Z","message":{"role":"assistant",'
    b'"content":"hi"},"response":"hi","done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":1}',
}
#: Of every request: aiohttp's and ours.
PLAIN = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


async def gateway_over(
    start: StartGateway, provider: str, upstream: Recorder, base: str = "", **more: object
) -> Gateway:
    """A gateway with one deployment, whose server answers everything with its shortest reply.

    It passes for one in the cloud, since local ones are looked at in between.
    """
    upstream.reply = REPLIES.get(provider, REPLIES["openai"])
    model = ModelSettings(
        provider=provider,
        base_url=upstream.address + base,
        **{"model": "big/model", "api_key": "k", "location": "cloud", **more},
    )
    return await start(Settings(home=Path("nowhere"), models={"up": model}))


async def sent(
    gateway: Gateway, upstream: Recorder, path: str = "/v1/chat/completions", **more: object
) -> Sent:
    """What reaches the upstream of a client's request."""
    headers = {**CLIENTS_OWN, **more.pop("headers", {})}
    await gateway.client.post(path, json={"model": "up", **ASKS[path], **more}, headers=headers)
    return upstream.sent[-1]


@pytest.mark.parametrize(
    ("provider", "base", "asked", "reached", "headers"),
    [
        ("openai", "/v1", "/v1/chat/completions", "/v1/chat/completions",
         {"authorization": "Bearer k"}),
        ("openai", "/v1", "/v1/messages", "/v1/chat/completions", {"authorization": "Bearer k"}),
        ("openai", "/v1", "/v1/responses", "/v1/responses", {"authorization": "Bearer k"}),
        ("openai", "/v1", "/v1/completions", "/v1/completions", {"authorization": "Bearer k"}),
        ("openai", "/v1", "/v1/embeddings", "/v1/embeddings", {"authorization": "Bearer k"}),
        ("deepseek", "/v1", "/v1/responses", "/v1/chat/completions",
         {"authorization": "Bearer k"}),
        ("azure", "/openai/v1", "/v1/chat/completions", "/openai/v1/chat/completions",
         {"api-key": "k"}),
        ("azure", "/openai/v1/", "/v1/responses", "/openai/v1/responses", {"api-key": "k"}),
        ("anthropic", "/v1", "/v1/messages", "/v1/messages",
         {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
        ("anthropic", "", "/v1/chat/completions", "/v1/messages",
         {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
        ("gemini", "/v1beta", "/v1/chat/completions", "/v1beta/models/big%2Fmodel:generateContent",
         {"x-goog-api-key": "k"}),
        ("ollama", "", "/v1/chat/completions", "/api/chat", {"authorization": "Bearer k"}),
        ("ollama", "/v1", "/api/chat", "/api/chat", {"authorization": "Bearer k"}),
        ("ollama", "/api", "/v1/messages", "/api/chat", {"authorization": "Bearer k"}),
        ("ollama", "/", "/api/generate", "/api/generate", {"authorization": "Bearer k"}),
        ("ollama", "/v1/", "/v1/embeddings", "/v1/embeddings", {"authorization": "Bearer k"}),
    ],
)  # fmt: skip
async def test_each_dialect_has_its_paths_and_headers(
    start: StartGateway,
    upstream: Recorder,
    *,
    provider: str,
    base: str,
    asked: str,
    reached: str,
    headers: dict[str, str],
) -> None:
    tasks = frozenset({"chat", "embeddings"})
    gateway = await gateway_over(start, provider, upstream, base, tasks=tasks)

    got = await sent(gateway, upstream, asked)

    assert got.path == reached
    assert {name: got.headers.get(name) for name in headers} == headers
    assert set(got.headers) == PLAIN | set(headers)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "pointsman"
    assert "the-clients-own" not in str(got)


async def test_a_stream_from_gemini_has_a_path_of_its_own(
    start: StartGateway, upstream: Recorder
) -> None:
    gateway = await gateway_over(start, "gemini", upstream, "/v1beta")

    got = await sent(gateway, upstream, stream=True)

    assert got.path == "/v1beta/models/big%2Fmodel:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("models/gemini-3.8-flash", "gemini-3.8-flash"),
        ("../../v1/files", "..%2F..%2Fv1%2Ffiles"),
        ("..", ".."),
        ("a?key=stolen#b", "a%3Fkey=stolen%23b"),
        ("m%2F..%2Fx", "m%252F..%252Fx"),
        ("m\r\nx-evil: 1", "m%0D%0Ax-evil:%201"),
    ],
)
async def test_a_models_name_is_one_segment_and_leads_nowhere_else(
    start: StartGateway, upstream: Recorder, model: str, segment: str
) -> None:
    gateway = await gateway_over(start, "gemini", upstream, "/v1beta", model=model)

    got = await sent(gateway, upstream)

    assert got.path == f"/v1beta/models/{segment}:generateContent"
    assert "x-evil" not in got.headers


async def test_without_a_key_none_is_sent(start: StartGateway, upstream: Recorder) -> None:
    for provider in ("openai-compatible", "anthropic", "gemini", "ollama", "azure"):
        gateway = await gateway_over(start, provider, upstream, api_key=None)

        got = await sent(gateway, upstream)

        assert not {"authorization", "x-api-key", "api-key", "x-goog-api-key"} & set(got.headers)


async def test_anthropics_headers_go_along_where_the_format_stays(
    start: StartGateway, upstream: Recorder
) -> None:
    gateway = await gateway_over(start, "anthropic", upstream)
    beta = {"anthropic-version": "2026-10-21", "anthropic-beta": "context-1m,files-api"}

    passed = await sent(gateway, upstream, "/v1/messages", headers=beta)
    translated = await sent(gateway, upstream, "/v1/chat/completions", headers=beta)

    assert {name: passed.headers[name] for name in beta} == beta
    assert translated.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in translated.headers


async def test_they_do_not_reach_another_kind_of_server(
    start: StartGateway, upstream: Recorder
) -> None:
    gateway = await gateway_over(start, "openai", upstream)
    beta = {"anthropic-version": "2026-10-21", "anthropic-beta": "context-1m"}

    got = await sent(gateway, upstream, "/v1/messages", headers=beta)

    assert not set(beta) & set(got.headers)


async def test_the_body_is_the_clients_with_the_upstreams_name_for_the_model(
    start: StartGateway, upstream: Recorder
) -> None:
    for provider, path in (
        ("openai", "/v1/chat/completions"),
        ("azure", "/v1/responses"),
        ("anthropic", "/v1/messages"),
        ("ollama", "/api/chat"),
    ):
        gateway = await gateway_over(start, provider, upstream)

        got = await sent(gateway, upstream, path, unheard_of={"a": [1, 2.50]})

        kept = {"model": "big/model", **ASKS[path], "unheard_of": {"a": [1, 2.50]}}
        assert json.loads(got.body) == kept


async def test_a_configured_context_and_extras_reach_ollama_in_every_request(
    start: StartGateway, upstream: Recorder
) -> None:
    extra = {"keep_alive": "30m", "options": {"num_gpu": 1}}
    gateway = await gateway_over(start, "ollama", upstream, context_length=16384, extra=extra)

    for path in ("/v1/chat/completions", "/api/chat", "/api/generate", "/v1/messages"):
        body = json.loads((await sent(gateway, upstream, path)).body)

        assert {"num_gpu": 1, "num_ctx": 16384}.items() <= body["options"].items()
        assert body["keep_alive"] == "30m"


@pytest.mark.parametrize(
    ("provider", "path", "asked", "drop", "left_out"),
    [
        ("openai", "/v1/chat/completions", {"temperature": 0.5, "seed": 1}, {"temperature"},
         "temperature"),
        ("openai", "/v1/messages", {"temperature": 0.5, "top_k": 3}, {"temperature", "top_k"},
         "temperature, top_k"),
        ("openai", "/v1/responses", {"temperature": 0.5}, {"temperature"}, "temperature"),
        ("anthropic", "/v1/messages", {"temperature": 0.5, "top_k": 3}, {"top_k"}, "top_k"),
        ("anthropic", "/v1/chat/completions", {"seed": 7, "logit_bias": {"1": 2}},
         {"seed", "logit_bias"}, "logit_bias, seed"),
        ("gemini", "/v1/chat/completions", {"logit_bias": {"1": 2}}, {"logit_bias"}, "logit_bias"),
        ("ollama", "/api/chat", {"think": True}, {"think"}, "think"),
        ("ollama", "/v1/chat/completions", {"logit_bias": {"1": 2}}, {"logit_bias"}, "logit_bias"),
    ],
)  # fmt: skip
async def test_what_a_server_rejects_is_left_out_and_named(
    start: StartGateway,
    upstream: Recorder,
    *,
    provider: str,
    path: str,
    asked: dict[str, object],
    drop: set[str],
    left_out: str,
) -> None:
    gateway = await gateway_over(start, provider, upstream, model="m", drop_params=frozenset(drop))
    body = {"model": "up", **ASKS[path], **asked}

    reply = await gateway.client.post(path, json=body)

    assert reply.status_code == 200, reply.text
    names = reply.headers["x-pointsman-left-out"].split(", ")
    assert ", ".join(sorted(names)) == left_out
    said = json.loads(upstream.sent[-1].body)
    assert not drop & {*said, *said.get("options", {}), *said.get("generationConfig", {})}
