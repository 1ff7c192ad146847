"""Providers by name: each can be reached, paid and spoken to, and its key goes nowhere else."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import ValidationError

from pointsman.config import ModelSettings, resolve_secret
from pointsman.formats.registry import upstreams
from pointsman.ledger.pricing import Listed, price
from pointsman.presets import presets
from pointsman.providers.detect import ServerKind
from pointsman.providers.dialects import DIALECTS
from pointsman.types import Usage

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PRESETS = sorted(presets())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_a_deployment(name: str) -> None:
    preset = presets()[name]
    base_url = preset.base_url or "https://example.test/v1"

    model = ModelSettings(provider=name, model="m", base_url=base_url)

    assert model.address == base_url
    assert upstreams(preset.formats or tuple(DIALECTS[preset.dialect].paths), preset.quirks)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_only_claims_formats_that_its_dialect_has_a_path_for(name: str) -> None:
    preset = presets()[name]

    assert set(preset.formats) <= set(DIALECTS[preset.dialect].paths)
    # Not every server that speaks OpenAI's chat knows its other paths: it says which it does.
    assert preset.formats or preset.dialect not in {"openai", "azure"}


@pytest.mark.parametrize("name", [name for name in PRESETS if presets()[name].base_url])
def test_local_servers_have_no_key_and_clouds_have_one(name: str) -> None:
    preset = presets()[name]
    here = ModelSettings(provider=name, model="m").where == "local"

    assert bool(preset.keys) != here
    assert here == str(preset.base_url).startswith("http://127.0.0.1:")
    assert here or str(preset.base_url).startswith("https://")


def test_what_is_detected_has_a_preset() -> None:
    assert set(get_args(ServerKind)) - {"pointsman"} <= set(presets())


@pytest.mark.parametrize("name", [name for name in PRESETS if presets()[name].cheap])
def test_suggested_models_have_prices(name: str) -> None:
    preset = presets()[name]
    assert preset.keys

    for model in (preset.cheap, preset.strong):
        assert model is not None
        assert price(Listed(model, preset.prices), Usage(1000, 100), NOW)


def test_the_first_variable_that_is_set_is_the_key() -> None:
    model = ModelSettings(provider="gemini", model="m")

    assert model.key({}) is None
    assert model.key({"GOOGLE_API_KEY": "two"}) == "two"
    assert model.key({"GEMINI_API_KEY": "", "GOOGLE_API_KEY": "two"}) == "two"
    assert model.key({"GEMINI_API_KEY": "one", "GOOGLE_API_KEY": "two"}) == "one"


def test_a_usual_key_goes_to_its_own_provider_and_nowhere_else() -> None:
    environment = {"OPENAI_API_KEY": "openais", "AZURE_OPENAI_API_KEY": "azures"}
    elsewhere = ModelSettings(provider="openai", model="m", base_url="https://proxy.example/v1")
    resource = "https://mine.openai.azure.com/openai/v1"
    azure = ModelSettings(provider="azure", model="my-deployment", base_url=resource)
    named = elsewhere.model_copy(update={"api_key": azure.api_key})

    assert elsewhere.key(environment) is None
    assert named.key(environment) is None
    assert azure.key(environment) == "azures"


def test_a_key_that_is_named_goes_where_it_is_sent() -> None:
    model = ModelSettings(
        provider="openai", model="m", base_url="https://proxy.example/v1", api_key="${PROXY_KEY}"
    )

    assert model.key({"PROXY_KEY": "p", "OPENAI_API_KEY": "o"}) == "p"
    assert model.api_key is not None
    assert resolve_secret(model.api_key, {"PROXY_KEY": "p"}) == "p"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"provider": "azure"}, 'provider "azure" needs base_url'),
        ({"provider": "openai-compatible"}, 'provider "openai-compatible" needs base_url'),
        ({"provider": "opnai"}, "unknown provider 'opnai'"),
        ({"provider": "openai", "base_url": "localhost:8080/v1"}, "base_url must be http://"),
        ({"provider": "azure", "base_url": "https://r.openai.azure.com/openai/deployments/d?api-version=1"},
         "base_url takes no ?query"),
        ({"provider": "openai", "base_url": "https://r.example/v1#here"}, "base_url takes no ?query"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_refused(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("?", r"\?")):
        ModelSettings(model="m", **settings)
