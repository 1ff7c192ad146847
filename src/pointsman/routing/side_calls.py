"""Side calls: what agents and chat windows ask on their own, beside what their user asked. Pure.

A title for the conversation, its tags, what to ask next. They come with the same model's name as
the real questions, and any model will do. Each client is known by its own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from pointsman.errors import ConfigError
from pointsman.types import ModelRequest, Turn

#: Characters of a text that are looked at, from its start and from its end.
_SYSTEM_REACH, _USER_REACH = 2048, 1024
#: Lines of a system prompt of which one may open it: clients put blocks before their own.
_LINES = 8
#: Characters by which openings are found; each is at least so long.
_KEY = 24
_SYSTEM_ROLES = frozenset({"system", "developer"})
_BEFORE_AN_ANSWER = _SYSTEM_ROLES | {"user"}


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one client's side call opens; see `data/side_calls.toml`. What is empty may be anything."""

    client: str
    system: str = ""
    user: str = ""
    ends: str = ""
    alone: bool = False


class SideCalls:
    """Known side calls, found by how their system prompt opens, or else their last message."""

    def __init__(self, kinds: Iterable[tuple[str, Opening]]) -> None:
        """Each with its kind. Raises ConfigError where an opening is too short to be told apart."""
        self._by_system: dict[str, list[tuple[str, Opening]]] = {}
        self._by_user: dict[str, list[tuple[str, Opening]]] = {}
        for kind, opening in kinds:
            words = opening.system or opening.user
            if len(words) < _KEY:
                raise ConfigError(f"{words!r} is too short to know {opening.client} by")
            by_key = self._by_system if opening.system else self._by_user
            by_key.setdefault(words[:_KEY], []).append((kind, opening))

    @classmethod
    def parse(cls, text: str) -> SideCalls:
        """From TOML: tables of openings by kind. Raises ConfigError."""
        try:
            tables = msgspec.toml.decode(text, type=dict[str, list[Opening]])
        except msgspec.DecodeError as error:
            raise ConfigError(f"the list of side calls: {error}") from error
        return cls((kind, opening) for kind, openings in tables.items() for opening in openings)

    def kind(self, request: ModelRequest) -> str | None:
        """`title`, `tags`, ... where it is a side call; None for what a person asked.

        Only the ends of the first and the last turn are read, however long they are.
        """
        if not request.turns:
            return None
        user = _user(request.turns[-1])
        found = [(user, each) for each in self._by_user.get(user[:_KEY], ())]
        for line in _lines(_system(request.turns[0])):
            found += [(line, each) for each in self._by_system.get(line[:_KEY], ())]
        kinds = (kind for text, (kind, opening) in found if _fits(opening, text, user, request))
        return next(kinds, None)


def _fits(opening: Opening, text: str, user: str, request: ModelRequest) -> bool:
    """Whether `text`, which was found by its first words, and all else are as the client has it."""
    ending = request.turns[-1].text[-_USER_REACH:].rstrip()
    roles = {turn.role for turn in request.turns}
    return (
        text.startswith(opening.system or opening.user)
        and user.startswith(opening.user)
        and ending.endswith(opening.ends)
        and not (opening.alone and roles - _BEFORE_AN_ANSWER)
    )


def _system(turn: Turn) -> str:
    return turn.text[:_SYSTEM_REACH].lstrip() if turn.role in _SYSTEM_ROLES else ""


def _user(turn: Turn) -> str:
    return turn.text[:_USER_REACH].lstrip() if turn.role == "user" else ""


def _lines(text: str) -> Iterator[str]:
    """The text from the start of each of its first lines."""
    start = 0
    for _ in range(_LINES):
        yield text[start:]
        start = text.find("\n", start) + 1
        if not start:
            return
