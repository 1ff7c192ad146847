"""Commands that change the conversation, what goes with it, and what is kept of it."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import msgspec

from pointsman.cli.chat import words
from pointsman.cli.chat.chat import Chat
from pointsman.cli.chat.shelf import write
from pointsman.cli.chat.talk import Part, Talk, part_of, typed
from pointsman.errors import BadRequest

#: Parameters that every chat model knows.
PARAMETERS = (
    "temperature",
    "max_tokens",
    "top_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
)
#: They are the conversation's own.
_OURS = frozenset({"model", "messages", "stream"})
_PATH_AND_TEXT = re.compile(
    r"""(?:(?P<mark>["'])(?P<quoted>.+?)(?P=mark)|(?P<plain>\S+))\s*(?P<text>.*)""", re.DOTALL
)
_PLAIN_NAME = re.compile(r"[\w-]+")


async def clear(chat: Chat, rest: str) -> None:
    """Forget what was said."""
    del rest
    chat.talk.clear()
    chat.screen.say("forgotten")


async def undo(chat: Chat, rest: str) -> None:
    """Take the last question and its answer out of the conversation."""
    del rest
    if not chat.talk.turns:
        raise BadRequest("there is nothing to take back")
    turn = chat.talk.turns.pop()
    turns = chat.talk.turns
    chat.talk.asked = turns[-1].question if turns else None
    chat.screen.say(f"taken back: {words.short(typed(turn.question))}")


async def save(chat: Chat, rest: str) -> None:
    """Write the conversation to a file, or under a name."""
    if not rest:
        raise BadRequest("/save FILE")
    path = _path(chat, rest)
    if path.exists():
        Talk().restore(path.read_bytes())  # nothing but another conversation is overwritten
    write(path, chat.talk.saved())
    chat.screen.say(f"saved: {rest}")


async def load(chat: Chat, rest: str) -> None:
    """Go on with a saved conversation, or show which there are."""
    if not rest:
        await listed(chat, "")
        return
    chat.talk.restore(_path(chat, rest).read_bytes())
    chat.screen.say(*stands("loaded", chat.talk))


def stands(how: str, talk: Talk) -> list[str]:
    """Where a conversation stands that goes on."""
    last = [f"last question: {words.short(typed(turn.question))}" for turn in talk.turns[-1:]]
    return [f"{how}: {len(talk.turns)} answers, asks {talk.model}", *last]


async def listed(chat: Chat, rest: str) -> None:
    """Show which conversations are saved, the newest first."""
    del rest
    rows = [_row(path) for path in chat.shelf.named()]
    chat.screen.say(*(words.columns(rows) if rows else ["nothing is saved under a name yet"]))


def _row(path: Path) -> tuple[str, ...]:
    when = f"{datetime.fromtimestamp(path.stat().st_mtime).astimezone():%Y-%m-%d %H:%M}"
    talk = Talk()
    try:
        talk.restore(path.read_bytes())
    except BadRequest:
        return (path.stem, when, "holds no conversation", "")
    last = words.short(typed(talk.turns[-1].question)) if talk.turns else ""
    return (path.stem, when, f"{len(talk.turns)} answers", last)


async def system(chat: Chat, rest: str) -> None:
    """Show, set or remove the system prompt."""
    if rest:
        chat.talk.system = "" if rest == "off" else rest
    chat.screen.say(f"system: {chat.talk.system or '(none)'}")


async def file(chat: Chat, rest: str) -> None:
    """Send a text or an image along with the next question, or with TEXT."""
    found = _PATH_AND_TEXT.fullmatch(rest)
    if found is None:
        raise BadRequest("/file PATH [TEXT], with quotes around a path with spaces")
    path = Path(found["quoted"] or found["plain"])
    chat.talk.attached.append(_attached(path))
    if found["text"]:
        await chat.ask(chat.talk.question(found["text"]))
    else:
        chat.screen.say(f"goes along with the next question: {path.name}")


async def set_parameter(chat: Chat, rest: str) -> None:
    """Show, set or remove a parameter: temperature, max_tokens, ..."""
    name, _, value = rest.partition(" ")
    if name in _OURS:
        raise BadRequest(f"{name} is the conversation's own")
    if value.strip() == "off":
        chat.talk.parameters.pop(name, None)
    elif name and value.strip():
        chat.talk.parameters[name] = _value(value.strip())
    elif name:
        raise BadRequest(f"/set {name} VALUE, or /set {name} off")
    shown = [
        f"{key} = {msgspec.json.encode(to).decode()}" for key, to in chat.talk.parameters.items()
    ]
    chat.screen.say(*(shown or ["nothing is set; for example: /set temperature 0.2"]))


def _value(text: str) -> object:
    """JSON where it is some, else the text itself."""
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value


def _path(chat: Chat, text: str) -> Path:
    """A name is a conversation of this folder's; anything else is a path."""
    if _PLAIN_NAME.fullmatch(text):
        return chat.shelf.folder / f"{text}.json"
    return Path(text).expanduser()


def _attached(path: Path) -> Part:
    return part_of(path.name, path.expanduser().read_bytes())
