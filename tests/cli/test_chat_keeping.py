"""What `pointsman chat` keeps and goes on with, and what it says of the room that is left."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_chat_terminal import ask, config, ready
from tests.support.terminal import Terminal

Run = Callable[..., tuple[int, str, str]]

# The child becomes another program at once, so no thread of this one can be missed.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.fixture
def say(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Chats with lines as standard input, beside a configuration of two tiers."""
    (tmp_path / "pointsman.toml").write_text(config())

    def run(words: tuple[str, ...], *lines: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return command("chat", *words)

    return run


def editor(folder: Path, script: str) -> str:
    file = folder / "editor"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)
    return str(file)


def test_the_last_conversation_of_a_terminal_goes_on(say: Run, tmp_path: Path) -> None:
    (tmp_path / "pointsman.toml").write_text(config(small=[{"reply": "Hello."}]))
    with Terminal("chat", "--local", folder=tmp_path) as terminal:
        ready(terminal)
        ask(terminal, "Good day", r"^Hello\.")
        ask(terminal, "/exit", "")
        assert terminal.ended() == 0
    kept = tmp_path / "home" / "last_chat.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    code, out, err = say(("--continue",), "Good night", "/undo", "/undo")
    assert code == 0
    assert "[continued: 1 answers, asks local]" in err
    assert "[last question: Good day]" in err
    assert "taken back: Good night\ntaken back: Good day\n" in out


def test_history_that_is_not_wanted_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "pointsman.toml").write_text(config())
    with Terminal("chat", "--no-history", folder=tmp_path) as terminal:
        ready(terminal)
        ask(terminal, "a secret", "I have read")
        ask(terminal, "/exit", "")
        assert terminal.ended() == 0
    assert not (tmp_path / "home" / "last_chat.json").exists()


def test_a_pipe_is_kept_only_where_it_goes_on(say: Run, tmp_path: Path) -> None:
    kept = tmp_path / "home" / "last_chat.json"
    say(("--cloud",), "one", "/save it")
    assert not kept.exists()

    say(("--continue", "--no-history"), "two")
    assert not kept.exists()

    say(("--continue",), "two")
    told = json.loads(kept.read_text())
    assert (told["model"], len(told["turns"])) == ("cloud", 2)


def test_the_newest_one_goes_on(say: Run, tmp_path: Path) -> None:
    say((), "one", "/save first", "two", "/save second")
    os.utime(tmp_path / "home" / "chats" / "first.json", (1e9, 1e9))
    _, _, err = say(("--continue", "--local", "--system", "Be short."), "/info")
    assert "continued: 2 answers, asks local" in err

    code, _, err = say(("--continue", "--model", "large", "more"))
    assert (code, "[large |" in err) == (0, True)


def test_without_any_there_is_nothing_to_go_on_with(say: Run, tmp_path: Path) -> None:
    code, _, err = say(("--continue",), "one")
    assert (code, err) == (1, "pointsman: there is no conversation yet to go on with\n")

    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "last_chat.json").write_text("{}")
    code, _, err = say(("--continue",), "one")
    assert code == 1
    assert "it holds no conversation" in err


def test_saved_ones_are_listed_the_newest_first(say: Run, tmp_path: Path) -> None:
    say((), "one", "/save first", "two", "/save second")
    chats = tmp_path / "home" / "chats"
    os.utime(chats / "first.json", (1e9, 1e9))
    (chats / "broken.json").write_text("{")
    os.utime(chats / "broken.json", (2e8, 2e8))
    code, out, _ = say((), "/list")

    assert code == 0
    second, first, broken = out.splitlines()
    assert re.fullmatch(r"second  \d{4}-\d\d-\d\d \d\d:\d\d  2 answers +two", second)
    assert re.fullmatch(r"first   2001-09-\d\d .*  1 answers +one", first)
    assert broken.endswith("holds no conversation")
    assert say((), "/load")[1] == out


def test_the_room_that_is_left_is_told(say: Run, tmp_path: Path) -> None:
    small = config(small=[{"reply": "word " * 450}])
    small = small.replace('tier = "simple"', 'tier = "simple"\ncontext_length = 1000', 1)
    (tmp_path / "pointsman.toml").write_text(small)
    code, out, _ = say(("--local",), "/tokens", "one", "two", "/tokens", "/model small", "/tokens")

    assert code == 0
    before, after, of_one = re.findall(r"^said .*\n(?:(?!said|word).*\n)*", out, re.MULTILINE)
    assert before == (
        "said      0 answers, about 0 tokens\n"
        "takes     small  1,000 tokens  0% full  1,000 left\n"
        "          large  unknown\n"
    )
    assert "counted   " in after
    assert re.search(r"takes +small +1,000 tokens +\d+% full +\d+ left$", after, re.MULTILINE)
    assert "little is left; /clear begins anew" in after
    assert "large" not in of_one


def test_a_question_is_written_in_an_editor(
    say: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(tmp_path, 'printf " two\\n/three" >> "$2"') + " --wait")
    code, out, err = say(("--cloud",), "/edit one")

    assert code == 0
    assert 'I have read "one two /three"' in out
    assert "[asks: one two /three]" in err


def test_ctrl_c_is_the_editors_own(
    say: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'kill -INT $PPID; printf "still here" > "$1"'))
    code, out, _ = say(("--cloud",), "/edit")

    assert code == 0
    assert 'I have read "still here"' in out


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("true", "nothing was written, so nothing is asked"),
        ("exit 3", "ended with exit code 3, so nothing is asked"),
        ("printf '\\377' > \"$1\"", "no text in UTF-8"),
        (None, "can't be started: No such file or directory; EDITOR says another"),
    ],
)
def test_an_editor_that_gives_nothing_is_no_question(
    say: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, said: str
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, script) if script else str(tmp_path / "none"))
    _, out, err = say((), "/edit")

    assert said in out + err
    assert "tokens" not in err
