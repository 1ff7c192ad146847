"""What servers say of themselves is learned, and used: their documented answers, word for word."""

from pathlib import Path

import pytest
from tests.gateway import Gateway, StartGateway
from tests.providers import answers
from tests.support.served import Books
from tests.support.serving import Answers, serving

from pointsman import Router
from pointsman.app import App
from pointsman.assembly.wiring import EMBEDDED_CAPABILITIES, Wiring
from pointsman.clock import SystemClock
from pointsman.config import ModelSettings, Settings
from pointsman.providers.http import HttpClient
from pointsman.types import Capability, Health

SEES = {
    "role": "user",
    "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ],
}
LONG = "word " * 6000


async def gateway_over(start: StartGateway, address: str, **more: object) -> Gateway:
    """A gateway over one watched server and a strong deployment in the cloud."""
    model = ModelSettings(**{"provider": "ollama", "base_url": address, "tier": "simple", **more})
    cloud = ModelSettings(provider="scripted", model="c", tier="complex", location="cloud")
    return await start(Settings(home=Path("nowhere"), models={"here": model, "strong": cloud}))


async def seen(start: StartGateway, by_path: dict[str, object], **more: object) -> Health:
    async with serving(Answers(by_path)) as address:
        ending = "" if more["provider"] == "ollama" else "/v1"
        gateway = await gateway_over(start, address + ending, **more)
        return await gateway.app.providers()["here"].probe()


def able(*names: Capability) -> frozenset[Capability]:
    return frozenset(names)


LLAMACPP_ABLE = able("tools", "json_schema", "logprobs", "n")


@pytest.mark.parametrize(
    ("provider", "model", "by_path", "health"),
    [
        ("ollama", "qwen3:8b", answers.OLLAMA,
         Health("up", "loaded", 4096, able("tools", "json_schema", "logprobs"))),
        ("ollama", "qwen3:8b", {**answers.OLLAMA, "/api/ps": {"models": []}},
         Health("cold", "loads on demand", 40960, able("tools", "json_schema", "logprobs"))),
        ("ollama", "mine", {**answers.OLLAMA, "/api/show": answers.OLLAMA_SHOW_CLOUD},
         Health("up", "runs in Ollama's cloud", 262144, able("tools", "json_schema", "logprobs"),
                location="cloud")),
        ("ollama", "nope", {**answers.OLLAMA, "/api/show": (404, {"error": "model not found"})},
         Health("down", "has no model nope: `ollama pull nope` fetches it", lacks="model")),
        ("lmstudio", "gemma-3-270m-it-qat", answers.LMSTUDIO,
         Health("up", "loaded", 4096, able("json_schema"))),
        ("lmstudio", "qwen/qwen3-vl-8b", answers.LMSTUDIO,
         Health("cold", "loads on demand", 262144, able("json_schema", "vision", "tools"))),
        ("lmstudio", "gemma:2", {"/api/v1/models": {"models": [{**answers.LM_LOADED,
          "loaded_instances": [{"id": "gemma:2", "config": {"context_length": 8192}}]}]}},
         Health("up", "loaded", 8192, able("json_schema"))),
        ("lmstudio", "nope", answers.LMSTUDIO, Health("up", "does not list nope", lacks="model")),
        ("llamacpp", "anything", answers.LLAMACPP,
         Health("up", "answers", 4096, LLAMACPP_ABLE, slots=2)),
        ("llamacpp", "tiny", {**answers.LLAMACPP, "/props": (501, {})},
         Health("up", "answers", 4096)),
        ("llamacpp", "tiny", {"/health": (503, answers.LLAMACPP_LOADING)},
         Health("warming", "is loading its model")),
        ("llamacpp", "big", answers.LLAMACPP_ROUTER, Health("cold", "answers")),
        ("llamacpp", "new", answers.LLAMACPP_ROUTER, Health("warming", "answers")),
        ("vllm", "Qwen/Qwen3-8B", answers.VLLM, Health("up", "answers", 32768)),
        ("vllm", "nope", answers.VLLM, Health("up", "does not list nope", lacks="model")),
        ("jan", "jan-v3-4b", answers.JAN, Health("up", "answers")),
        ("jan", "plain", {}, Health("up", "answers, but lists no models")),
        ("jan", "keyless", {"/v1/models": (401, {})}, None),
        ("anthropic", "claude-haiku-5-5", {"/v1/models/claude-haiku-5-5":
          {"type": "model", "id": "claude-haiku-5-5", "max_input_tokens": 1000000}},
         Health("up", "answers", 1000000)),
        ("anthropic", "Qwen/Qwen3-8B", answers.VLLM, Health("up", "answers", 32768)),
    ],
)  # fmt: skip
async def test_what_a_server_says(
    start: StartGateway,
    *,
    provider: str,
    model: str,
    by_path: dict[str, object],
    health: Health | None,
) -> None:
    found = await seen(start, by_path, provider=provider, model=model)

    assert found == health if health else (found.state, "401" in found.detail) == ("down", True)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[" * 100_000, b'{"models": 7}', b"\xff\xfe", b'{"data": [7]}', b"null"],
    ids=["nothing", "html", "deep", "wrong", "binary", "odd", "null"],
)
@pytest.mark.parametrize("provider", ["ollama", "lmstudio", "llamacpp", "vllm", "anthropic"])
async def test_odd_answers_are_survived(start: StartGateway, provider: str, body: bytes) -> None:
    async with serving(Answers({}, otherwise=body, status=200)) as address:
        gateway = await gateway_over(start, address, provider=provider, model="m")

        await gateway.app.look()

        assert (await gateway.chat()).headers["x-pointsman-model"] in {"here", "strong"}


