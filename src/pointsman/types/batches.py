"""Files that clients upload, and batches: many requests in one file, answered in their own time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

#: As OpenAI has them. `finalizing`: no more rows are begun; `cancelling` likewise.
BatchStatus: TypeAlias = Literal[
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
]
#: In these a batch is not at its end yet.
UNFINISHED: tuple[BatchStatus, ...] = ("validating", "in_progress", "finalizing", "cancelling")
#: Which of a batch's rows a file has.
FilePart: TypeAlias = Literal["output", "errors"]
#: Times that a row is asked before its error is its answer.
MOST_TRIES = 5


class StoredFile(msgspec.Struct, frozen=True):
    """A file, without its content."""

    id: str
    organisation: str
    #: Whose it is: the key's id.
    key: str
    #: What the client called it.
    name: str
    #: `batch`, or `batch_output` for what a batch wrote.
    purpose: str
    bytes: int
    created: datetime
    #: None is never.
    expires: datetime | None = None
    #: The batch whose rows are the content; None for what was uploaded.
    batch: str | None = None
    part: FilePart | None = None


class BatchError(msgspec.Struct, frozen=True):
    """Why a batch was not begun."""

    code: str
    message: str
    #: Of the input file, from 1; None where it is no line's fault.
    line: int | None = None
    #: The member at fault.
    param: str | None = None


class Batch(msgspec.Struct, frozen=True):
    """Many requests to one endpoint, to be answered within a window of time."""

    id: str
    organisation: str
    key: str
    endpoint: str
    #: The file's id.
    input_file: str
    #: As the client said it: `24h`.
    window: str
    created: datetime
    #: When rows that have no answer by then are given up.
    expires: datetime
    status: BatchStatus = "validating"
    #: When its rows were ready to be asked.
    validated: datetime | None = None
    finalizing: datetime | None = None
    #: When it was asked to be cancelled.
    cancelled: datetime | None = None
    #: When it came to its end, whichever that is.
    ended: datetime | None = None
    #: Ids; None where there is none (yet).
    output_file: str | None = None
    error_file: str | None = None
    metadata: Mapping[str, str] | None = None
    errors: tuple[BatchError, ...] = ()
    #: Rows; with an answer; with an error for one.
    total: int = 0
    completed: int = 0
    failed: int = 0
    #: Of the input file.
    input_bytes: int = 0
    #: Seconds for which its files are kept; None is as long as files are.
    output_s: int | None = None

    def file_id(self, part: FilePart) -> str:
        """Of the file that a part of its rows makes up."""
        return f"file_{self.id.removeprefix('batch_')}_{part}"


class BatchRow(msgspec.Struct, frozen=True):
    """One request of a batch."""

    #: From 0, in the order of the input file.
    number: int
    #: The client's own id, as ASCII JSON text, quotes included.
    custom_id: bytes
    body: bytes
    #: Times that it was asked already and got nothing to keep.
    tries: int = 0


class RowPlace(msgspec.Struct, frozen=True):
    """Where the answer to a request belongs."""

    batch: str
    number: int
    #: It is asked for the last time: whatever comes is its answer.
    is_last: bool = False

    def takes(self, status: int) -> bool:
        """Whether this is an answer; else it may be better another time."""
        passing = status >= 500 or status in {408, 429}  # noqa: PLR2004 - HTTP's own
        return self.is_last or not passing

    def answer(self, status: int, body: bytes) -> RowAnswer | None:
        """What is to be kept of a reply; None where nothing is."""
        return RowAnswer(self.batch, self.number, status, body) if self.takes(status) else None


class RowAnswer(msgspec.Struct, frozen=True):
    """What a row was answered; written once."""

    batch: str
    number: int
    #: HTTP's.
    status: int
    #: JSON.
    body: bytes


class AnsweredRow(msgspec.Struct, frozen=True):
    """A row with its answer, as files have it."""

    number: int
    #: As in `BatchRow`.
    custom_id: bytes
    #: None where there is no answer, and so in what follows.
    request_id: str | None = None
    status: int | None = None
    body: bytes | None = None


class RowSums(msgspec.Struct, frozen=True):
    """Over a batch's rows that are alike."""

    rows: int = 0
    #: Bytes of what in their lines differs.
    custom_ids: int = 0
    bodies: int = 0


class BatchCounts(msgspec.Struct, frozen=True):
    """How many of a batch's rows were answered."""

    completed: int = 0
    #: With an error.
    failed: int = 0

    @property
    def answered(self) -> int:
        """Either way."""
        return self.completed + self.failed


class BatchSums(msgspec.Struct, frozen=True):
    """What a batch's rows add up to: for its end, as all of them are read."""

    completed: RowSums = RowSums()
    failed: RowSums = RowSums()
    unanswered: RowSums = RowSums()
    #: Entries of it that are open.
    open: int = 0


def row_request_id(batch: str, number: int, tries: int = 0) -> str:
    """The request id of a row that was asked so many times before: always the same."""
    return f"{batch}_{number:06d}_{tries + 1}"
