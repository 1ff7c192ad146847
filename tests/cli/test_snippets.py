"""`pointsman snippets`: what is printed can be used as it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.docs.pages import ROOT
from tests.support.gateway import Gateway as Running

from pointsman.onboarding.clients import CLIENTS, Gateway
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


def test_agents_are_told_what_launch_tells_them(snippets: Callable[..., str]):
    there = ("--model", "simple", "--key", "it's one")
    to = Gateway("http://127.0.0.1:7070", "it's one", "simple")

    shell = f"ANTHROPIC_API_KEY=sk-mine\n{snippets('claude-code', *there)}env -0"
    ran = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    told = dict(each.split("=", 1) for each in ran.stdout.split("\0") if each)
    assert CLIENTS["claude"](to).environment.items() <= told.items()
    assert not CLIENTS["claude"](to).without & set(told)

    text = snippets("codex", *there)
    assert "# in the shell that starts it: export POINTSMAN_KEY='it'\"'\"'s one'\n" in text
    arguments = CLIENTS["codex"](to).arguments[1::2]
    assert tomllib.loads(text) == tomllib.loads("\n".join(arguments))

    launched = CLIENTS["opencode"](to).environment["OPENCODE_CONFIG_CONTENT"]
    assert json.loads(snippets("opencode", *there)) == json.loads(launched)


def test_the_page_has_codex_as_it_is_printed(snippets: Callable[..., str]):
    page = (ROOT / "docs" / "how-to" / "connect-clients.md").read_text()
    (shown,) = re.findall(r"^## Codex\n.*?```text\n(.*?)```", page, re.MULTILINE | re.DOTALL)

    assert tomllib.loads(shown) == tomllib.loads(snippets("codex"))


def test_an_unknown_one_is_wrong_usage(command: Run):
    code, out, err = command("snippets", "emacs")

    assert (code, "open-webui" in out + err) == (2, True)


def test_program_and_command_are_answered(snippets: Callable[..., str], tmp_path: Path):
    with Running(tmp_path / "gateway", SCRIPTED) as gateway:
        there = ("--address", gateway.address)
        program = [sys.executable, "-c", snippets("openai", *there)]
        ran = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
        assert ran.stdout == "A language.\n"

        asked = ["bash", "-c", snippets("curl", *there)]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(ran.stdout)["choices"][0]["message"]["content"] == "A language."
