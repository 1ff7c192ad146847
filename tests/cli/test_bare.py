"""`pointsman` alone, and `pointsman dashboard`: where one stands, and where to look."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway

from pointsman.cli import app

Command = Callable[..., tuple[int, str, str]]

ONE = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""


def test_alone_it_says_what_it_is_how_it_stands_and_what_to_type(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    code, out, _ = command()

    assert code == 0
    assert "the cheapest model that will answer it well" in out
    assert "pointsman models pull smollm2" in out
    assert "OPENAI_API_KEY" in out
    assert "sk-secret" not in out
    assert "not running" in out
    shown = [line.split()[1] for line in out.splitlines() if line.startswith("  pointsman ")]
    assert {"demo", "serve", "doctor", "batch"} <= set(shown)
    assert set(shown) <= {each.name for each in app.registered_commands}


def test_it_says_which_configuration_it_found(command: Command) -> None:
    Path("pointsman.toml").write_text(ONE)
    assert "pointsman.toml\n  models         weak" in command()[1]

    Path("pointsman.toml").write_text("nonsense = 1")
    code, out, _ = command()
    assert (code, "nonsense" in out, "pointsman serve" in out) == (0, True, True)


def test_the_dashboard_needs_a_gateway(command: Command) -> None:
    code, out, err = command("dashboard")

    assert (code, out) == (1, "")
    assert "`pointsman serve`" in err


def test_the_dashboard_is_where_the_gateway_is(command: Command, tmp_path: Path) -> None:
    with Gateway(tmp_path / "home", ONE) as gateway:
        code, out, _ = command("dashboard")
        assert (code, out) == (0, f"{gateway.address}/dashboard\n")

        assert f"runs at {gateway.address}" in command()[1]
