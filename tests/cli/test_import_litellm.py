"""`pointsman init --import litellm.yaml`: redundancy is kept, and what is left out is named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway import StartGateway

from pointsman.config import checked
from pointsman.onboarding import litellm
from pointsman.onboarding.draft import rendered, values
from pointsman.providers.scripted import Script

Run = Callable[..., tuple[int, str, str]]

TIERS = ("simple", "medium", "complex")
SECRET = "sk-very-secret-0123456789"  # noqa: S105 - of nobody
MODELS = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-6.1-sol}
  - model_name: gpt-4o
    litellm_params: {model: groq/sol}
  - model_name: claude
    litellm_params: {model: anthropic/claude-opus-5-5}
  - model_name: tiny
    litellm_params: {model: ollama/tiny, api_base: "http://127.0.0.1:11434"}
"""


def taken(text: str) -> tuple[dict[str, object], dict[str, str]]:
    """The configuration that came of it, and what each setting became."""
    found = litellm.imported(yaml.safe_load(text), TIERS, lambda _: None, {})
    config = tomllib.loads(rendered(found.tables))
    checked({name: each for name, each in config.items() if name != "api_key"})
    return config, {each.name: each.what for each in found.became}


def aliases(text: str) -> object:
    return taken(MODELS + text)[0].get("aliases", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"gpt-4o": [["gpt-4o", "gpt-4o-2"]]}),
        ("litellm_settings: {fallbacks: [{gpt-4o: [claude, tiny]}]}",
         {"gpt-4o": [["gpt-4o", "gpt-4o-2"], "claude", "tiny"]}),
        ("router_settings: {fallbacks: [{claude: [gpt-4o]}, {tiny: [claude]}]}",
         {"gpt-4o": [["gpt-4o", "gpt-4o-2"]], "claude": ["claude", ["gpt-4o", "gpt-4o-2"]],
          "tiny": ["tiny", "claude"]}),
        ("litellm_settings: {default_fallbacks: [tiny]}",
         {"gpt-4o": [["gpt-4o", "gpt-4o-2"], "tiny"], "claude": ["claude", "tiny"]}),
        ("router_settings: {model_group_alias: {best: claude}, fallbacks: [{tiny: [best, best]}]}",
         {"gpt-4o": [["gpt-4o", "gpt-4o-2"]], "tiny": ["tiny", "claude"], "best": "claude"}),
        ("router_settings: {model_group_alias: {best: {model: gpt-4o, hidden: true}}}",
         {"gpt-4o": [["gpt-4o", "gpt-4o-2"]], "best": [["gpt-4o", "gpt-4o-2"]]}),
    ],
    ids=["one-name", "fallbacks", "of-groups", "default", "of-alias", "hidden"],
)  # fmt: skip
def test_names_with_several_deployments_stay_so(text: str, expected: object) -> None:
    assert aliases(text) == expected


def test_an_order_is_an_order() -> None:
    config, _ = taken("""
model_list:
  - {model_name: a, litellm_params: {model: groq/one, order: 2}}
  - {model_name: a, litellm_params: {model: groq/two, order: 1}}
  - {model_name: a, litellm_params: {model: groq/three, order: 1, weight: 3}}
""")

    assert config["aliases"] == {"a": [["a-2", "a-3"], "a"]}
    assert config["models"]["a-3"]["weight"] == 3


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("litellm_settings: {fallbacks: [{gpt-4o: [nobody]}]}", "gpt-4o's fallback nobody"),
        ("litellm_settings: {fallbacks: [{nobody: [claude]}]}", "fallbacks of nobody"),
        ("litellm_settings: {fallbacks: [{claude: [{model: gpt-4o}]}]}", "fallbacks of claude"),
        ("litellm_settings: {fallbacks: [claude]}", "fallbacks"),
        ("litellm_settings: {default_fallbacks: claude}", "default_fallbacks"),
    ],
)
def test_a_fallback_that_is_none_is_named(text: str, name: str) -> None:
    _, became = taken(MODELS + text)

    assert became[name].startswith("left: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("litellm_settings: {max_budget: 100, budget_duration: 30d}",
         {"budgets": {"organisation": {"per_month": 100.0}}}),
        ("litellm_settings: {max_budget: '2.5', budget_duration: 1d}",
         {"budgets": {"organisation": {"per_day": 2.5}}}),
        ("router_settings: {num_retries: 3}", {"routing": {"retries": 3}}),
        ("litellm_settings: {num_retries: 1}\nrouter_settings: {num_retries: 4}",
         {"routing": {"retries": 4}}),
    ],
)  # fmt: skip
def test_what_has_an_equal_becomes_it(text: str, expected: dict[str, object]) -> None:
    config, became = taken(MODELS + text)

    assert {name: config[name] for name in expected} == expected
    assert not any(said.startswith("left") for said in became.values())


@pytest.mark.parametrize(
    ("text", "first_byte_s"),
    [
        ("litellm_settings: {request_timeout: 30}", [30, 30, 30, 30]),
        ("litellm_settings: {request_timeout: 30}\nrouter_settings: {timeout: 20}", [20] * 4),
    ],
)
def test_a_timeout_is_until_the_reply_begins(text: str, first_byte_s: list[float]) -> None:
    models = taken(MODELS + text)[0]["models"]

    assert [each["timeouts"]["first_byte_s"] for each in models.values()] == first_byte_s


