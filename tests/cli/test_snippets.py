"""`pointsman snippets`: what is printed can be used as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.support.gateway import Gateway

from pointsman.onboarding.snippets import SNIPPETS

Run = Callable[..., tuple[int, str, str]]

SCRIPTED = """
[models.small]
provider = "scripted"
model = "scripted-1"
tier = "simple"

[[models.small.script]]
reply = "A language."
"""


@pytest.fixture
def snippets(command: Run) -> Callable[..., str]:
    """What is printed."""

    def printed(*words: str) -> str:
        code, out, err = command("snippets", *words)
        assert (code, err) == (0, "")
        return out

    return printed


def test_all_of_them_name_the_gateway(snippets: Callable[..., str]):
    everything = snippets()

    assert everything.count("## ") == len(SNIPPETS)
    for name in SNIPPETS:
        alone = snippets(name)
        assert alone in everything
        assert "http://127.0.0.1:7070" in alone
        assert name == "zed" or "unused" in alone


def test_address_model_and_key_can_be_said(snippets: Callable[..., str]):
    there = ("--address", "https://gateway.example/v1/", "--model", "local", "--key", "pm-1")

    made = json.loads(snippets("--json", *there))

    assert set(made) == set(SNIPPETS)
    for name, each in made.items():
        assert "https://gateway.example" in each["text"]
        assert "/v1/v1" not in each["text"]
        assert "local" in each["text"]
        assert name == "zed" or "pm-1" in each["text"]


def test_the_configured_port_counts(snippets: Callable[..., str], tmp_path: Path):
    (tmp_path / "pointsman.toml").write_text('[server]\nhost = "0.0.0.0"\nport = 8000\n')

    assert "http://127.0.0.1:8000/v1" in snippets("curl")


def test_configuration_files_are_valid(snippets: Callable[..., str]):
    zed = json.loads(snippets("zed"))
    (model,) = zed["language_models"]["openai_compatible"]["Pointsman"]["available_models"]
    assert model["name"] == "auto"
    chat, completions = yaml.safe_load(snippets("continue"))["models"]
    assert (chat["model"], completions["model"]) == ("auto", "local")


def test_an_unknown_one_is_wrong_usage(command: Run):
    code, out, err = command("snippets", "emacs")

    assert (code, "open-webui" in out + err) == (2, True)


def test_program_and_command_are_answered(snippets: Callable[..., str], tmp_path: Path):
    with Gateway(tmp_path / "gateway", SCRIPTED) as gateway:
        there = ("--address", gateway.address)
        program = [sys.executable, "-c", snippets("openai", *there)]
        ran = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
        assert ran.stdout == "A language.\n"

        asked = ["bash", "-c", snippets("curl", *there)]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(ran.stdout)["choices"][0]["message"]["content"] == "A language."
