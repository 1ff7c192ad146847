"""Words that must not get about, and where they got to."""

from __future__ import annotations

import base64
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

#: Of a key's secret, even so few characters together must not be found.
_PIECE = 8


@dataclass
class Canaries:
    """Each is put in one place, and is told apart by its own name."""

    #: What was put in, by where.
    put: dict[str, str] = field(default_factory=dict)
    #: Those of which a piece is already too much.
    _whole_secrets: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str) -> str:
        """The canary for a place, always the same one."""
        told = base64.b32encode(zlib.crc32(place.encode()).to_bytes(4, "big")).decode()[:7]
        return self.put.setdefault(place, f"cnry{told.lower()}{len(place):02}x")

    def secret(self, place: str, value: str) -> None:
        """A key: not a piece of it may be found. `value` is its secret part."""
        self._whole_secrets[place] = value

    def found(self, text: bytes) -> set[str]:
        """Which of them are in it, as they are or in base64."""
        low = text.lower()
        seen = {
            place
            for place, word in self.put.items()
            if word.encode() in low or any(coded in text for coded in _in_base64(word))
        }
        for place, value in self._whole_secrets.items():
            pieces = {value[at : at + _PIECE] for at in range(len(value) - _PIECE + 1)}
            if any(piece.encode() in text for piece in pieces):
                seen.add(place)
            if any(coded in text for coded in _in_base64(value)):
                seen.add(place)
        return seen


def kept(home: Path) -> Iterator[tuple[str, bytes]]:
    """All that is in a home's files, by file, and by table and column."""
    for file in sorted(path for path in home.rglob("*") if path.is_file()):
        yield file.name.removesuffix("-wal").removesuffix("-shm"), file.read_bytes()
        if file.suffix == ".db":
            yield from _columns(file)


def told(headers: Mapping[str, str]) -> bytes:
    """Headers as one text."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()


def _columns(file: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as plain:
        names = plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            rows = plain.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the database's own name
            columns = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", _bytes(value)


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _in_base64(word: str) -> Iterator[bytes]:
    """A word as it is within base64, wherever it begins."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + word.encode())
        middle = coded[4 if before else 0 : -4]
        yield middle
        yield middle.replace(b"+", b"-").replace(b"/", b"_")
