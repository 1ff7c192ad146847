"""What listens is known by its answers, and becomes deployments where nobody configured any."""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.gateway import StartGateway
from tests.providers import answers
from tests.support.serving import Answers, serving

from pointsman.assembly import discovery
from pointsman.cli import main
from pointsman.config import DEFAULT_MODELS, ModelSettings, Settings
from pointsman.errors import ConfigError
from pointsman.providers.detect import Server, identify
from pointsman.providers.http import HttpClient

HTML = b"<!doctype html><title>My app</title>"


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@dataclass(frozen=True)
class Seen:
    """What a server was taken for."""

    kind: str | None
    ending: str = ""
    models: tuple[str, ...] = ()


async def seen(client: HttpClient, answering: Answers, ending: str = "") -> Seen:
    async with serving(answering) as address:
        found = await identify(client, address + ending)
        if found is None:
            return Seen(None)
        return Seen(found.kind, found.base_url.removeprefix(address), found.models)


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        (Answers(answers.OLLAMA), Seen("ollama", "", ("qwen3:8b",))),
        (Answers({**answers.OLLAMA, "/api/tags": {"models": [{"name": "old:7b"},
          {"name": "mxbai-embed-large:latest"}]}}), Seen("ollama", "", ("old:7b",))),
        (Answers({**answers.OLLAMA, "/api/tags": {"models": None}}), Seen("ollama")),
        (Answers(answers.LMSTUDIO, otherwise=answers.LM_UNKNOWN, status=200),
         Seen("lmstudio", "/v1", ("gemma-3-270m-it-qat", "qwen/qwen3-vl-8b"))),
        (Answers(answers.LLAMACPP), Seen("llamacpp", "/v1", ("tiny",))),
        (Answers({}, otherwise=answers.LLAMACPP_LOADING, status=503), Seen("llamacpp", "/v1")),
        (Answers({"/v1/models": answers.LLAMACPP["/v1/models"]}, status=401),
         Seen("llamacpp", "/v1", ("tiny",))),
        (Answers(answers.VLLM), Seen("vllm", "/v1", ("Qwen/Qwen3-8B",))),
        (Answers(answers.SGLANG), Seen("sglang", "/v1", ("m",))),
        (Answers(answers.JAN), Seen("openai-compatible", "/v1", ("jan-v3-4b",))),
        (Answers({"/v1/models": {"object": "list", "data": []}}), Seen("openai-compatible", "/v1")),
        (Answers({}, otherwise=HTML, status=200), Seen(None)),
        (Answers({}, otherwise={"hello": "world"}, status=200), Seen(None)),
        (Answers({}, otherwise=[], status=200), Seen(None)),
        (Answers({}, otherwise=b"[" * 100_000, status=200), Seen(None)),
        (Answers({}, otherwise={"error": "no key"}, status=401), Seen(None)),
        (Answers({"/api/version": {"version": "1.2"}}), Seen(None)),
    ],
    ids=["ollama", "old-ollama", "empty-ollama", "lmstudio", "llamacpp", "llamacpp-loading",
         "llamacpp-with-key", "vllm", "sglang", "jan", "empty", "html", "json", "list", "deep",
         "refusal", "an-app-with-a-version"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["", "/v1"])
async def test_a_server_is_known_by_its_answers(
    client: HttpClient, *, answering: Answers, expected: Seen, ending: str
) -> None:
    assert await seen(client, answering, ending) == expected


async def test_a_gateway_like_this_one_is_not_taken_for_ollama(
    client: HttpClient, start: StartGateway
) -> None:
    gateway = await start()
    async with serving(gateway.app.asgi()) as address:
        assert await identify(client, address) == Server("pointsman", f"{address}/v1")


async def test_where_nobody_listens_there_is_none(client: HttpClient) -> None:
    assert await identify(client, "http://127.0.0.1:1") is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


OLLAMA = Server("ollama", "http://127.0.0.1:11434", ("qwen3:8b", "tiny"))
JAN = Server("openai-compatible", "http://127.0.0.1:1337/v1", ("odd name!",))
ELSEWHERE = Server("openai-compatible", "http://127.0.0.1:8000/v1", ("m",))


def deployments(settings: Settings) -> dict[str, tuple[str, str, str, float]]:
    return {
        name: (model.provider, model.model, settings.tier_of(model), model.weight)
        for name, model in settings.models.items()
    }


