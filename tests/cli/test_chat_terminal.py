"""`pointsman chat` in a real terminal: what is typed, what is seen."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.gateway import Gateway
from tests.support.terminal import Terminal

TWO = """
[models.small]
provider = "scripted"
model = "small-model"
tier = "simple"
script = {small}

[models.large]
provider = "scripted"
model = "large-model"
tier = "complex"
location = "cloud"
price = {{ input = 1, output = 2 }}
script = {large}
"""

Chat = Callable[..., Terminal]

# The child becomes another program at once, so no thread of this one can be missed.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def config(small: object = ({},), large: object = ({},)) -> str:
    def tables(script: object) -> str:
        rows = [", ".join(f"{k} = {json.dumps(v)}" for k, v in each.items()) for each in script]
        return f"[{', '.join(f'{{ {row} }}' for row in rows)}]"

    return TWO.format(small=tables(small), large=tables(large))


def ready(terminal: Terminal) -> None:
    terminal.until(r"^>")


def ask(terminal: Terminal, line: str, seen: str) -> str:
    """Type a line and wait until something shows below it."""
    before = len(terminal.text)
    terminal.type(f"{line}\r")
    return terminal.until(seen, after=max(0, before - 200))


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    def start(text: str | None = None, *arguments: str, **more: object) -> Terminal:
        if text is not None:
            (tmp_path / "pointsman.toml").write_text(text)
        return Terminal("chat", *arguments, folder=tmp_path, **more)

    return start


def test_an_answer_is_drawn_as_markdown_with_a_line_below(chat: Chat) -> None:
    reply = (
        "# Python\n\nIt is **readable**:\n\n- one\n- two\n\n```python\nprint('hi')\n```\n\nDone."
    )
    with chat(config(small=[{"reply": reply}])) as terminal:
        ready(terminal)
        status = ask(terminal, "/local What is Python?", r"^small \| .* tokens .*$")

        assert "It is readable:" in terminal.text
        assert "• one" in terminal.text
        assert "**" not in terminal.text
        assert "```" not in terminal.text
        assert "small | simple | local | score" in status
        assert "saved $" in status
        ask(terminal, "/exit", "")
        assert terminal.ended() == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(chat: Chat, tmp_path: Path) -> None:
    endless = {"reply": "word " * 400, "stall_after_chunks": 20}
    with chat(config(small=[endless, {"reply": "Still here."}])) as terminal:
        ready(terminal)
        ask(terminal, "/local go on and on", "word word word")
        terminal.type("\x03\x03")
        assert "stopped" in terminal.until(r"^small \| .*stopped$")

        ask(terminal, "/why", r"\(client_left\)")
        ask(terminal, "/retry", r"Still here\.")
        ask(terminal, "/cost", r"answers +2: 2 local(?:\n.*)*\n>\n")
        terminal.type("\x03")
        terminal.until("Ctrl-D or /exit ends the chat")
        terminal.type("\x04")
        assert terminal.ended() == 0


def test_ctrl_c_ends_ask_with_what_came(tmp_path: Path) -> None:
    endless = {"reply": "word " * 400, "stall_after_chunks": 20}
    (tmp_path / "pointsman.toml").write_text(config(small=[endless]))
    with Terminal("ask", "--local", "go on and on", folder=tmp_path) as terminal:
        terminal.until("word word")
        terminal.type("\x03")
        assert terminal.ended() == 130
        assert "| stopped" in terminal.text


def test_a_text_of_many_lines_is_one_question(chat: Chat) -> None:
    with chat(config()) as terminal:
        ready(terminal)
        typed = ('"""\rone\rtwo\r"""\r', "three\x1b\rfour\r", "\x1b[200~five\nsix\x1b[201~\r")
        for count, keys in enumerate(typed, 1):
            terminal.type(keys)
            terminal.until(rf"^ auto \| {count} answers")
        ask(terminal, "/cost", "answers +3")
        for pair in ("one two", "three four", "five six"):
            assert f'I have read "{pair}"' in terminal.text


def test_a_conversation_can_begin_in_the_shell(chat: Chat) -> None:
    with chat(config(small=[{"reply": "Hello."}]), "--local", "Good", "day") as terminal:
        terminal.until(r"^Hello\.")
        ready(terminal)
        ask(terminal, "/undo", "taken back: Good day")


def test_ask_in_a_terminal_wants_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "pointsman.toml").write_text(config())
    with Terminal("ask", folder=tmp_path) as terminal:
        assert terminal.ended() == 2
        assert "say a prompt" in terminal.text


def test_a_question_can_be_written_in_an_editor(chat: Chat, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "from the editor" > "$1"\n')
    editor.chmod(0o700)
    with chat(config(), environment={"EDITOR": str(editor)}) as terminal:
        ready(terminal)
        terminal.type("draft\x18\x05")
        terminal.until('I have read "from the editor"')


def test_what_was_typed_is_there_the_next_time(chat: Chat, tmp_path: Path) -> None:
    with chat(config()) as terminal:
        ready(terminal)
        ask(terminal, "the first thing", "I have read")
        ask(terminal, "/exit", "")
        terminal.ended()
    history = tmp_path / "home" / "chat_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600

    with chat() as terminal:
        ready(terminal)
        terminal.type("\x1b[A\x1b[A")
        terminal.until("^> the first thing")
        terminal.type("\x15\x12first")
        terminal.until("the first thing$")
        terminal.type("\r")
        terminal.until("I have read|the first thing")

    with chat(None, "--no-history") as terminal:
        ready(terminal)
        ask(terminal, "a secret", "I have read")
    assert "a secret" not in history.read_text()


def test_tab_completes_commands_and_names(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader")
    with chat(config()) as terminal:
        ready(terminal)
        for typed, offered in (
            ("/ro\t", "^> /route"),
            ("/model lar\t", "^> /model large"),
            ("/set temp\t", "^> /set temperature"),
            ("/file let\t", r"^> /file letter\.txt"),
        ):
            terminal.type(typed)
            terminal.until(offered)
            terminal.type("\x15")


def test_what_a_model_says_is_never_obeyed(chat: Chat) -> None:
    evil = "before \x1b]0;owned\x07\x1b[2J\x1b[31m\x9b2Jafter\x07 [link](http://e.example)"
    with chat(config(small=[{"reply": evil}])) as terminal:
        ready(terminal)
        ask(terminal, "/local hi", r"^small \| ")

        assert "before ]0;owned[2J[31m2Jafter" in terminal.text
        assert "owned\x07" not in terminal.raw
        assert "\x1b[2J" not in terminal.raw
        assert "http://e.example" in terminal.text


def test_a_long_answer_in_a_small_terminal_is_all_there(chat: Chat) -> None:
    lines = "\n".join(f"- 第{number}行 is item number {number}" for number in range(60))
    with chat(config(small=[{"reply": lines}]), columns=40, lines=10) as terminal:
        ready(terminal)
        ask(terminal, "/local list", r"^small \| ")

        shown = terminal.text.replace(" ", "")
        assert all(shown.count(f"isitemnumber{number}\n") == 1 for number in range(60))
        assert "第59行" in shown


def test_it_talks_to_the_gateway_that_runs(chat: Chat, tmp_path: Path) -> None:
    with Gateway(tmp_path / "home", config(small=[{"reply": "From the gateway."}])) as gateway:
        home = {"POINTSMAN_HOME": str(gateway.home)}
        with chat(config(), "--local", environment=home) as terminal:
            terminal.until(gateway.address)
            ready(terminal)
            ask(terminal, "hello", r"From the gateway\.")
            ask(terminal, "/good well done", "^noted$")
            ask(terminal, "/exit", "")
            terminal.ended()

        (record,) = gateway.records()
        assert record["model_asked"] == "local"
        assert [(each["rating"], each["comment"]) for each in record["feedback"]] == [
            (1, "well done")
        ]


def test_a_gateway_that_left_is_an_error_and_no_end(chat: Chat, tmp_path: Path) -> None:
    with Gateway(tmp_path / "home", config()) as gateway, chat(config()) as terminal:
        terminal.until(gateway.address)
        ready(terminal)
        gateway.stop()
        ask(terminal, "hello", "error: the gateway at .* does not answer")
        ask(terminal, "/info", "error: .* does not answer.*connection refused")
        ask(terminal, "/exit", "")
        assert terminal.ended() == 0


def test_without_colours_there_are_none(chat: Chat) -> None:
    with chat(
        config(small=[{"reply": "# Title\n\n`code`"}]), environment={"NO_COLOR": "1"}
    ) as terminal:
        ready(terminal)
        ask(terminal, "/local hi", r"^small \| ")

        styles = {
            code
            for each in re.findall(r"\x1b\[([\d;]*)m", terminal.raw)
            for code in each.split(";")
        }
        assert styles <= {
            "",
            "0",
            "1",
            "2",
            "3",
            "4",
            "7",
        }  # bold, dim, italic, underlined, reversed
