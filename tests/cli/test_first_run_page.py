"""What docs/how-to/first-run.md shows is what is printed."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.test_init import OLLAMA
from tests.docs.pages import ROOT, blocks, commands
from tests.support.serving import Answers, serving

from pointsman.presets import presets

Run = Callable[..., tuple[int, str, str]]

PAGE = ROOT / "docs" / "how-to" / "first-run.md"
ELLIPSIS = "[...]"


def shown() -> Iterator[tuple[list[str], list[str]]]:
    """The words of each command, and what the page says it prints."""
    for block in blocks(PAGE, "console"):
        for each in commands(block):
            yield each.words[1:], each.output


def plain(line: str) -> str:
    """Without the blanks that line up columns."""
    return re.sub(r"\s+", " ", line).strip()


def missing(output: list[str], printed: str) -> list[str]:
    lines = {plain(line) for line in printed.splitlines()}
    return [line for line in output if line != ELLIPSIS and plain(line) not in lines]


@pytest.fixture
def without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for preset in presets().values():
        for key in preset.keys:
            monkeypatch.delenv(key, raising=False)


@pytest.mark.usefixtures("without_keys")
@pytest.mark.parametrize(
    ("words", "output"),
    [pytest.param(*each, id=" ".join(each[0])) for each in shown() if "launch" not in each[0]],
)
async def test_the_page_shows_what_is_printed(
    command: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], output: list[str]
):
    await asyncio.to_thread(write_examples)
    if words != ["init"]:
        code, out, _ = command(*words)
        assert (code, missing(output, out)) == (0, [])
        return

    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    typed = [line.rpartition("]: ")[2] for line in output if "]: " in line]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(typed) + "\n"))
    async with serving(Answers(OLLAMA)) as address:
        code, out, _ = await asyncio.to_thread(command, *words, "--server", address)
    # A terminal shows what is typed, and the end of its line.
    answers = iter(typed)
    said = re.sub(r"\]: ", lambda _: f"]: {next(answers)}\n", out)
    said = said.replace(address, "http://127.0.0.1:11434")
    assert (code, missing(output, said)) == (0, [])


def write_examples() -> None:
    """The files that the page shows."""
    (env,) = blocks(PAGE, "text")
    (litellm,) = blocks(PAGE, "yaml")
    Path("old.env").write_text(env.text, encoding="utf-8")
    Path("litellm.yaml").write_text(litellm.text, encoding="utf-8")
