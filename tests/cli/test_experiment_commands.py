"""`pointsman experiment`: started before anything runs, and asked of a running gateway."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway

Run = Callable[..., tuple[int, str, str]]
#: By which both sides have some, however they are drawn.
USERS = 40

CONFIG = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"

[models.twin]
provider = "scripted"
model = "twin-model"
tier = "simple"

[models.strong]
provider = "scripted"
model = "strong-model"
tier = "complex"
"""


@pytest.fixture(autouse=True)
def configured(tmp_path: Path) -> None:
    (tmp_path / "pointsman.toml").write_text(CONFIG)


def started(command: Run, *options: str) -> dict[str, object]:
    """A new experiment, as JSON."""
    code, out, err = command(
        "experiment", "start", "--a", "weak", "--b", "twin", "--json", *options
    )
    assert code == 0, err
    return json.loads(out)


def test_its_life_without_a_gateway(command: Run) -> None:
    assert "There is no experiment" in command("experiment", "status")[1]

    made = started(command, "--share", "0.5", "--name", "who is better", "--until-decided")
    wanted = {"a": "weak", "b": "twin", "share": 0.5, "until_decided": True, "organisation": ""}
    assert {name: made[name] for name in wanted} == wanted

    for line in ("who is better", str(made["id"]), "running", "rate some"):
        assert line in command("experiment", "status")[1]
    shown = json.loads(command("experiment", "status", str(made["id"]), "--json")[1])
    assert shown["figures"]["a"]["requests"] == 0
    assert "answered by another" in command("experiment", "status", str(made["id"]))[1]
    assert json.loads(command("experiment", "status", "--json")[1])["data"] == [shown]

    code, out, _ = command("experiment", "stop", str(made["id"]), "--reason", "seen enough")
    assert (code, "stopped" in out, "seen enough" in out) == (0, True, True)
    ended = json.loads(command("experiment", "stop", str(made["id"]), "--json")[1])
    assert (ended["state"], ended["reason"]) == ("stopped", "seen enough")
    assert "seen enough" in command("experiment", "status")[1]


def test_tiers_are_said_when_they_differ(command: Run) -> None:
    out = command("experiment", "start", "--a", "weak", "--b", "strong")[1]

    assert "runs: weak against strong on 20% of the conversations" in out
    assert "weak is in tier simple, strong in tier complex" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--a", "weak", "--b", "nobody"), "there is no deployment 'nobody', only strong, twin"),
        (("--a", "weak", "--b", "weak"), "both 'weak'"),
        (("--a", "weak", "--b", "twin", "--share", "20"), "above 0 and at most 1"),
        (("--a", "v_1", "--b", "shipped", "--versions"), "there is no version 'v_1'"),
    ],
)
def test_what_can_not_be_compared(command: Run, arguments: tuple[str, ...], words: str) -> None:
    code, _, err = command("experiment", "start", *arguments)

    assert (code, words in err) == (1, True), err


def test_two_at_once_of_the_same(command: Run) -> None:
    made = started(command)

    code, _, err = command("experiment", "start", "--a", "strong", "--b", "twin")

    assert code == 1
    assert f"the experiment {made['id']} has twin in it already: stop it first" in err
    code, _, err = command("experiment", "stop", "exp_none")
    assert (code, err) == (1, "pointsman: there is no experiment 'exp_none'\n")


def test_a_running_gateway_takes_it_up_at_once(command: Run, tmp_path: Path) -> None:
    with Gateway(tmp_path / "home", CONFIG) as gateway:
        made = started(command, "--share", "1")
        ask = {"model": "auto", "messages": [{"role": "user", "content": "What is Python?"}]}
        sides = {
            gateway.record(gateway.chat(ask | {"user": str(each)}).headers["x-request-id"])[
                "learning"
            ]["variant"]
            for each in range(USERS)
        }
        shown = json.loads(command("experiment", "status", str(made["id"]), "--json")[1])
        listed = command("experiment", "status")[1]
        ended = command("experiment", "stop", str(made["id"]))[1]
        code, _, err = command("experiment", "start", "--a", "weak", "--b", "nobody")

    assert sides == {"a", "b"}
    assert shown["figures"]["a"]["requests"] + shown["figures"]["b"]["requests"] == USERS
    assert ("running" in listed, "stopped" in ended) == (True, True)
    assert (code, "there is no deployment 'nobody'" in err) == (1, True)
