"""What servers say of their models: bodies from Ollama's docs/api.md and docs/openapi.yaml."""

import json

import pytest
from tests.formats.ollama.words import NOW

from pointsman.errors import UpstreamBroken
from pointsman.formats.ollama import catalogue, listing
from pointsman.types import Health

TAGS = json.dumps(
    {
        "models": [
            {
                "name": "deepseek-r1:latest",
                "model": "deepseek-r1:latest",
                "modified_at": "2025-05-10T08:06:48.639712648-07:00",
                "size": 4683075271,
                "digest": "0a8c266910232fd3291e71e5ba1e058cc5af9d411192cf88b6d30e92b6e73163",
                "details": {
                    "parent_model": "",
                    "format": "gguf",
                    "family": "qwen2",
                    "families": ["qwen2"],
                    "parameter_size": "7.6B",
                    "quantization_level": "Q4_K_M",
                    "context_length": 131072,
                },
                "capabilities": ["completion", "thinking"],
            },
            {
                "name": "gpt-oss:120b-cloud",
                "model": "gpt-oss:120b-cloud",
                "remote_model": "gpt-oss:120b",
                "remote_host": "https://ollama.com:443",
                "size": 384,
                "details": {"family": "gptoss", "families": None},
            },
        ]
    }
).encode()
SHOWN = json.dumps(
    {
        "parameters": 'num_ctx                        8192\nstop                           "<|eot|>"',
        "details": {"family": "llama", "parameter_size": "8.0B"},
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": 8030261248,
            "clip.context_length": 77,
            "llama.context_length": 131072,
        },
        "capabilities": ["completion", "vision", "tools"],
    }
).encode()
LOADED = json.dumps(
    {
        "models": [
            {
                "name": "deepseek-r1:latest",
                "model": "deepseek-r1:latest",
                "size": 5137025024,
                "expires_at": "2024-06-04T14:38:31.83753-07:00",
                "size_vram": 5137025024,
                "context_length": 4096,
            }
        ]
    }
).encode()
NOTHING = b'{"error":"not found"}'


def test_tags() -> None:
    local, cloud = catalogue.listed(TAGS)

    assert local == catalogue.Listed(
        "deepseek-r1:latest",
        "qwen2",
        "7.6B",
        "Q4_K_M",
        4683075271,
        131072,
        frozenset({"completion", "thinking"}),
    )
    assert local.is_local
    assert not cloud.is_local
    assert cloud.capabilities is None


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        ("gpt-oss:120b-cloud", True),
        ("kimi:cloud", True),
        ("kimi", False),
        ("cloud-7b", False),
        ("word-cloud", False),
        ("qwen3:8b", False),
    ],
)
def test_cloud_models_are_told_by_their_names_too(name: str, cloud: bool) -> None:  # noqa: FBT001
    assert catalogue.is_cloud_name(name) is cloud
    assert catalogue.Listed(name).is_local is not cloud


def test_show_ps_and_version() -> None:
    shown = catalogue.show(SHOWN)

    assert shown == catalogue.Shown(131072, 8192, frozenset({"completion", "vision", "tools"}))
    assert (shown.thinks, shown.embeds) == (False, False)
    assert catalogue.show(b'{"details":{},"capabilities":["embedding"]}').embeds
    assert catalogue.Shown().thinks is None
    assert catalogue.running(LOADED) == (
        catalogue.Loaded("deepseek-r1:latest", 4096, 5137025024, 5137025024),
    )
    assert catalogue.version(b'{"version":"0.35.1"}') == "0.35.1"


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", NOTHING])
def test_what_is_not_ollamas_is_broken(body: bytes) -> None:
    for read in (catalogue.listed, catalogue.running, catalogue.show, catalogue.version):
        with pytest.raises(UpstreamBroken):
            read(body)


def test_how_a_model_stands() -> None:
    able = frozenset({"vision", "tools", "json_schema", "logprobs"})

    def health(model: str, shown: bytes = SHOWN, loaded: bytes = LOADED) -> Health:
        return catalogue.health(model, tags=TAGS, loaded=loaded, shown=shown)

    assert health("deepseek-r1") == Health("up", "loaded", 4096, able)
    assert health("deepseek-r1", loaded=NOTHING) == Health("cold", "loads on demand", 8192, able)
    assert health("deepseek-r1", NOTHING, NOTHING) == Health(
        "cold", "loads on demand", 131072, frozenset({"json_schema", "logprobs"})
    )
    assert health("gpt-oss:120b-cloud", NOTHING) == Health(
        "up", "runs in Ollama's cloud", location="cloud"
    )
    assert health("llama9", NOTHING).state == "down"


def test_what_is_offered_reads_as_what_it_is() -> None:
    local = listing.Model(
        "qwen3:8b",
        "qwen3",
        "8.2B",
        "Q4_K_M",
        5_000_000,
        40960,
        listing.capabilities(frozenset({"tools"}), thinks=True),
        loaded=True,
    )
    cloud = listing.Model("opus", remote_host="https://api.anthropic.com")

    first, second = catalogue.listed(listing.tags([local, cloud], NOW))

    able = frozenset({"completion", "tools", "thinking"})
    assert first == catalogue.Listed("qwen3:8b", "qwen3", "8.2B", "Q4_K_M", 5_000_000, 40960, able)
    assert (second.is_local, second.parameter_size) == (False, "")
    assert catalogue.running(listing.running([local, cloud], NOW)) == (
        catalogue.Loaded("qwen3:8b", 40960, 5_000_000),
    )
    assert catalogue.show(listing.show(local, NOW)) == catalogue.Shown(40960, 40960, able)
    assert catalogue.show(listing.show(listing.Model("auto"), NOW)).context_length is None
    assert catalogue.version(listing.version()) == listing.VERSION


def test_capabilities_that_nobody_knows_are_not_denied() -> None:
    assert listing.capabilities(None) == ("completion", "tools", "vision")
    assert listing.capabilities(frozenset()) == ("completion",)
    assert listing.capabilities(None, frozenset({"embeddings"})) == ("embedding",)
