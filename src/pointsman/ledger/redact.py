"""Prompts and replies without the secrets and personal data that can be found in them. Pure.

In doubt more is replaced than was found: a mark stands for all of the words that a place touches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from pointsman.types import Turn

#: Begins and ends a word: what is next to a secret without one of these between belongs to it.
_EDGE = re.compile(r"[\s\"'`“”<>]")
#: Times that a text is looked through again: a mark may bring words together that were apart.
_LOOKS = 3


class Place(Protocol):
    """Where something was found in a text: begin and end as a slice has them."""

    @property
    def start(self) -> int:
        """The first character."""

    @property
    def end(self) -> int:
        """Behind the last one."""

    @property
    def kind(self) -> str:
        """What it is: a name without blanks."""


#: Finds places in a text; they may overlap, in any order.
Find = Callable[[str], Sequence[Place]]


class Redacted(msgspec.Struct, frozen=True):
    """A conversation with marks such as `[api_key]` in the place of what was found."""

    turns: tuple[Turn, ...]
    #: None where there was no reply.
    reply: str | None
    #: Kinds of what was replaced, each once.
    kinds: tuple[str, ...]


def redact(turns: Sequence[Turn], reply: str | None, find: Find) -> Redacted:
    """Every turn and the reply, each for itself, whoever wrote it."""
    kinds: dict[str, None] = {}
    said = tuple(replace(turn, text=redact_text(turn.text, find, kinds)) for turn in turns)
    answer = None if reply is None else redact_text(reply, find, kinds)
    return Redacted(said, answer, tuple(kinds))


def redact_text(text: str, find: Find, kinds: dict[str, None]) -> str:
    """A text with marks, in which nothing is found any more; their kinds are added to `kinds`."""
    for _ in range(_LOOKS):
        places = find(text)
        if not places:
            return text
        kinds.update(dict.fromkeys(place.kind for place in places))
        text = "".join(_marked(text, places))
    left = find(text)
    kinds.update(dict.fromkeys(place.kind for place in left))
    return " ".join(f"[{kind}]" for kind in kinds) if left else text


def _marked(text: str, places: Sequence[Place]) -> Iterator[str]:
    """The pieces of the text between the places, grown to whole words, and their marks."""
    done = 0
    for place in sorted(places, key=lambda place: (place.start, -place.end)):
        if place.start >= done:
            yield text[done : _begin(text, done, place.start)]
            yield f"[{place.kind}]"
        done = max(done, _end(text, max(done, place.end)))
    yield text[done:]


def _begin(text: str, least: int, place: int) -> int:
    """Where the word begins that a place begins in."""
    while place > least and not _EDGE.match(text[place - 1]):
        place -= 1
    return place


def _end(text: str, place: int) -> int:
    """Where the word ends that a place ends in."""
    found = _EDGE.search(text, place)
    return found.start() if found else len(text)