def test_an_entry_has_its_own() -> None:
    config, became = taken("""
model_list:
  - model_name: a
    litellm_params:
      model: groq/one
      timeout: 12
      rpm: 60
      tpm: 1000
      additional_drop_params: [temperature]
      input_cost_per_token: 1.0e-6
      output_cost_per_token: 2.0e-6
      cache_read_input_token_cost: 1.0e-7
      organization: org-1
    model_info: {id: x, mode: chat, supports_vision: true, whatever: 1}
    tags: [paid]
litellm_settings: {request_timeout: 30}
""")

    assert config["models"]["a"] == {
        "provider": "groq",
        "model": "one",
        "tier": "medium",
        "api_key": "${GROQ_API_KEY}",
        "price": {"input": 1.0, "output": 2.0, "cached": 0.1},
        "timeouts": {"first_byte_s": 12.0},
        "drop_params": ["temperature"],
    }
    left = {name for name, said in became.items() if said.startswith("left: ")}
    assert left == {
        *("a's rpm", "a's tpm", "a's organization", "a's id", "a's supports_vision"),
        *("a's whatever", "a's tags"),
    }


@pytest.mark.parametrize(
    ("text", "name", "hint"),
    [
        ("litellm_settings: {max_budget: 100}", "max_budget", "[budgets.organisation] per_day"),
        ("litellm_settings: {max_budget: 1, budget_duration: 7d}", "budget_duration", "[budgets]"),
        ("litellm_settings: {max_budget: x, budget_duration: 1d}", "max_budget", "per_month"),
        ("router_settings: {num_retries: 99}", "num_retries", "[routing] retries, 10 at most"),
        ("router_settings: {timeout: os.environ/T}", "timeout", "[models.<id>.timeouts]"),
        ("general_settings: {alerting: [slack]}", "alerting", "[alerts]"),
        ("router_settings: {redis_host: cache}", "redis_host", "[redis]"),
        ("litellm_settings: {callbacks: [otel]}", "callbacks", "[telemetry]"),
        ("general_settings: {never_heard_of: 1}", "never_heard_of", "there is no setting"),
        ("guardrails: []", "guardrails", "there is no setting"),
        ("environment_variables: {A: b}", "environment_variables", "where the gateway is started"),
    ],
)
def test_what_has_no_equal_is_named_with_a_hint(text: str, name: str, hint: str) -> None:
    _, became = taken(MODELS + text)

    assert became[name].startswith("left: ")
    assert hint in became[name]


plain = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.just(SECRET)
anything = plain | st.lists(plain, max_size=2) | st.dictionaries(st.just("x"), plain, max_size=1)
KNOWN = ("fallbacks", "max_budget", "budget_duration", "num_retries", "timeout", "request_timeout",
         "rpm", "weight", "order", "mode", "alerting", "redis_password", "default_fallbacks",
         "input_cost_per_token", "output_cost_per_token", "max_input_tokens", "model_group_alias", "elsewhere")  # fmt: skip
members = st.dictionaries(st.sampled_from(KNOWN), anything, max_size=5)


@given(members, members, members, members)
def test_whatever_stands_there_is_named_and_nothing_of_it_is_shown(
    lite: dict[str, object],
    router: dict[str, object],
    parameters: dict[str, object],
    info: dict[str, object],
) -> None:
    entry = {"model_name": "a", "litellm_params": {**parameters, "model": "groq/one"}}
    config = {
        "model_list": [{**entry, "model_info": info}],
        "litellm_settings": lite,
        "router_settings": router,
    }

    found = litellm.imported(config, TIERS, lambda _: None, {})

    checked(values(found.tables))
    assert SECRET not in rendered(found.tables)
    assert not any(SECRET in each.what for each in found.became)
    named = " ".join(each.name for each in found.became)
    lists = {"fallbacks", "default_fallbacks", "model_group_alias"}
    for name in (lite.keys() | router.keys()) - lists - {"budget_duration"}:
        assert re.search(rf"\b{name}\b", named)


async def test_the_imported_gateway_goes_on_where_one_fails(
    command: Run, tmp_path: Path, start: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the clients of the other router had it: the same names, the same redundancy."""
    fallbacks = "litellm_settings: {fallbacks: [{gpt-4o: [claude]}]}"
    (tmp_path / "litellm.yaml").write_text(MODELS + fallbacks)
    code, out, err = command("init", "--yes", "--no-test", "--import", "litellm.yaml")
    assert (code, "fallbacks of gpt-4o" in out) == (0, True), err
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"):
        monkeypatch.setenv(variable, "a-key")
    code, out, err = command("config", "check", "--config", "pointsman.toml")
    assert code == 0, err
    config = tomllib.loads((tmp_path / "pointsman.toml").read_text())
    for name, model in config["models"].items():
        config["models"][name] = {k: model[k] for k in ("model", "tier")} | {"provider": "scripted"}
    gateway = await start(checked({**config, "home": "nowhere", "cache": {"exact": False}}))
    for name in ("gpt-4o", "gpt-4o-2"):
        gateway.tell(name, Script(status=500))

    reply = await gateway.chat(model="gpt-4o")

    assert reply.headers["x-pointsman-model"] == "claude"