async def test_a_llamacpp_router_is_not_made_to_load_a_model(start: StartGateway) -> None:
    server = Answers(answers.LLAMACPP_ROUTER)
    async with serving(server) as address:
        gateway = await gateway_over(start, f"{address}/v1", provider="llamacpp", model="a b&c")
        server.asked.clear()

        await gateway.app.look()

    assert "GET /props?model=a%20b%26c&autoload=false" in server.asked


async def drops(gateway: Gateway, **asked: object) -> dict[str, str]:
    body = {"model": "simple", "messages": [{"role": "user", "content": "hi"}], **asked}
    route = (await gateway.client.post("/v1/route", json=body)).json()
    return {drop["deployment"]: drop["reason"] for drop in route["dropped"]}


async def test_a_learned_context_rules_out_what_does_not_fit(start: StartGateway) -> None:
    async with serving(Answers(answers.OLLAMA)) as address:
        gateway = await gateway_over(start, address, model="qwen3:8b")
        await gateway.app.look()

        assert await drops(gateway) == {}
        reason = (await drops(gateway, messages=[{"role": "user", "content": LONG}]))["here"]
        assert reason.startswith("needs about ")
        assert reason.endswith(" tokens of context, has 4096")
        reply = await gateway.chat(LONG, model="simple")
        assert reply.headers["x-pointsman-model"] == "strong"


async def test_a_changed_context_is_noticed(start: StartGateway) -> None:
    server = Answers(answers.OLLAMA)
    async with serving(server) as address:
        gateway = await gateway_over(start, address, model="qwen3:8b")
        await gateway.app.look()
        loaded = {**answers.OLLAMA_PS["models"][0], "context_length": 32768}
        server.by_path["/api/ps"] = {"models": [loaded]}
        await gateway.app.look()

        assert await drops(gateway, messages=[{"role": "user", "content": LONG}]) == {}
        shown = await gateway.client.post("/api/show", json={"model": "here"})
        assert shown.json()["details"]["context_length"] == 32768


async def test_a_blind_model_gets_no_image(start: StartGateway) -> None:
    async with serving(Answers(answers.LMSTUDIO)) as address:
        gateway = await gateway_over(
            start, f"{address}/v1", provider="lmstudio", model="gemma-3-270m-it-qat"
        )
        await gateway.app.look()

        assert await drops(gateway, messages=[SEES]) == {"here": "has no vision"}


async def test_what_is_configured_wins(start: StartGateway) -> None:
    async with serving(Answers(answers.LLAMACPP)) as address:
        gateway = await gateway_over(
            start,
            f"{address}/v1",
            provider="llamacpp",
            model="tiny",
            context_length=100_000,
            capabilities=frozenset({"vision"}),
            concurrency=1,
        )
        await gateway.app.look()

        assert await drops(gateway, messages=[SEES]) == {}
        assert await drops(gateway, messages=[{"role": "user", "content": LONG}]) == {}
        assert (await drops(gateway, logprobs=True))["here"] == "has no logprobs"


@pytest.mark.parametrize(
    ("model", "by_path"),
    [
        ("gpt-oss:120b-cloud", answers.OLLAMA),
        ("mine", {**answers.OLLAMA, "/api/show": answers.OLLAMA_SHOW_CLOUD}),
    ],
)
@pytest.mark.parametrize("configured", [None, "local"])
async def test_ollamas_cloud_models_are_not_local_whatever_their_address(
    start: StartGateway, *, model: str, by_path: dict[str, object], configured: str | None
) -> None:
    async with serving(Answers(by_path)) as address:
        gateway = await gateway_over(start, address, model=model, location=configured)
        await gateway.app.look()

        assert (await drops(gateway, model="local"))["here"] == (
            "local was asked for, this one is cloud"
        )


