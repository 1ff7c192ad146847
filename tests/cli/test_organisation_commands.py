"""`pointsman organisations`: over the books' file, and of a running gateway."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway

from pointsman.storage.vault import new_key

Run = Callable[..., tuple[int, str, str]]

SECRET = "sk-canary-0123456789abcdef"  # noqa: S105 - made up
CONFIG = """
[models.weak]
provider = "scripted"
model = "weak-model"
tier = "simple"
"""


def done(command: Run, *arguments: str) -> str:
    code, out, err = command("organisations", *arguments)
    assert code == 0, err
    return out


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch) -> str:
    """There is a key to encrypt with, and a provider's key in a variable."""
    key = new_key()
    monkeypatch.setenv("POINTSMAN_ENCRYPTION_KEY", key)
    monkeypatch.setenv("ACMES_KEY", SECRET)
    return key


def all_of_it(command: Run) -> None:
    """Everything that can be done, once."""
    assert done(command, "list") == "There is none.\n"
    assert "Acme, Inc." in done(command, "create", "acme", "--name", "Acme, Inc.")
    taken_in = done(command, "add-member", "acme", "ann@acme.example", "--role", "admin", "--json")
    [ann] = json.loads(taken_in)
    code, out, err = command(
        *("keys", "create", "--organisation", "acme", "--member", ann["id"], "--json")
    )
    assert code == 0, err
    assert json.loads(out)["member"] == ann["id"]
    assert "user" in done(command, "change-member", "acme", ann["id"], "--role", "user")
    assert "ann@acme.example" in done(command, "members", "acme")

    set_ = done(command, "set-provider-key", "acme", "openai", "--key-from", "ACMES_KEY")
    assert SECRET[-4:] in set_
    added = done(
        command,
        *("add-deployment", "acme", "best", "--provider", "openai", "--model", "gpt-6.1-sol"),
    )
    assert "acme/best" in added
    assert "in use" in added
    assert SECRET not in set_ + added + done(command, "provider-keys", "acme", "--json")
    assert done(command, "remove-provider-key", "acme", "openai") == "openai is deleted\n"
    assert "there is no key for openai" in done(command, "deployments", "acme", "--json")
    assert done(command, "remove-deployment", "acme", "best") == "best is deleted\n"

    assert done(command, "remove-member", "acme", ann["id"]) == f"{ann['id']} is deleted\n"
    assert ann["id"] not in command("keys", "list", "--json")[1]
    assert done(command, "delete", "acme", "--yes") == "acme is deleted\n"
    code, _, err = command("organisations", "members", "acme")
    assert (code, "there is no organisation" in err) == (1, True)


def test_without_a_gateway(command: Run, encrypted: str) -> None:
    all_of_it(command)


def test_of_a_running_gateway(command: Run, encrypted: str, tmp_path: Path) -> None:
    config = f'{CONFIG}\n[tenants]\nencryption_key = "{encrypted}"\n'
    with Gateway(tmp_path / "home", config) as gateway:
        all_of_it(command)
        gateway.stop()
        assert SECRET not in gateway.log + gateway.printed


def test_encryption_keys_are_rotated(
    command: Run, encrypted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(command, "create", "acme")
    done(command, "set-provider-key", "acme", "openai", "--key-from", "ACMES_KEY")
    newer = command("db", "new-encryption-key")[1].strip()

    monkeypatch.setenv("POINTSMAN_ENCRYPTION_KEY", f"{newer},{encrypted}")
    rotated = command("db", "rotate-encryption")

    assert rotated[:2] == (0, "1 providers' keys are encrypted anew\n")
    monkeypatch.setenv("POINTSMAN_ENCRYPTION_KEY", newer)
    assert SECRET[-4:] in done(command, "provider-keys", "acme")
    assert command("db", "rotate-encryption")[1] == "0 providers' keys are encrypted anew\n"
    monkeypatch.setenv("POINTSMAN_ENCRYPTION_KEY", encrypted)
    assert '"last4": null' in done(command, "provider-keys", "acme", "--json")


def test_a_variable_that_is_not_set(command: Run, encrypted: str) -> None:
    done(command, "create", "acme")

    code, _, err = command(
        *("organisations", "set-provider-key", "acme", "openai", "--key-from", "NOBODYS")
    )

    assert (code, "NOBODYS is not set" in err) == (2, True)
