"""What is asked: the rows of a file of JSON lines or CSV, as chat requests."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pointsman.errors import BadRequest, PointsmanError
from pointsman.formats.chat.request import parse_chat
from pointsman.proof.rows import BadRow, read

#: Characters of a cell: whole documents are asked about.
_LONGEST_CELL = 32 * 1024 * 1024
#: Stands for the columns that a CSV file's first line does not name.
_REST = "\0"
#: Hexadecimal digits that tell two rows apart.
_DIGEST = 16


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row as it is written: one of `prompt`, `messages` and `body`; other members are ignored."""

    id: str | int | None = None
    #: OpenAI's batch files call it so.
    custom_id: str | None = None
    prompt: str | None = None
    #: As in a chat request.
    messages: list[msgspec.Raw] | None = None
    #: A whole chat request; its `model` counts, like the row's own.
    body: dict[str, msgspec.Raw] | None = None
    model: str | None = None
    #: Further members of the request, such as `{"temperature": 0}`.
    parameters: dict[str, msgspec.Raw] = {}


class Row(msgspec.Struct, frozen=True):
    """A row that can be asked."""

    #: Its place among the rows, from 1.
    number: int
    #: Its own; else its number.
    id: str | int
    #: A chat request.
    body: bytes
    #: Of what the row asks, whatever model is asked: tells whether it has changed.
    digest: str
    #: Of a CSV file: its cells by column.
    cells: dict[str, str]


class Rows(msgspec.Struct, frozen=True):
    """The rows of a file, in order, as often as they are asked for; one at a time is held.

    To go through them raises PointsmanError where the file can't be read.
    """

    file: Path
    #: For rows that name none.
    model: str = "auto"
    #: What holds a CSV file's prompts.
    column: str = "prompt"

    @property
    def is_csv(self) -> bool:
        """By its name; all else is JSON lines, plain or gzip."""
        return self.file.suffix.lower() == ".csv"

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Each row, or what is wrong with it."""
        found = _of_csv(self.file, self.column) if self.is_csv else _of_lines(self.file)
        for number, (place, asked, cells) in enumerate(found, start=1):
            if isinstance(asked, BadRow):
                yield asked
                continue
            try:
                yield _row(number, asked, self.model, cells)
            except BadRequest as error:
                yield BadRow(place, str(error))

    def good(self) -> Iterator[Row]:
        """Those that can be asked."""
        return (row for row in self if isinstance(row, Row))


_Found = tuple[str, Asked | BadRow, dict[str, str]]


def _of_lines(file: Path) -> Iterator[_Found]:
    for line, asked in read(str(file), Asked):
        yield f"{file}:{line}", asked, {}


def _of_csv(file: Path, column: str) -> Iterator[_Found]:
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            table = csv.DictReader(text, restkey=_REST, restval="")
            if column not in (table.fieldnames or ()):
                there = ", ".join(table.fieldnames or ()) or "none"
                raise PointsmanError(
                    f"{file} has no column {column!r} (it has: {there}); name it with --column"
                )
            for cells in table:
                place = f"{file}:{table.line_num}"
                if _REST in cells:
                    yield place, BadRow(place, "it has more cells than there are columns"), {}
                else:
                    yield place, _asked(cells, column), cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PointsmanError(f"{file} can't be read: {error}") from error


def _asked(cells: dict[str, str], column: str) -> Asked:
    return Asked(cells.get("id") or None, prompt=cells[column], model=cells.get("model") or None)


def _row(number: int, asked: Asked, model: str, cells: dict[str, str]) -> Row:
    """Raises BadRequest where no chat request can be made of it."""
    body = msgspec.json.encode(_members(asked, model))
    if parse_chat(body).stream:
        raise BadRequest("a batch has its answers whole: leave out `stream`", param="stream")
    digest = hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:_DIGEST]
    own = asked.custom_id if asked.id is None else asked.id
    return Row(number, number if own is None else own, body, digest, cells)


def _members(asked: Asked, model: str) -> dict[str, object]:
    stated = [each for each in (asked.prompt, asked.messages, asked.body) if each is not None]
    if len(stated) != 1:
        raise BadRequest("a row needs one of `prompt`, `messages` and `body`")
    if asked.prompt is not None and not asked.prompt.strip():
        raise BadRequest("the prompt is empty", param="prompt")
    named = {} if asked.model is None else {"model": asked.model}
    if asked.body is not None:
        return {"model": model, **asked.body, **asked.parameters, **named}
    messages: object = asked.messages
    if asked.prompt is not None:
        messages = [{"role": "user", "content": asked.prompt}]
    return {"model": model, "messages": messages, **asked.parameters, **named}
