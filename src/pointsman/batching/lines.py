"""A batch's files, line by line: what clients send, and what they get. Pure."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator

import msgspec

from pointsman.types import AnsweredRow, BatchError, BatchRow, BatchSums, FilePart, RowSums

#: What a row without an answer says, by how its batch ended.
MISSING = {
    "expired": ("batch_expired", "the completion window ended before this request was answered"),
    "cancelled": ("batch_cancelled", "the batch was cancelled before this request was answered"),
}
_ANSWERED = (
    b'{"id": "%b", "custom_id": %b, "response": '
    b'{"status_code": %03d, "request_id": "%b", "body": %b}, "error": null}\n'
)
_UNANSWERED = (
    b'{"id": "%b", "custom_id": %b, "response": null, "error": {"code": "%b", "message": "%b"}}\n'
)
_ROW_ID = "{batch}_{number:06d}"
_LONGEST_ID = 512


class _Line(msgspec.Struct):
    """One line of an input file."""

    custom_id: str
    method: str
    url: str
    body: dict[str, msgspec.Raw]


class InputError(Exception):
    """A line that is no request of its batch."""

    def __init__(self, error: BatchError) -> None:
        """What is said of it."""
        super().__init__(error.message)
        self.error = error


class Reader:
    """Reads an input file, piece by piece."""

    def __init__(self, endpoint: str, longest: int) -> None:
        """The only endpoint that its lines may name, and the bytes that one may have."""
        self._endpoint = endpoint
        self._longest = longest
        self._rest = b""
        #: Whether what comes belongs to a line that was too long, and was told so.
        self._skips = False
        self._line = 0
        self._rows = 0
        self._ids: set[str] = set()

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[BatchRow | BatchError]:
        """The rows whose lines ended in this piece, and what is wrong with other lines."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if last:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._line += 1
            if self._line == 1:
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 - files of Windows
            if self._skips:
                self._skips = False
            elif len(line) > self._longest:
                yield self._too_long(self._line)
            elif line.strip():
                try:
                    yield self._row(line)
                except InputError as wrong:
                    yield wrong.error
        if len(self._rest) > self._longest and not self._skips:
            self._skips = True
            yield self._too_long(self._line + 1)
        if self._skips:
            self._rest = b""

    def _row(self, line: bytes) -> BatchRow:
        try:
            said = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._wrong("invalid_json_line", f"not a request: {error}") from None
        if said.method != "POST":
            raise self._wrong("invalid_method", "`method` must be POST", "method")
        if said.url != self._endpoint:
            message = f"`url` must be the batch's endpoint, {self._endpoint}"
            raise self._wrong("mismatched_url", message, "url")
        if not 0 < len(said.custom_id) <= _LONGEST_ID:
            message = f"`custom_id` must have 1 to {_LONGEST_ID} characters"
            raise self._wrong("invalid_custom_id", message, "custom_id")
        if said.custom_id in self._ids:
            message = f"`custom_id` {said.custom_id[:64]!r} is in an earlier line already"
            raise self._wrong("duplicate_custom_id", message, "custom_id")
        if bytes(said.body.get("stream", msgspec.Raw(b"false"))) == b"true":
            raise self._wrong("invalid_request", "`stream` can't be asked for here", "body.stream")
        self._ids.add(said.custom_id)
        row = BatchRow(
            self._rows, json.dumps(said.custom_id).encode(), msgspec.json.encode(said.body)
        )
        self._rows += 1
        return row

    def _too_long(self, line: int) -> BatchError:
        return BatchError("line_too_long", f"a line has at most {self._longest} bytes", line)

    def _wrong(self, code: str, message: str, param: str | None = None) -> InputError:
        return InputError(BatchError(code, message, self._line, param))


def written(batch_id: str, row: AnsweredRow, ended: str) -> bytes:
    """A row's line in the output or among the errors; `ended` is the batch's status."""
    if row.request_id is None or row.status is None or row.body is None:
        code, message = MISSING.get(ended, MISSING["expired"])
        row_id = _ROW_ID.format(batch=batch_id, number=row.number)
        return _UNANSWERED % (row_id.encode(), row.custom_id, code.encode(), message.encode())
    request_id = row.request_id.encode()
    return _ANSWERED % (request_id, row.custom_id, row.status, request_id, row.body)


def size(batch_id: str, sums: BatchSums, part: FilePart, ended: str) -> int:
    """Bytes of a part's file."""
    request_id = f"{_ROW_ID.format(batch=batch_id, number=0)}_1"
    answered = len(written(batch_id, AnsweredRow(0, b"", request_id, 200, b""), ended))
    if part == "output":
        return _size(sums.completed, answered)
    missing = len(written(batch_id, AnsweredRow(0, b""), ended))
    return _size(sums.failed, answered) + _size(sums.unanswered, missing)


def _size(rows: RowSums, each: int) -> int:
    return rows.rows * each + rows.custom_ids + rows.bodies
