"""What keeps files and batches, and what hands out the work on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

import msgspec

from pointsman.types import (
    EVERYWHERE,
    AnsweredRow,
    Batch,
    BatchCounts,
    BatchRow,
    BatchStatus,
    BatchSums,
    FilePart,
    RowAnswer,
    Scope,
    StoredFile,
)


class Page(msgspec.Struct, frozen=True):
    """A part of a list, the newest first unless `oldest_first`."""

    limit: int
    #: The id of the last one of the page before; None for the first page.
    after: str | None = None
    oldest_first: bool = False


class FileStore(Protocol):
    """Files. Every method raises LedgerUnavailable."""

    async def add_file(self, file: StoredFile) -> None:
        """Add it, when its pieces are there; one that is there stays as it is."""

    async def file(self, file_id: str, scope: Scope = EVERYWHERE) -> StoredFile | None:
        """None where there is none in the scope."""

    async def files(
        self, page: Page, scope: Scope = EVERYWHERE, purpose: str | None = None
    ) -> Sequence[StoredFile]:
        """Those in the scope."""

    async def remove_file(self, file_id: str, scope: Scope = EVERYWHERE) -> bool:
        """Forget it with its pieces; whether it was there."""

    async def forget_files(self, now: datetime) -> int:
        """Forget those that have expired, and what is left of batches.

        That is what was asked in one that has ended, and all of one without any file.
        """

    async def stored_bytes(self, organisation: str) -> int:
        """Bytes of its files, and of what its unfinished batches have read of them."""


class PieceStore(Protocol):
    """What is in files. Every method raises LedgerUnavailable."""

    async def put_piece(self, file_id: str, number: int, content: bytes) -> None:
        """Write a piece of a file, numbered from 0."""

    async def piece(self, file_id: str, number: int) -> bytes | None:
        """None behind the last."""

    async def remove_pieces(self, file_id: str) -> None:
        """Forget what is in a file, and the file if it is there."""

    async def lost_pieces(self) -> Collection[str]:
        """Ids of files that are not there and have pieces: those coming in, and those that never will."""


class BatchStore(Protocol):
    """Batches. Every method raises LedgerUnavailable."""

    async def add_batch(self, batch: Batch) -> None:
        """Add it."""

    async def batch(self, batch_id: str, scope: Scope = EVERYWHERE) -> Batch | None:
        """None where there is none in the scope."""

    async def batches(
        self,
        page: Page,
        scope: Scope = EVERYWHERE,
        statuses: Collection[BatchStatus] | None = None,
    ) -> Sequence[Batch]:
        """Those in the scope."""

    async def move(self, batch: Batch, *among: BatchStatus) -> bool:
        """Write what is said of it, if its status is one of these; whether it was.

        `created` and whose it is stay.
        """


class RowStore(Protocol):
    """Rows of batches. Every method raises LedgerUnavailable."""

    async def add_rows(self, batch_id: str, rows: Sequence[BatchRow]) -> None:
        """Add them; those that are there stay as they are."""

    async def unanswered(self, batch_id: str, first: int, count: int) -> Sequence[BatchRow]:
        """Of so many rows from the first, those without an answer.

        What another gateway has open of them is from now on this one's.
        """

    async def answer(self, request_id: str, answer: RowAnswer) -> None:
        """Keep the answer to a row that has no entry in the books; the first one stays."""

    async def empty(self, batch_id: str) -> None:
        """Forget what was asked in its rows."""

    async def let_go(
        self, batch_id: str, held: Collection[str], now: datetime, since: datetime
    ) -> None:
        """Close its entries that a gateway before this one, here `since`, left open: interrupted.

        Those are what this one has open but for what it holds: request ids that it is asking.
        Where several gateways share the books, they are closed some seconds later.
        """

    async def counts(self, batch_ids: Collection[str]) -> Mapping[str, BatchCounts]:
        """How far these have come."""

    async def sums(self, batch_id: str) -> BatchSums:
        """What its rows add up to: dearer than `counts`."""

    async def lines(
        self, batch_id: str, part: FilePart, first: int, most_bytes: int
    ) -> Sequence[AnsweredRow]:
        """Some rows of a part from the first on, in their order; none behind the last.

        More than one only as long as their answers have no more than `most_bytes`. The output has
        those that were answered, `errors` those with an error or without an answer.
        """


class BatchBooks(FileStore, PieceStore, BatchStore, RowStore, Protocol):
    """All of it."""


class Job(msgspec.Struct, frozen=True):
    """A piece of work on a batch."""

    batch: str
    #: Which of its portions of rows, from 0; None to look through the input file first.
    portion: int | None = None
    #: Not before; None is at once.
    at: datetime | None = None
    #: How often it was put off because rows got nothing to keep.
    again: int = 0


#: Does a job. It does not raise.
Work: TypeAlias = Callable[[Job], Awaitable[None]]


class Jobs(Protocol):
    """Hands out jobs, each to one gateway at a time; those of earlier portions go first."""

    async def start(self, work: Work) -> None:
        """Have the jobs done from now on. Raises ConfigError, LedgerUnavailable."""

    async def offer(self, jobs: Sequence[Job]) -> None:
        """Have these done; one that waits already is not added. Raises LedgerUnavailable."""

    async def end(self) -> None:
        """Take no more jobs, and wait for those that are being done. Idempotent."""

    async def close(self) -> None:
        """End, and give everything back. Idempotent."""
