"""Settings: from a file, under the environment, with errors that say what to do."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pointsman.config import ModelSettings, Settings, find, is_loopback, load, resolve_secret
from pointsman.errors import ConfigError

FILE = """
unknown_model = "auto"

[server]
port = 7171

[models.small]
provider = "openai-compatible"
base_url = "http://127.0.0.1:1234/v1/"
model = "qwen"

[models.big]
provider = "openai"
model = "gpt-6-sol"
api_key = "${MY_KEY}"
tier = "complex"

[routing]
max_local_tokens = 3000
thresholds = { complex = 60 }

[aliases]
"gpt-4o" = "auto"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pointsman.toml"
    path.write_text(FILE)
    return path


def test_a_file_is_read(file: Path) -> None:
    settings = load(file)

    assert settings.server.port == 7171
    assert settings.unknown_model == "auto"
    assert settings.aliases == {"gpt-4o": "auto"}
    small, big = settings.models["small"], settings.models["big"]
    assert (small.address, small.where, settings.tier_of(small)) == (
        "http://127.0.0.1:1234/v1",
        "local",
        "simple",
    )
    assert (big.address, big.where, settings.tier_of(big)) == (
        "https://api.openai.com/v1",
        "cloud",
        "complex",
    )


def test_the_environment_goes_before_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_SERVER__PORT", "9999")
    monkeypatch.setenv("POINTSMAN_HOME", "/somewhere")
    monkeypatch.setenv("POINTSMAN_API_KEY", "s3cret")

    settings = load(file)

    assert settings.server.port == 9999
    assert settings.home == Path("/somewhere")
    assert settings.api_key == SecretStr("s3cret")
    assert "s3cret" not in repr(settings)


def test_without_a_file_there_is_the_embedded_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))

    assert {name: model.provider for name, model in load().models.items()} == {
        "smollm2": "embedded"
    }


def test_a_file_is_looked_for_where_people_put_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert find({"POINTSMAN_CONFIG": "x.toml", "POINTSMAN_HOME": str(tmp_path)}) == Path("x.toml")
    assert find({"POINTSMAN_HOME": str(tmp_path)}) == file
    assert find({"POINTSMAN_HOME": str(elsewhere)}) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = ", "can't be read"),
        ("[servers]\nport = 1", "servers"),
        ("[server]\nport = 70000", "server.port"),
        ("[models.a]\nprovider = 'nobody'\nmodel = 'm'", "models.a.provider"),
        ("[models.a]\nprovider = 'openai-compatible'\nmodel = 'm'", "needs base_url"),
        ("[models.a]\nprovider = 'openai'\nmodel = 'm'\nbase_url = 'ftp://x'", "base_url must be"),
        ("[models.auto]\nprovider = 'openai'\nmodel = 'm'", "already names"),
        ("[models.'a b']\nprovider = 'openai'\nmodel = 'm'", "no usable name"),
        ("[models.a]\nprovider = 'openai'\nmodel = 'm'\ntier = 'huge'", "unknown tier 'huge'"),
        ("[routing]\nthresholds = { huge = 1 }", "unknown tier 'huge'"),
        ("[aliases]\nx = 'nobody'", "no deployment, tier or route 'nobody'"),
        ("[keys.ci]\nprivacy = 'local'", "keys.ci. is no key's id; `pointsman keys list`"),
        ("[models]", "is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=says) as caught:
        load(path)

    assert str(path) in str(caught.value)


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_API_KEY", "")

    with pytest.raises(ConfigError, match="api_key"):
        load()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration file"):
        load(tmp_path / "none.toml")


def test_secrets_are_references() -> None:
    assert resolve_secret(SecretStr("${KEY}"), {"KEY": "value"}) == "value"
    assert resolve_secret(SecretStr("literal"), {}) == "literal"
    assert resolve_secret(SecretStr("${KEY} and more"), {}) == "${KEY} and more"
    with pytest.raises(ConfigError, match="variable KEY is not set"):
        resolve_secret(SecretStr("${KEY}"), {})


def test_a_secret_may_be_in_a_file(tmp_path: Path):
    mounted = tmp_path / "openai key"
    mounted.write_text("sk-mounted\n")

    assert resolve_secret(SecretStr(f"${{file:{mounted}}}"), {}) == "sk-mounted"
    mounted.write_text("\n")
    with pytest.raises(ConfigError, match="empty"):
        resolve_secret(SecretStr(f"${{file:{mounted}}}"), {})
    with pytest.raises(ConfigError, match="No such file"):
        resolve_secret(SecretStr(f"${{file:{tmp_path}/none}}"), {})


def test_a_providers_usual_variable_is_read() -> None:
    model = ModelSettings(provider="openai", model="m")

    assert model.key({"OPENAI_API_KEY": "sk"}) == "sk"
    assert model.key({}) is None
    elsewhere = ModelSettings(provider="openai", model="m", base_url="https://proxy.example/v1")
    assert elsewhere.key({"OPENAI_API_KEY": "sk"}) is None
    assert ModelSettings(provider="vllm", model="m").key({"OPENAI_API_KEY": "sk"}) is None


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://localhost:1/v1", "local"),
        ("http://[::1]:1/v1", "local"),
        ("http://192.168.1.7/v1", "local"),
        ("http://studio.local/v1", "local"),
        ("https://api.example.com/v1", "cloud"),
        ("http://8.8.8.8/v1", "cloud"),
    ],
)
def test_the_address_says_where_a_model_is(url: str, where: str) -> None:
    assert ModelSettings(provider="openai-compatible", model="m", base_url=url).where == where


@pytest.mark.parametrize("provider", ["ollama", "openai-compatible", "vllm"])
def test_ollamas_cloud_models_are_in_the_cloud_whatever_ollama_is_called(provider: str) -> None:
    url = "http://localhost:11434/v1"

    found = ModelSettings(provider=provider, model="gpt-oss:120b-cloud", base_url=url)

    assert found.where == "cloud"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)],  # noqa: S104
)
def test_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_tiers_of_ones_own_need_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        "[routing]\ntiers = ['small', 'large']\n[models.a]\nprovider = 'scripted'\nmodel = 'm'"
    )

    assert load(path).routing.tiers == ("small", "large")


def test_settings_made_in_python_are_not_changed_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POINTSMAN_SERVER__PORT", "9999")
    monkeypatch.setenv("POINTSMAN_MODELS__X__MODEL", "half a model")

    assert Settings().server.port == 7070


def test_settings_can_be_made_in_python() -> None:
    settings = Settings(models={"a": ModelSettings(provider="scripted", model="m")})

    assert settings.database.name == "pointsman.db"
