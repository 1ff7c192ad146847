"""`pointsman keys`: the first key before anything runs, and every key of a running gateway."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway

Run = Callable[..., tuple[int, str, str]]

CONFIG = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""


def made(command: Run, *options: str) -> dict[str, object]:
    """A new key, as JSON."""
    code, out, err = command("keys", "create", "--json", *options)
    assert code == 0, err
    return json.loads(out)


def test_the_first_key_needs_no_gateway(command: Run) -> None:
    code, out, _ = command("keys", "list")
    assert (code, out) == (0, "There is no key. `pointsman keys create --admin` makes the first.\n")

    code, out, _ = command("keys", "create", "--admin", "--name", "mine")

    key = out.split()[-1]
    assert code == 0
    assert "not shown again" in out
    assert key.startswith("pm_")
    code, out, _ = command("keys", "list")
    assert key[:11] in out
    assert "default (all)" in out
    assert key[12:] not in out


def test_a_key_from_the_command_line(command: Run) -> None:
    key = made(
        command,
        *("--name", "ci", "--organisation", "acme", "--models", "weak,strong", "--tiers", "simple"),
        *("--routes", "auto", "--routes", "local", "--privacy", "personal", "--expires", "30d"),
        *("--requests-per-minute", "60", "--tokens-per-minute", "9000", "--concurrent", "4"),
        *("--budget-day", "0.10", "--budget-month", "2", "--allow-unpriced"),
    )

    wanted = {
        "name": "ci",
        "organisation": "acme",
        "role": "user",
        "everywhere": False,
        "active": True,
        "models": ["strong", "weak"],
        "tiers": ["simple"],
        "routes": ["auto", "local"],
        "privacy": "personal",
        "limits": {"requests_per_minute": 60, "tokens_per_minute": 9000, "concurrent": 4},
        "budgets": {"per_day": 0.1, "per_month": 2, "allow_unpriced": True},
    }
    assert {name: key[name] for name in wanted} == wanted
    assert str(key["expires"]).endswith("Z")


def test_names_that_stand_for_nothing_are_said(command: Run) -> None:
    code, _, err = command("keys", "create", "--tiers", "simple,hard", "--models", "smollm2,week")

    assert code == 0
    assert "there is no tier 'hard' here, only simple, medium, complex\n" in err
    assert "there is no deployment 'week' here, only smollm2\n" in err
    key_id = str(made(command, "--models", "smollm2")["id"])
    assert command("keys", "change", key_id, "--name", "ours")[2] == ""
    assert "'week'" in command("keys", "change", key_id, "--models", "week")[2]


def test_a_keys_life(command: Run) -> None:
    key = made(command, "--budget-day", "5")
    key_id = str(key["id"])

    def shown() -> dict[str, object]:
        return json.loads(command("keys", "show", key_id, "--json")[1])

    for arguments, member, value in (
        (("deactivate", key_id), "active", False),
        (("activate", key_id), "active", True),
        (("change", key_id, "--name", "ours"), "name", "ours"),
        (("change", key_id, "--models", "weak"), "models", ["weak"]),
        (("change", key_id, "--models", "all"), "models", None),
        (
            ("change", key_id, "--expires", "2099-01-01T00:00:00Z"),
            "expires",
            "2099-01-01T00:00:00Z",
        ),
        (("change", key_id, "--expires", "none"), "expires", None),
        (
            ("change", key_id, "--budget-day", "none", "--budget-month", "7"),
            "budgets",
            {"per_day": None, "per_month": 7, "allow_unpriced": None},
        ),
    ):
        assert command("keys", *arguments)[0] == 0
        assert shown()[member] == value
    rotated = json.loads(command("keys", "rotate", key_id, "--grace", "1h", "--json")[1])
    assert (rotated["id"], rotated["key"] != key["key"]) == (key_id, True)
    assert "the old one too" in command("keys", "show", key_id)[1]
    assert command("keys", "delete", key_id)[1] == f"{key_id} is deleted\n"
    code, _, err = command("keys", "show", key_id)
    assert (code, err) == (1, f"pointsman: there is no key {key_id!r}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--expires", "soon"),
        ("create", "--expires", "2099-13-01"),
        ("create", "--concurrent", "many"),
        ("create", "--admin", "--role", "user"),
        ("create", "--role", "owner"),
        ("rotate", "pm_aaaaaaaa", "--grace", "a day"),
        ("change", "pm_aaaaaaaa"),
    ],
)
def test_what_can_not_be_said(command: Run, arguments: tuple[str, ...]) -> None:
    assert command("keys", *arguments)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", "a\nb"),
        ("--organisation", "a/b"),
        ("--budget-day", "-1"),
        ("--expires", "2020-01-01"),
        ("--models", ""),
        ("--concurrent", "0"),
    ],
)
def test_what_can_not_be_had(command: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = command("keys", "create", *arguments)

    assert code == 1
    assert err.startswith("pointsman: ")
    assert len(err.splitlines()) == 1


def test_an_admin_of_an_organisation(command: Run) -> None:
    key = made(command, "--admin", "--organisation", "acme")

    assert (key["role"], key["everywhere"]) == ("admin", False)


def test_keys_of_a_running_gateway(command: Run, tmp_path: Path) -> None:
    """The command line is let in whatever keys there are, and its changes hold at once."""
    note = tmp_path / "home" / "pointsman.db.owner"
    with Gateway(tmp_path / "home", CONFIG) as gateway:

        def status(key: str | None) -> int:
            gateway.api_key = key
            return gateway.get("/v1/models").status

        assert status(None) == 200
        assert gateway.log.count("anybody on this machine is let in as an admin") == 1
        key = str(made(command, "--admin")["key"])

        assert [status(None), status("any"), status(key)] == [401, 401, 200]
        assert key[:11] in command("keys", "list")[1]
        assert command("report", "--json")[0] == 0
        for verb, expected in (("deactivate", 401), ("activate", 200), ("delete", 401)):
            assert command("keys", verb, key[:11])[0] == 0
            assert status(key) == expected
        code, _, err = command("keys", "show", key[:11])
        assert (code, "there is no key" in err) == (1, True)
        token = json.loads(note.read_bytes())["token"]
        assert note.stat().st_mode & 0o777 == 0o600
        assert status(token) == 200
        gateway.stop()
        assert not note.exists()
        assert token not in gateway.log
        assert key not in gateway.log


def test_what_was_made_before_holds_when_it_serves(command: Run, tmp_path: Path) -> None:
    key = str(made(command, "--admin")["key"])

    with Gateway(tmp_path / "home", CONFIG, api_key=key) as gateway:
        assert gateway.get("/v1/models").status == 200
        gateway.api_key = None
        assert gateway.get("/v1/models").status == 401
        assert gateway.log == ""
