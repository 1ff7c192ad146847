"""Where each setting is from: a line of the configuration file, or a variable of the environment."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

#: Names from the outermost table to the member; numbers are places in a list.
Place: TypeAlias = Sequence[str | int]

_TABLE = re.compile(r"\s*\[\[?(?P<name>[^\[\]]+)\]\]?\s*(?:#.*)?$")
_MEMBER = re.compile(r"\s*(?P<name>[^=\[{#]+?)\s*=")
_FENCE = re.compile(r"\"\"\"|'''")
_PREFIX, _BELOW = "POINTSMAN_", "__"


class Sources(msgspec.Struct, frozen=True):
    """A configuration file, as it is written, and what the environment says above it."""

    file: Path | None = None
    text: str = ""
    values: Mapping[str, object] = msgspec.field(default_factory=dict)
    environment: Mapping[str, object] = msgspec.field(default_factory=dict)

    def of(self, place: Place) -> str | None:
        """`pointsman.toml:12` or the variable's name; None where nobody says anything there."""
        names = [str(part) for part in place if not isinstance(part, int)]
        if _is_in(self.environment, names):
            return _variable(names)
        if self.file is None or not _is_in(self.values, names):
            return None
        line = _line(self.text, names)
        return f"{self.file}:{line}" if line else str(self.file)

    def nearest(self, place: Place) -> str:
        """The same, or of the innermost table around it; the file where there is none."""
        for length in range(len(place), 0, -1):
            if found := self.of(place[:length]):
                return found
        return str(self.file or "the environment")


def _is_in(values: Mapping[str, object], names: Sequence[str]) -> bool:
    found: object = values
    for name in names:
        if not isinstance(found, Mapping) or name not in found:
            return isinstance(found, list)  # what is in a list stands where the list does
        found = found[name]
    return True


def _variable(names: Sequence[str]) -> str:
    return _PREFIX + _BELOW.join(names).upper()


def _line(text: str, names: Sequence[str]) -> int | None:
    """Of the longest part of the name that stands anywhere, as a member or a table."""
    lines: dict[tuple[str, ...], int] = {}
    for number, found in _places(text):
        lines.setdefault(found, number)
    parts = (tuple(names[:length]) for length in range(len(names), 0, -1))
    return next((lines[part] for part in parts if part in lines), None)


def _places(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each table and member with its line. What begins within another's value is not found."""
    table: tuple[str, ...] = ()
    quoted = False
    for number, line in enumerate(text.splitlines(), 1):
        if not quoted and (found := _TABLE.match(line)):
            table = _names(found["name"])
            yield number, table
        elif not quoted and (found := _MEMBER.match(line)):
            yield number, (*table, *_names(found["name"]))
        quoted ^= len(_FENCE.findall(line)) % 2 == 1


def _names(dotted: str) -> tuple[str, ...]:
    """The parts of a name as TOML has them; none where it is no name."""
    try:
        found: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(found, dict):
        name, found = next(iter(found.items()))
        names.append(name)
    return tuple(names)
