"""Looks through a batch's input file, and makes rows of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import count, islice

import msgspec

from pointsman.batching.lines import Reader
from pointsman.ports import PieceStore, RowStore
from pointsman.types import Batch, BatchError, BatchRow

#: Errors that are told of one file.
_MOST_ERRORS = 100
#: Rows that are written in one transaction.
_AT_ONCE = 500


class Bounds(msgspec.Struct, frozen=True):
    """What an input file may have."""

    rows: int
    #: Bytes of a line.
    line_bytes: int


async def check(batch: Batch, pieces: PieceStore, most: Bounds) -> int | Sequence[BatchError]:
    """How many rows there are, or what is wrong with the file."""
    rows, errors = 0, list[BatchError]()
    async for found in _read(batch, pieces, most):
        rows += sum(isinstance(each, BatchRow) for each in found)
        errors += [each for each in found if isinstance(each, BatchError)]
        if rows > most.rows:
            errors = [BatchError("too_many_requests", f"a batch has at most {most.rows} requests")]
            break
        if len(errors) >= _MOST_ERRORS:
            break
    if not rows and not errors:
        errors = [BatchError("empty_file", "the input file has no requests")]
    return errors[:_MOST_ERRORS] or rows


async def write(batch: Batch, pieces: PieceStore, store: RowStore, most: Bounds) -> None:
    """Write the rows of a file that is right. Those that are there stay as they are."""
    async for found in _read(batch, pieces, most):
        rows = (each for each in found if isinstance(each, BatchRow))
        while portion := list(islice(rows, _AT_ONCE)):
            await store.add_rows(batch.id, portion)


async def _read(
    batch: Batch, pieces: PieceStore, most: Bounds
) -> AsyncIterator[Sequence[BatchRow | BatchError]]:
    """What each piece has; parsed in a thread."""
    reader = Reader(batch.endpoint, most.line_bytes)
    piece = await pieces.piece(batch.input_file, 0)
    for number in count(1):
        if piece is None:
            return
        following = await pieces.piece(batch.input_file, number)
        yield await asyncio.to_thread(_all, reader, piece, last=following is None)
        piece = following


def _all(reader: Reader, piece: bytes, *, last: bool) -> Sequence[BatchRow | BatchError]:
    return list(reader.feed(piece, last=last))
