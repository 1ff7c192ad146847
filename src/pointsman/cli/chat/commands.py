"""What a line that begins with `/` does. To add a command, add a function and its row."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from pointsman.cli.chat import asking, editing, keeping, looking
from pointsman.cli.chat.chat import Chat
from pointsman.cli.chat.words import columns
from pointsman.errors import PointsmanError

Run = Callable[[Chat, str], Awaitable[None]]


class Command(msgspec.Struct, frozen=True):
    """A command: what it takes, and what Tab offers for that."""

    run: Run
    takes: str = ""
    offers: Literal["", "names", "files", "parameters"] = ""

    @property
    def help(self) -> str:
        """What it does: the function's first line."""
        return (self.run.__doc__ or "").partition("\n")[0]


async def show_help(chat: Chat, rest: str) -> None:
    """Show the commands."""
    del rest
    rows = [(f"/{name} {command.takes}".rstrip(), command.help) for name, command in TABLE.items()]
    chat.screen.say(
        *columns(rows),
        "",
        'Several lines: Esc Enter begins a new one, """ opens and closes a text of many lines, and',
        "what is pasted is one text. Ctrl-C stops an answer, Ctrl-R searches what was typed before.",
    )


async def leave(chat: Chat, rest: str) -> None:
    """End the chat; Ctrl-D does, too."""
    del rest
    chat.done = True


TABLE: dict[str, Command] = {
    "info": Command(looking.info),
    "route": Command(looking.route, "TEXT"),
    "why": Command(looking.why),
    "model": Command(asking.model, "[NAME]", "names"),
    "local": Command(asking.local, "[TEXT]"),
    "cloud": Command(asking.cloud, "[TEXT]"),
    "auto": Command(asking.auto, "[TEXT]"),
    "retry": Command(asking.retry, "[NAME]", "names"),
    "compare": Command(asking.compare, "[NAME ...]", "names"),
    "good": Command(looking.good, "[NOTE]"),
    "bad": Command(looking.bad, "[NOTE]"),
    "cost": Command(looking.cost),
    "tokens": Command(looking.tokens),
    "clear": Command(keeping.clear),
    "undo": Command(keeping.undo),
    "save": Command(keeping.save, "FILE", "files"),
    "load": Command(keeping.load, "[FILE]", "files"),
    "list": Command(keeping.listed),
    "system": Command(keeping.system, "[TEXT | off]"),
    "edit": Command(editing.edit, "[TEXT]"),
    "file": Command(keeping.file, "PATH [TEXT]", "files"),
    "set": Command(keeping.set_parameter, "[NAME [VALUE | off]]", "parameters"),
    "help": Command(show_help),
    "exit": Command(leave),
}
_ALSO = {"?": "help", "quit": "exit", "q": "exit"}


async def obey(chat: Chat, line: str) -> None:
    """Do what the line says: a command, or a question. What goes wrong is said, not raised."""
    text = line.strip()
    if text.startswith("/"):
        await _tried(chat, _command(chat, text[1:]))
    elif text:
        await ask(chat, unquoted(text))


async def ask(chat: Chat, text: str) -> None:
    """Ask a question, whatever it begins with. What goes wrong is said, not raised."""
    await _tried(chat, chat.ask(chat.talk.question(text)))


async def _tried(chat: Chat, work: Awaitable[None]) -> None:
    try:
        await work
        chat.shelf.keep(chat.talk)
    except PointsmanError as error:
        chat.fail(f"error: {error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        chat.fail(f"error: {place}{error.strerror or error}")


def unquoted(text: str) -> str:
    """A text of many lines without the marks around it."""
    if text.startswith('"""') and text.endswith('"""') and len(text) >= 6:  # noqa: PLR2004
        return text[3:-3].strip("\n")
    return text


def is_open(text: str) -> bool:
    """A text of many lines has begun and not ended."""
    stripped = text.strip()
    return stripped.startswith('"""') and (len(stripped) < 6 or not stripped.endswith('"""'))  # noqa: PLR2004


async def _command(chat: Chat, text: str) -> None:
    name, _, rest = text.partition(" ")
    command = TABLE.get(_ALSO.get(name, name))
    if command is not None:
        await command.run(chat, rest.strip())
        return
    near = difflib.get_close_matches(name, TABLE, n=1)
    hint = f"did you mean /{near[0]}?" if near else "/help lists the commands"
    chat.fail(f"there is no /{name}; {hint}")
