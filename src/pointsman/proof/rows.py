"""Labelled rows, read one by one from JSON lines: plain or gzip, from a file or standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Annotated, BinaryIO, TypeVar

import msgspec

from pointsman.errors import PointsmanError

#: 0-1, how well an answer did.
Quality = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]

_GZIP = b"\x1f\x8b"


class Row(msgspec.Struct, frozen=True):
    """A prompt that a weak and a strong model answered, and how well; other members are ignored."""

    id: str | int
    source: str
    prompt: str
    weak_score: Quality
    strong_score: Quality
    #: The weak model's reply, where it is known.
    weak_answer: str | None = None


class Event(msgspec.Struct, frozen=True):
    """The same, of traffic: wherever it came from."""

    prompt: str
    weak_score: Quality
    strong_score: Quality


class Prompt(msgspec.Struct, frozen=True):
    """A prompt to be scored, with a reply to be judged where there is one."""

    prompt: str
    id: str | int | None = None
    weak_answer: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """A prompt, and how well the weak model did."""

    prompt: str
    weak_score: Quality


class BadRow(msgspec.Struct, frozen=True):
    """A line that can't be used."""

    #: Such as `rows.jsonl:17`.
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


T = TypeVar("T", bound=msgspec.Struct)


def read(path: str, kind: type[T]) -> Iterator[tuple[int, T | BadRow]]:
    """Every line that is not empty, by its number from 1, as a row or with what is wrong with it.

    `-` is standard input. Holds one line at a time. Raises PointsmanError where the file can't be
    read, or not to its end.
    """
    decoder = msgspec.json.Decoder(kind)
    name = "standard input" if path == "-" else path
    try:
        with _opened(path) as lines:
            for number, written in enumerate(lines, start=1):
                line = written.removeprefix(BOM_UTF8) if number == 1 else written
                if not line.strip():
                    continue
                try:
                    yield number, decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    yield number, BadRow(f"{name}:{number}", str(error))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PointsmanError(f"{name} can't be read: {reason}") from error


def read_all(path: str, kind: type[T]) -> list[T]:
    """All rows of a file. Raises PointsmanError where a line can't be used or there is none."""
    rows: list[T] = []
    bad: list[BadRow] = []
    for _, row in read(path, kind):
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            rows.append(row)
    if bad:
        more = f" (and {len(bad) - 1} more bad rows)" if len(bad) > 1 else ""
        raise PointsmanError(f"{bad[0]}{more}; rows need {', '.join(_needed(kind))}")
    if not rows:
        raise PointsmanError(f"{path} holds no rows")
    return rows


def sampled(rows: Sequence[Row], per_source: int, rng: Random) -> list[Row]:
    """At most so many rows of each source, at random, in the order in which they stood."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.source, []).append(place)
    kept = [
        place
        for each in places.values()
        for place in (rng.sample(each, per_source) if len(each) > per_source else each)
    ]
    return [rows[place] for place in sorted(kept)]


def _needed(kind: type[T]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind) if field.required]


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """The lines, unpacked where they are packed."""
    file = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115 - closed below
    try:
        buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
        if buffered.peek(2)[:2] == _GZIP:
            with gzip.open(buffered) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield buffered
    finally:
        if path != "-":
            file.close()
