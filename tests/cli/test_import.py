"""`pointsman init --import`: what each setting of another router becomes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.config import load
from pointsman.onboarding import variables
from pointsman.onboarding.draft import Table, rendered, values

Run = Callable[..., tuple[int, str, str]]
Take = Callable[..., tuple[dict[str, object], str]]

TIERS = ("simple", "medium", "complex")
SECRET = "sk-ant-api03-very-secret"  # noqa: S105 - of nobody

ENV = f"""
# a router of old
OLLAMA_BASE_URL=http://192.168.1.9:11434
OLLAMA_MODEL=qwen2.5:7b
export CLOUD_PROVIDER=anthropic
ANTHROPIC_API_KEY="{SECRET}"
ANTHROPIC_MODEL=claude-opus-5-5
GEMINI_API_KEY={SECRET}
GEMINI_MODEL=gemini-4-argon
MAX_LOCAL_TOKENS=3000
COMPLEXITY_THRESHOLD=0.6
CACHE_SIMILARITY_THRESHOLD=0.92
CACHE_TTL_HOURS=12
USE_LLM_ROUTER=true
USE_SEMANTIC_CACHE=true
DATABASE_URL=postgresql://user:{SECRET}@db/router
REDIS_URL=redis://:{SECRET}@cache:6379
HOST=0.0.0.0
PORT=8000
LOG_DECISIONS=false
SENTRY_DSN=https://elsewhere
"""
LITELLM = f"""
model_list:
  - model_name: gpt-4o
    litellm_params: {{model: openai/gpt-6.1-sol, api_key: os.environ/OPENAI_API_KEY}}
  - model_name: gpt-4o
    litellm_params: {{model: azure/my-sol, api_base: https://c.openai.azure.com, api_key: {SECRET}}}
    model_info: {{base_model: azure/gpt-6-sol}}
  - model_name: haiku
    litellm_params: {{model: anthropic/claude-haiku-5-5, api_key: {SECRET}}}
  - model_name: local
    litellm_params: {{model: ollama_chat/qwen3:8b, api_base: http://127.0.0.1:11434}}
  - model_name: mine
    litellm_params: {{model: openai/mine, api_base: http://127.0.0.1:8000/v1}}
    model_info: {{max_input_tokens: 8192}}
  - model_name: embeddings
    litellm_params: {{model: openai/text-embedding-3-small}}
    model_info: {{mode: embedding}}
  - model_name: priced
    litellm_params:
      model: groq/own
      input_cost_per_token: 0.00000015
      output_cost_per_token: 6e-7
  - model_name: far
    litellm_params: {{model: bedrock/anthropic.claude-v9}}
  - model_name: "*"
    litellm_params: {{model: "openai/*"}}
  - nonsense
router_settings:
  model_group_alias: {{gpt-4: gpt-4o}}
  routing_strategy: usage-based-routing
litellm_settings:
  fallbacks: [{{gpt-4o: [haiku]}}]
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"""


@pytest.fixture
def take(command: Run, tmp_path: Path) -> Take:
    """Takes files over; the configuration that came of them, and what was said."""

    def take_over(**files: str) -> tuple[dict[str, object], str]:
        words = []
        for name, text in files.items():
            file = tmp_path / name.replace("_", ".")
            file.write_text(text, encoding="utf-8")
            words += ["--import", file.name]
        code, out, err = command("init", "--yes", "--no-test", "--force", *words)
        assert code == 0, err
        text = (tmp_path / "pointsman.toml").read_text(encoding="utf-8")
        assert SECRET not in text + out + err
        load(tmp_path / "pointsman.toml")
        return tomllib.loads(text), out

    return take_over


def test_an_env_file_becomes_a_configuration(take: Take) -> None:
    config, said = take(old_env=ENV)

    assert config == {
        "models": {
            "ollama/qwen2.5:7b": {
                "provider": "ollama",
                "model": "qwen2.5:7b",
                "tier": "simple",
                "base_url": "http://192.168.1.9:11434",
            },
            "anthropic/claude-opus-5-5": {
                "provider": "anthropic",
                "model": "claude-opus-5-5",
                "tier": "complex",
                "api_key": "${ANTHROPIC_API_KEY}",
            },
        },
        "routing": {
            "max_local_tokens": 3000,
            "escalate": {"score": 60.0},
            "scorer": "judge",
        },
        "cache": {
            "min_similarity": 0.92,
            "ttl_s": 43200.0,
            "semantic": "on",
            "store": "redis",
            "url": "${REDIS_URL}",
        },
        "ledger": {"url": "${DATABASE_URL}"},
        "server": {"host": "0.0.0.0", "port": 8000},  # noqa: S104
        "log": {"decisions": "off"},
    }
    assert "GEMINI_MODEL" in said
    assert "left: CLOUD_PROVIDER names anthropic" in said
    assert "pointsman keys create --admin" in said
    assert "(SENTRY_DSN)" in said
    assert "set -a; . old.env; set +a" in said.replace("./", "")


@pytest.mark.parametrize(
    ("stated", "models"),
    [
        ({"LOCAL_BASE_URL": "127.0.0.1:1234/v1", "LOCAL_MODEL": "qwen"},
         {"openai-compatible/qwen": ("openai-compatible", "simple")}),
        ({"OLLAMA_HOST": "0.0.0.0", "DEFAULT_SIMPLE_MODEL": "llama3.2:3b",  # noqa: S104
          "DEFAULT_MEDIUM_MODEL": "claude-haiku-5-5", "DEFAULT_COMPLEX_MODEL": "openai/gpt-6.1-sol"},
         {"ollama/llama3.2:3b": ("ollama", "simple"),
          "anthropic/claude-haiku-5-5": ("anthropic", "medium"),
          "openai/gpt-6.1-sol": ("openai", "complex")}),
        ({"GOOGLE_API_KEY": "k"}, {"gemini/gemini-4-argon": ("gemini", "complex")}),
        ({"CLOUD_PROVIDER": "google", "GEMINI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"},
         {"gemini/gemini-4-argon": ("gemini", "complex")}),
        ({"OLLAMA_MODEL": "a", "LOCAL_MODEL": "b"},
         {"ollama/a": ("ollama", "simple"), "ollama/b": ("ollama", "simple")}),
        ({"DEFAULT_SIMPLE_MODEL": "who-knows"}, {}),
        ({"OLLAMA_HOST": "127.0.0.1", "LOCAL_BASE_URL": "http://h/v1"}, {}),
    ],
    ids=["local", "by-tier", "google", "one-provider", "two-local", "unknown", "no-model"],
)  # fmt: skip
def test_models_are_named_in_many_ways(
    stated: dict[str, str], models: dict[str, tuple[str, str]]
) -> None:
    found = variables.imported(stated, TIERS)

    tables = values(found.tables).get("models", {})
    assert {name: (each["provider"], each["tier"]) for name, each in tables.items()} == models
    assert {each.name for each in found.became} == set(stated)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("COMPLEXITY_THRESHOLD", "65", {"routing": {"escalate": {"score": 65.0}}}),
        ("COMPLEXITY_THRESHOLD", "650", {}),
        ("CACHE_TTL_SECONDS", "60", {"cache": {"ttl_s": 60.0}}),
        ("CACHE_TTL_HOURS", "0", {"cache": {"exact": False}}),
        ("USE_SEMANTIC_CACHE", "no", {"cache": {"semantic": "off"}}),
        ("USE_LLM_ROUTER", "0", {}),
        ("USE_LLM_ROUTER", "perhaps", {}),
        ("DATABASE_URL", "sqlite:///./router.db", {}),
        ("DATABASE_URL", "postgresql+asyncpg://u@h/d", {}),
        ("REDIS_URL", "memory", {}),
        ("PORT", "80.5", {}),
        ("SERVER_PORT", "8001", {"server": {"port": 8001}}),
        ("MAX_LOCAL_TOKENS", "many", {}),
        ("MAX_LOCAL_TOKENS", "inf", {}),
        ("LOG_DECISIONS", "TRUE", {"log": {"decisions": "text"}}),
        ("HOST", "127.0.0.1", {"server": {"host": "127.0.0.1"}}),
        ("HOST", " ", {}),
    ],
)
def test_a_variable_becomes_a_setting_or_is_left(
    variable: str, value: str, expected: dict[str, object]
) -> None:
    found = variables.imported({variable: value}, TIERS)

    assert values(found.tables) == expected
    assert [each.name for each in found.became] == ([variable] if value.strip() else [])
    assert all(each.what.startswith(("left", "nothing")) for each in found.became if not each.taken)


def test_of_two_that_say_the_same_one_counts() -> None:
    found = variables.imported({"CACHE_TTL_HOURS": "1", "CACHE_TTL_SECONDS": "5"}, TIERS)

    assert values(found.tables) == {"cache": {"ttl_s": 5.0}}


def test_one_that_can_not_be_used_beats_none() -> None:
    found = variables.imported({"PORT": "many", "SERVER_PORT": "8001"}, TIERS)

    assert values(found.tables) == {"server": {"port": 8001}}


def test_a_password_in_an_address_is_not_copied(take: Take) -> None:
    config, said = take(
        old_env=f"LOCAL_BASE_URL=http://me:{SECRET}@h:1/v1\nLOCAL_MODEL=m",
        a_yaml="model_list: [{model_name: a, litellm_params: "
        f"{{model: ollama/a, api_base: 'http://me:{SECRET}@[::1]:11434/'}}}}]",
    )

    models = config["models"]
    assert models["openai-compatible/m"]["base_url"] == "http://h:1/v1"
    assert models["a"]["base_url"] == "http://[::1]:11434"
    assert "http://h:1/v1" in said


def test_the_line_that_loads_the_keys_can_be_typed(command: Run, tmp_path: Path) -> None:
    (tmp_path / "my old.env").write_text("OLLAMA_MODEL=a")

    _, out, _ = command("init", "--yes", "--no-test", "--import", "my old.env")

    assert "set -a; . './my old.env'; set +a" in out


def test_where_a_key_stood_in_the_open_it_is_said_where_it_belongs(take: Take) -> None:
    _, said = take(
        a_yaml="model_list: [{model_name: a, litellm_params: "
        f"{{model: groq/a, api_key: {SECRET}}}}}]\ngeneral_settings: {{master_key: {SECRET}}}"
    )

    assert 'api_key = "${GROQ_API_KEY}": not copied, so set that' in said
    assert '"${LITELLM_MASTER_KEY}": callers send it; not copied, so set that' in said


def test_an_alias_of_nothing_is_said_to_be_left(take: Take) -> None:
    config, said = take(
        a_yaml="model_list: [{model_name: a, litellm_params: {model: groq/a}}]\n"
        "router_settings: {model_group_alias: {b: nowhere}}"
    )

    assert "aliases" not in config
    assert "left: it names no model that was taken over" in said


def test_a_litellm_configuration_becomes_one(take: Take) -> None:
    config, said = take(litellm_yaml=LITELLM)

    models = config["models"]
    assert {name: (m["provider"], m["model"], m["tier"]) for name, m in models.items()} == {
        "gpt-4o": ("openai", "gpt-6.1-sol", "complex"),
        "gpt-4o-2": ("azure", "my-sol", "complex"),
        "haiku": ("anthropic", "claude-haiku-5-5", "medium"),
        "local-2": ("ollama", "qwen3:8b", "simple"),
        "mine": ("openai-compatible", "mine", "simple"),
        "embeddings": ("openai", "text-embedding-3-small", "medium"),
        "priced": ("groq", "own", "medium"),
    }
    assert models["gpt-4o-2"]["base_url"] == "https://c.openai.azure.com/openai/v1"
    assert models["gpt-4o-2"]["api_key"] == "${AZURE_OPENAI_API_KEY}"
    assert models["haiku"]["api_key"] == "${ANTHROPIC_API_KEY}"
    assert models["mine"]["context_length"] == 8192
    assert models["embeddings"]["tasks"] == ["embeddings"]
    assert models["priced"]["price"] == {"input": 0.15, "output": 0.6}
    both_then_haiku = [["gpt-4o", "gpt-4o-2"], "haiku"]
    assert config["aliases"] == {
        "local": "local-2",
        "gpt-4o": both_then_haiku,
        "gpt-4": both_then_haiku,
    }
    assert config["api_key"] == "${LITELLM_MASTER_KEY}"
    assert "there is no provider for 'bedrock/anthropic.claude-v9'" in said
    assert "gpt-4o and gpt-4o-2 share the load, then haiku" in said
    assert all(not each["model"].startswith("bedrock") for each in models.values())


def test_both_together(take: Take) -> None:
    config, _ = take(
        litellm_yaml="model_list: [{model_name: a, litellm_params: {model: groq/a}}]",
        old_env="PORT=8000\nGROQ_API_KEY=k",
    )

    assert list(config["models"]) == ["a"]
    assert config["server"] == {"port": 8000}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "model_list: [", "a.yaml can't be read"),
        ("a.yaml", "models: []", "there is no list `model_list`"),
        ("a.yaml", "- a", "there is no list `model_list`"),
        ("a.env", "SOMETHING=else", "nothing in there is a setting"),
        ("a.env", "OLLAMA_HOST=http://[\nOLLAMA_MODEL=a", "no address"),
    ],
)
def test_what_cannot_be_taken_over_is_one_clear_line(
    command: Run, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    code, _, err = command("init", "--yes", "--import", name)

    assert (code, len(err.splitlines())) == (1, 1)
    assert says in err
    assert not (tmp_path / "pointsman.toml").exists()


def test_a_file_that_is_not_there(command: Run) -> None:
    code, _, err = command("init", "--yes", "--import", "none.env")

    assert (code, "none.env can't be read" in err) == (1, True)


plain = st.one_of(st.text(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e9, 1e9))
members = st.dictionaries(
    st.text(min_size=1), st.one_of(plain, st.lists(plain), st.dictionaries(st.text(), plain))
)


@given(st.dictionaries(st.text(min_size=1), members), st.text())
def test_what_is_written_is_what_is_read(tables: dict[str, dict[str, object]], note: str) -> None:
    drafted = [Table((name,), each, note) for name, each in tables.items()]

    assert tomllib.loads(rendered(drafted)) == tables == values(drafted)
