"""Where the lines come from: a prompt with history and completion, or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from pointsman.cli.chat.chat import Chat
from pointsman.cli.chat.commands import is_open
from pointsman.cli.chat.completing import completer
from pointsman.cli.chat.words import money
from pointsman.errors import BadRequest

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings

_PROMPT = "> "


async def typed(chat: Chat, history: Path | None) -> AsyncIterator[str]:
    """What is typed, until Ctrl-D; kept in `history`, a file that only its user can read."""
    from prompt_toolkit.patch_stdout import patch_stdout  # noqa: PLC0415 - dear to import

    session = _session(chat, history)
    while not chat.done:
        try:
            with patch_stdout(raw=True):
                line = await session.prompt_async(_PROMPT)
        except KeyboardInterrupt:
            chat.screen.status("Ctrl-D or /exit ends the chat")
            continue
        except EOFError:
            return
        yield line


def piped(stream: TextIO) -> Iterator[str]:
    """The lines of a pipe; a text of many lines, between marks, is one. Raises BadRequest."""
    text = ""
    try:
        for line in stream:
            text += line
            if not is_open(text):
                yield text
                text = ""
    except UnicodeDecodeError as error:
        raise BadRequest("what comes from standard input is no text in UTF-8") from error
    if text:
        yield text


def put_together(parts: Sequence[str]) -> str:
    """A prompt from its words, with all of standard input where the dash is.

    Raises BadParameter where that is no text, or nothing.
    """
    text = " ".join(f"\n\n{_all_piped()}\n\n" if part == "-" else part for part in parts).strip()
    if not text:
        raise typer.BadParameter("the prompt is empty")
    return text


def _all_piped() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise typer.BadParameter("what comes from standard input is no text in UTF-8") from error


def standing(chat: Chat) -> str:
    """What the line below the prompt says."""
    waiting = f" | {len(chat.talk.attached)} attached" if chat.talk.attached else ""
    return (
        f" {chat.talk.model} | {len(chat.talk.turns)} answers, about {chat.talk.tokens} tokens"
        f" | {money(chat.totals.cost)}, saved {money(chat.totals.saved)}{waiting} | /help"
    )


def _session(chat: Chat, history: Path | None) -> PromptSession[str]:
    from prompt_toolkit import PromptSession  # noqa: PLC0415 - dear to import
    from prompt_toolkit.application import get_app  # noqa: PLC0415
    from prompt_toolkit.filters import Condition  # noqa: PLC0415
    from prompt_toolkit.output import create_output  # noqa: PLC0415

    return PromptSession(
        output=create_output(always_prefer_tty=True),  # answers may go to a file
        history=_history(history),
        completer=completer(lambda: chat.names),
        complete_while_typing=False,
        enable_history_search=True,
        multiline=Condition(lambda: is_open(get_app().current_buffer.text)),
        prompt_continuation=". ",
        key_bindings=_keys(),
        bottom_toolbar=lambda: standing(chat),
        enable_open_in_editor=True,
    )


def _history(path: Path | None) -> History:
    from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415

    if path is None:
        return InMemoryHistory()
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    return FileHistory(path)


def _keys() -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent  # noqa: PLC0415

    keys = KeyBindings()

    @keys.add("escape", "enter")
    @keys.add("escape", "c-j")  # the same, typed while an answer still came
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def is_piped() -> bool:
    """Nobody types: the lines come from a pipe or a file."""
    return not sys.stdin.isatty()