async def test_where_prompts_go_is_known_before_the_first_of_them(start: StartGateway) -> None:
    async with serving(Answers({**answers.OLLAMA, "/api/show": answers.OLLAMA_SHOW_CLOUD})) as at:
        gateway = await gateway_over(start, at, model="mine")

        assert (await drops(gateway, model="local"))["here"] == (
            "local was asked for, this one is cloud"
        )


async def test_also_without_a_server(start: StartGateway) -> None:
    async with serving(Answers({**answers.OLLAMA, "/api/show": answers.OLLAMA_SHOW_CLOUD})) as at:
        mine = ModelSettings(provider="ollama", model="mine", base_url=at)
        app = App(Settings(home=Path("nowhere"), models={"mine": mine}), environment={})
        await app.start(in_memory=True, load=False)

        assert Router(app).route("hi", model="local").deployment is None
        await app.close()


async def test_a_server_that_loads_on_demand_is_ready(start: StartGateway) -> None:
    server = Answers({**answers.OLLAMA, "/api/ps": {"models": []}})
    async with serving(server) as address:
        cold = ModelSettings(provider="ollama", model="qwen3:8b", base_url=address)
        gateway = await start(Settings(home=Path("nowhere"), models={"cold": cold}))
        await gateway.app.look()

        assert (await gateway.client.get("/health/ready")).status_code == 200
        server.by_path.clear()
        await gateway.app.look()
        assert (await gateway.client.get("/health/ready")).status_code == 503


async def test_a_look_that_fails_teaches_nothing(start: StartGateway) -> None:
    server = Answers({**answers.OLLAMA, "/api/show": answers.OLLAMA_SHOW_CLOUD})
    async with serving(server) as address:
        gateway = await gateway_over(start, address, model="mine", provider="ollama")
        await gateway.app.look()
        server.by_path.clear()
        await gateway.app.look()

        assert gateway.app.states()["here"] == "down"
        assert "here" in await drops(gateway, model="local")
        assert (await drops(gateway, messages=[SEES]))["here"] == "has no vision"


@pytest.mark.parametrize(("configured", "limits"), [(None, [2, 4, 4]), (1, [1, 1, 1])])
async def test_slots_are_as_the_server_says_where_nobody_else_does(
    configured: int | None, limits: list[int]
) -> None:
    model = ModelSettings(provider="llamacpp", model="tiny", concurrency=configured)
    client = HttpClient()
    wiring = Wiring(
        Settings(home=Path("nowhere")), client=client, clock=SystemClock(), environment={}
    )
    line = wiring.line("here", model)
    found = []
    for health in (Health("up", slots=2), Health("up", slots=4), Health("down")):
        line.learn(health)
        found.append(line.slots.limit)

    assert found == limits


@pytest.mark.parametrize("configured", [None, frozenset[Capability]({"tools"})])
async def test_an_embedded_model_calls_tools_where_its_template_does_or_somebody_says_so(
    configured: frozenset[Capability] | None,
) -> None:
    model = ModelSettings(provider="embedded", model="tiny", capabilities=configured)
    client = HttpClient()
    wiring = Wiring(
        Settings(home=Path("nowhere")), client=client, clock=SystemClock(), environment={}
    )
    line = wiring.line("here", model)
    able = [line.deployment.capabilities]
    for health in (Health("up", capabilities=frozenset({"n"})), Health("down")):
        line.learn(health)
        able.append(line.deployment.capabilities)
    await client.close()

    presumed = EMBEDDED_CAPABILITIES if configured is None else configured
    told = {"n"} if configured is None else configured
    assert able == [presumed, told, told]


async def test_a_look_that_goes_wrong_is_reported_and_the_others_are_looked_at() -> None:
    books = Books()
    odd = Answers({}, otherwise=b'{"models": [], "x": ' + b"[" * 100_000, status=200)
    async with serving(odd) as hostile, serving(Answers(answers.LLAMACPP)) as fine:
        models = {
            "hostile": ModelSettings(provider="ollama", model="m", base_url=hostile),
            "fine": ModelSettings(provider="llamacpp", model="m", base_url=f"{fine}/v1"),
        }
        app = App(Settings(home=Path("nowhere"), models=models), environment={}, observer=books)
        await app.look()
        await app.close()

    assert [type(fault) for fault in books.faults] == [RecursionError]
    assert app.decider.deployments["fine"].context_length == 4096