def test_what_is_found_takes_the_place_of_the_embedded_model(tmp_path: Path) -> None:
    settings = discovery.with_found(Settings(home=tmp_path), [OLLAMA, JAN, ELSEWHERE], {})

    assert deployments(settings) == {
        "ollama/qwen3:8b": ("ollama", "qwen3:8b", "simple", 1.0),
        "ollama/tiny": ("ollama", "tiny", "simple", 0.0),
        "jan/odd-name-": ("jan", "odd name!", "simple", 1.0),
        "openai-compatible/m": ("openai-compatible", "m", "simple", 1.0),
    }
    assert {model.where for model in settings.models.values()} == {"local"}


def test_a_key_gives_a_cheap_and_a_strong_model(tmp_path: Path) -> None:
    environment = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k", "GOOGLE_API_KEY": "k"}

    settings = discovery.with_found(Settings(home=tmp_path), [], environment)

    assert deployments(settings) == {
        "openai/gpt-6-luna": ("openai", "gpt-6-luna", "medium", 1.0),
        "openai/gpt-6.1-sol": ("openai", "gpt-6.1-sol", "complex", 1.0),
        "anthropic/claude-haiku-5-5": ("anthropic", "claude-haiku-5-5", "medium", 1.0),
        "anthropic/claude-opus-5-5": ("anthropic", "claude-opus-5-5", "complex", 1.0),
        "gemini/gemini-3.5-flash-lite": ("gemini", "gemini-3.5-flash-lite", "medium", 1.0),
        "gemini/gemini-4-argon": ("gemini", "gemini-4-argon", "complex", 1.0),
    }
    assert {model.key(environment) for model in settings.models.values()} == {"k"}


def test_the_embedded_model_stays_beside_keys_where_its_weights_are_here(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "smollm2-135m-instruct.gguf").write_bytes(b"GGUF")

    settings = discovery.with_found(Settings(home=tmp_path), [], {"OPENAI_API_KEY": "k"})

    assert list(settings.models) == ["smollm2", "openai/gpt-6-luna", "openai/gpt-6.1-sol"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(models={"mine": ModelSettings(provider="scripted", model="m")}),
        Settings(detect=False),
    ],
)
def test_what_is_configured_is_left_alone(settings: Settings) -> None:
    assert discovery.with_found(settings, [OLLAMA], {"OPENAI_API_KEY": "k"}) is settings


def test_where_nothing_is_found_the_default_stays(tmp_path: Path) -> None:
    empty = Server("vllm", "http://127.0.0.1:8000/v1")

    settings = discovery.with_found(Settings(home=tmp_path), [empty], {"HF_TOKEN": "k"})

    assert settings.models == dict(DEFAULT_MODELS)


async def test_only_those_that_answer_are_found(start: StartGateway) -> None:
    gateway = await start()
    async with serving(Answers(answers.OLLAMA)) as ollama, serving(gateway.app.asgi()) as ours:
        found = await discovery.servers(["http://127.0.0.1:1/v1", ollama, ours])

    assert found == [Server("ollama", ollama, ("qwen3:8b",))]


def test_each_usual_address_is_asked_once() -> None:
    usual = discovery.addresses({})

    assert {"http://127.0.0.1:11434", "http://127.0.0.1:1234/v1"} <= set(usual)
    assert len(usual) == len(set(usual))
    assert all(address.startswith("http://127.0.0.1:") for address in usual)


@pytest.mark.parametrize(
    ("stated", "address"),
    [
        ("192.168.1.7", "http://192.168.1.7:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("https://ollama.lan", "https://ollama.lan:443"),
        ("[::]:5", "http://[::1]:5"),
        (":8", "http://127.0.0.1:8"),
    ],
)
def test_ollama_is_looked_for_where_its_own_programs_look(stated: str, address: str) -> None:
    told = discovery.addresses({"OLLAMA_HOST": stated})

    assert address in told
    assert "http://127.0.0.1:11434" not in told


def test_an_address_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(ConfigError, match="OLLAMA_HOST"):
        discovery.addresses({"OLLAMA_HOST": "here:there"})


def test_doctor_says_what_it_found(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def servers(environment: object) -> list[Server]:
        return [Server("lmstudio", "http://127.0.0.1:1/v1", ("gemma", "qwen"))]

    monkeypatch.setattr(discovery, "servers", servers)
    monkeypatch.setattr(sys, "argv", ["pointsman", "doctor", "--json"])
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(SystemExit) as ended:
        main()
    checks = {each["name"]: each for each in json.loads(capsys.readouterr().out)}

    assert ended.value.code == 1
    assert checks["local servers"]["detail"] == "lmstudio at http://127.0.0.1:1/v1: gemma, qwen"
    assert checks["lmstudio/gemma"]["status"] == "failed"
    assert "weights" not in checks
