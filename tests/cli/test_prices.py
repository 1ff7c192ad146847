"""`pointsman prices`: what is known of prices, and what is not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

CONFIG = """
[models.house]
provider = "ollama"
model = "qwen3"

[models.warm]
provider = "ollama"
model = "qwen3-32b"
price = { kwh = 0.30, watts = 250 }

[models.haiku]
provider = "anthropic"
model = "claude-haiku-5-5"

[models.mine]
provider = "openai"
model = "gpt-6-sol"
price = { input = 1, output = 2, per_request = 0.01, tiers = [{ above = 1000, input = 3, output = 4 }], services = { priority = 2.5 } }

[models.strange]
provider = "openai-compatible"
base_url = "https://models.example.org/v1"
model = "nobody-knows-1"
"""


@pytest.fixture
def prices(command: Run, tmp_path: Path) -> Run:
    """`pointsman prices`, beside a configuration."""
    (tmp_path / "pointsman.toml").write_text(CONFIG)
    return lambda *arguments: command("prices", *arguments)


def test_what_each_deployment_costs(prices: Run) -> None:
    code, out, _ = prices("list")

    assert code == 0
    assert "installed" in out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "free" in lines["house"]
    assert "$0.075 per hour" in lines["warm"]
    assert "unknown" in lines["strange"]
    assert "above 1,000 tokens" in lines["mine"]
    assert "$0.01 per request" in lines["mine"]


def test_for_scripts(prices: Run) -> None:
    _, out, _ = prices("list", "--json")
    said = json.loads(out)["deployments"]

    assert said["strange"] == [{"price": "unknown"}]
    assert said["haiku"][1]["above_tokens"] == 100_000
    assert said["haiku"][1]["written_1h"] == "1"
    assert said["mine"][0]["input"] == "1"


def test_a_listed_model_with_its_services(prices: Run) -> None:
    code, out, _ = prices("show", "openai/gpt-6-sol")

    assert code == 0
    assert "https://developers.openai.com/api/docs/pricing" in out
    assert {"flex", "priority", "batch"} <= set(out.replace(",", " ").split())


def test_a_deployment_by_its_name(prices: Run) -> None:
    _, out, _ = prices("show", "mine")

    assert "as configured" in out
    _, out, _ = prices("show", "mine", "--json")
    said = [(each["service"], each["input"], each["output"]) for each in json.loads(out)["prices"]]
    assert said == [
        *((None, "1", "2"), (None, "3", "4")),
        *(("priority", "2.5", "5"), ("priority", "7.5", "10")),
    ]


@pytest.mark.parametrize("name", ["no-such-model", "strange"])
def test_an_unknown_price_is_called_so(prices: Run, name: str) -> None:
    code, out, _ = prices("show", name)

    assert code == 0
    assert f"{name}: unknown" in out
    assert "priced_as" in out
