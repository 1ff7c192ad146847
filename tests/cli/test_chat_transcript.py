"""The conversation in docs/how-to/chat.md, typed into a real terminal line by line.

`POINTSMAN_TEST_WRITE_TRANSCRIPT=1` with the embedded model writes what was seen into the page.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT
from tests.support.terminal import Terminal
from tests.support.upstreams import model_weights

PAGE = ROOT / "docs" / "how-to" / "chat.md"
BLOCK = re.compile(
    r"(?<=<!-- typed by a test -->\n```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL
)
CONFIG = """
[models.smollm2]
provider = "{provider}"
model = "smollm2-135m-instruct"
tier = "simple"
context_length = 4096
{weights}

[models.large]
provider = "scripted"
model = "large"
tier = "complex"
location = "cloud"
context_length = 200_000
price = {{ input = 5, output = 25 }}
script = [{{ reply = "Paris, on the Seine." }}]
"""
# The child becomes another program at once, so no thread of this one can be missed.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
Entry = tuple[str, list[str]]


def entries(transcript: str) -> list[Entry]:
    """What was typed, and the lines below it."""
    typed = re.split(r"^> ", transcript, flags=re.MULTILINE)[1:]
    lines = [each.splitlines() for each in typed]
    return [(first.rstrip(), [line.rstrip() for line in rest]) for first, *rest in lines]


def seen(folder: Path, lines: list[str]) -> str:
    """What the terminal shows when these lines are typed."""
    (folder / "notes.txt").write_text("Monday: bread. Tuesday: tea.\n")
    editor = folder / "editor"
    editor.write_text("#!/bin/sh\nprintf ' of France.' >> \"$1\"\n")
    editor.chmod(0o700)
    environment = {"VISUAL": str(editor)}
    with Terminal("chat", folder=folder, columns=96, lines=50, environment=environment) as terminal:
        terminal.until(r"^>$")
        for line in lines:
            terminal.type(f"{line}\r")
            if line != "/exit":
                terminal.until(rf"^> {re.escape(line)}\n(?:.*\n)*?>\n")
        assert terminal.ended() == 0
        return terminal.text[terminal.text.index("> ") :].rstrip() + "\n"


def told(entry: Entry) -> list[str]:
    """What an entry shows, without figures; of answers, the line below, for the words are a model's."""
    typed, lines = entry
    answered = any(" tokens" in line for line in lines)
    kept = [line for line in lines if not answered or " tokens" in line]
    if typed.startswith(("/info", "/help")):
        kept = lines
    return [masked(line) for line in kept if line]


def masked(line: str) -> str:
    plain = re.sub(r"-?\$?\d[\d.,]*", "#", re.sub(r"req_\w+", "#", line))
    return re.sub(r"\s+", " ", re.sub(r"# m?s\b", "# s", plain)).strip()


def check(folder: Path) -> None:
    page = PAGE.read_text()
    shown = BLOCK.search(page)
    assert shown is not None
    lines = [typed for typed, _ in entries(shown[0])]

    saw = seen(folder, lines)

    if os.environ.get("POINTSMAN_TEST_WRITE_TRANSCRIPT") and "embedded" in folder.name:
        PAGE.write_text(page.replace(shown[0], saw))
        return
    for said, expected in zip(entries(saw), entries(shown[0]), strict=True):
        assert said[0] == expected[0]
        assert told(said) == told(expected), said[0]


def test_the_page_shows_what_a_terminal_shows(tmp_path: Path) -> None:
    config = CONFIG.format(provider="scripted", weights="")
    (tmp_path / "pointsman.toml").write_text(config)

    check(tmp_path)


def test_the_page_uses_every_command() -> None:
    shown = BLOCK.search(PAGE.read_text())
    assert shown is not None
    used = {typed.split()[0] for typed, _ in entries(shown[0]) if typed.startswith("/")}
    listed = re.findall(r"^(/\w+)", shown[0], re.MULTILINE)

    assert used == set(listed)


@pytest.mark.full
def test_the_page_shows_what_the_embedded_model_shows(tmp_path: Path) -> None:
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp: pip install 'pointsman[local]'")
    folder = tmp_path / "embedded"
    folder.mkdir()
    weights = f'weights = "{model_weights()}"'
    (folder / "pointsman.toml").write_text(CONFIG.format(provider="embedded", weights=weights))

    check(folder)
