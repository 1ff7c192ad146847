"""Files and batches in either database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import asdict
from sqlalchemy import (
    Connection,
    Delete,
    Dialect,
    Update,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from pointsman.ports import Page
from pointsman.storage import batch_queries
from pointsman.storage.batch_queries import ANSWERS, PIECES, ROWS, Numbered
from pointsman.storage.filters import is_open
from pointsman.storage.learning import Step
from pointsman.storage.schema import entries
from pointsman.storage.schema_batches import (
    batch_answers,
    batch_rows,
    batches,
    file_pieces,
    files,
)
from pointsman.storage.statements import Prepared, interrupt, the_entry, upsert
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

T = TypeVar("T")

#: Rows, and pieces of files, that are erased in one transaction.
_ROWS, _PIECES = 50, 4


class Source(Protocol):
    """A store of the books, as far as batches need it."""

    @property
    def dialect(self) -> Dialect:
        """Of its database."""

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """See `LearningReader`."""

    async def carry_out(self, steps: Sequence[Step]) -> Sequence[int]:
        """See `LearningStore`."""

    async def carry_out_many(
        self, statement: Prepared, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """See `LearningStore`."""


class SqlBatches:
    """`ports.BatchBooks` beside the books, in the same database."""

    def __init__(self, source: Source, gateway: str | None = None) -> None:
        """`gateway` is this process among those that share the books."""
        self._source = source
        self._gateway = gateway
        dialect = source.dialect
        self._put_piece = Prepared(upsert(file_pieces, dialect).on_conflict_do_nothing(), dialect)
        self._add_file = Prepared(upsert(files, dialect).on_conflict_do_nothing(), dialect)
        self._add_batch = Prepared(insert(batches), dialect)
        self._add_row = Prepared(upsert(batch_rows, dialect).on_conflict_do_nothing(), dialect)
        self._answer = add_answer(dialect)
        one = update(entries).where(the_entry, is_open)
        self._hand_over = Prepared(one, dialect, "gateway")
        self._interrupt = interrupt(dialect, the_entry)
        self._empty_rows = _some(ROWS, update(batch_rows).values(body=b""), dialect)
        self._empty_answers = {
            part: _some(ANSWERS, batch_queries.emptied(part), dialect)
            for part in batch_queries.PARTS
        }
        self._erase_pieces = _some(PIECES, delete(file_pieces), dialect)
        self._erase_answers = _some(ANSWERS, delete(batch_answers), dialect)
        self._erase_rows = _some(ROWS, delete(batch_rows), dialect)

    # Files

    async def add_file(self, file: StoredFile) -> None:
        """See `ports.FileStore`."""
        await self._source.carry_out([(self._add_file, asdict(file))])

    async def file(self, file_id: str, scope: Scope = EVERYWHERE) -> StoredFile | None:
        """See `ports.FileStore`."""
        return await self._source.ask(partial(batch_queries.file, file_id=file_id, scope=scope))

    async def files(
        self, page: Page, scope: Scope = EVERYWHERE, purpose: str | None = None
    ) -> Sequence[StoredFile]:
        """See `ports.FileStore`."""
        return await self._source.ask(
            partial(batch_queries.files_page, page=page, scope=scope, purpose=purpose)
        )

    async def remove_file(self, file_id: str, scope: Scope = EVERYWHERE) -> bool:
        """See `ports.FileStore`."""
        file = await self.file(file_id, scope)
        if file is None:
            return False
        if file.batch is not None and file.part is not None:
            await self._bit_by_bit(self._empty_answers[file.part], ANSWERS, file.batch)
        await self._bit_by_bit(self._erase_pieces, PIECES, file_id)
        last = self._step(delete(files).where(files.c.id == file_id))
        (removed,) = await self._source.carry_out([last])
        return removed > 0

    async def forget_files(self, now: datetime) -> int:
        """See `ports.FileStore`."""
        expired = await self._source.ask(partial(batch_queries.expired_files, now=now))
        for file_id in expired:
            await self.remove_file(file_id)
        for batch_id in await self._source.ask(batch_queries.left_over):
            await self._bit_by_bit(self._erase_answers, ANSWERS, batch_id)
            await self._bit_by_bit(self._erase_rows, ROWS, batch_id)
            gone = delete(batches).where(batches.c.id == batch_id)
            await self._source.carry_out([self._step(gone)])
        for batch_id in await self._source.ask(batch_queries.with_questions):
            await self.empty(batch_id)
        return len(expired)

    async def put_piece(self, file_id: str, number: int, content: bytes) -> None:
        """See `ports.PieceStore`."""
        piece = {"file": file_id, "number": number, "content": content}
        await self._source.carry_out([(self._put_piece, piece)])

    async def piece(self, file_id: str, number: int) -> bytes | None:
        """See `ports.PieceStore`."""
        found = select(file_pieces.c.content).where(
            file_pieces.c.file == file_id, file_pieces.c.number == number
        )
        return await self._source.ask(lambda db: db.scalar(found))

    async def remove_pieces(self, file_id: str) -> None:
        """See `ports.PieceStore`."""
        await self._bit_by_bit(self._erase_pieces, PIECES, file_id)
        await self._source.carry_out([self._step(delete(files).where(files.c.id == file_id))])

    async def lost_pieces(self) -> Collection[str]:
        """See `ports.PieceStore`."""
        return await self._source.ask(batch_queries.pieces_without_file)

    async def stored_bytes(self, organisation: str) -> int:
        """See `ports.FileStore`."""
        find = partial(batch_queries.stored_bytes, organisation=organisation)
        return await self._source.ask(find)

    # Batches

    async def add_batch(self, batch: Batch) -> None:
        """See `ports.BatchStore`."""
        await self._source.carry_out([(self._add_batch, _batch_row(batch))])

    async def batch(self, batch_id: str, scope: Scope = EVERYWHERE) -> Batch | None:
        """See `ports.BatchStore`."""
        return await self._source.ask(partial(batch_queries.batch, batch_id=batch_id, scope=scope))

    async def batches(
        self,
        page: Page,
        scope: Scope = EVERYWHERE,
        statuses: Collection[BatchStatus] | None = None,
    ) -> Sequence[Batch]:
        """See `ports.BatchStore`."""
        return await self._source.ask(
            partial(batch_queries.batches_page, page=page, scope=scope, statuses=statuses)
        )

    async def move(self, batch: Batch, *among: BatchStatus) -> bool:
        """See `ports.BatchStore`."""
        row = _batch_row(batch)
        for name in ("id", "organisation", "key", "created"):
            del row[name]
        is_among = or_(*(batches.c.status == status for status in among))
        moved = update(batches).where(batches.c.id == batch.id, is_among)
        (changed,) = await self._source.carry_out([self._step(moved.values(row))])
        return changed > 0

    # Rows

    async def add_rows(self, batch_id: str, rows: Sequence[BatchRow]) -> None:
        """See `ports.RowStore`."""
        await self._source.carry_out_many(
            self._add_row,
            [
                {
                    "batch": batch_id,
                    "number": row.number,
                    "custom_id": row.custom_id.decode("ascii"),
                    "body": row.body,
                }
                for row in rows
            ],
        )

    async def unanswered(self, batch_id: str, first: int, count: int) -> Sequence[BatchRow]:
        """See `ports.RowStore`."""
        find = partial(batch_queries.unanswered, batch_id=batch_id, first=first, count=count)
        rows, open_ones = await self._source.ask(find)
        if open_ones and self._gateway is not None:
            mine = [{"request_id": each, "gateway": self._gateway} for each in open_ones]
            await self._source.carry_out_many(self._hand_over, mine)
        return rows

    async def answer(self, request_id: str, answer: RowAnswer) -> None:
        """See `ports.RowStore`."""
        await self._source.carry_out([(self._answer, answer_row(request_id, answer))])

    async def empty(self, batch_id: str) -> None:
        """See `ports.RowStore`."""
        await self._bit_by_bit(self._empty_rows, ROWS, batch_id)

    async def let_go(
        self, batch_id: str, held: Collection[str], now: datetime, since: datetime
    ) -> None:
        """See `ports.RowStore`. What is nobody's is closed by the next sweep of those who share."""
        # A settlement that is owed still opens what a sweep closed; in SQLite nothing does.
        before = since if self._gateway is None else None
        gateway = self._gateway
        find = partial(batch_queries.open_ones, batch_id=batch_id, gateway=gateway, before=before)
        left = [each for each in await self._source.ask(find) if each not in held]
        if self._gateway is None:
            closed = [(self._interrupt, {"request_id": each, "settled_at": now}) for each in left]
            await self._source.carry_out(closed)
        elif left:
            nobodys = [{"request_id": each, "gateway": None} for each in left]
            await self._source.carry_out_many(self._hand_over, nobodys)

    async def counts(self, batch_ids: Collection[str]) -> Mapping[str, BatchCounts]:
        """See `ports.RowStore`."""
        return await self._source.ask(partial(batch_queries.counts, batch_ids=tuple(batch_ids)))

    async def sums(self, batch_id: str) -> BatchSums:
        """See `ports.RowStore`."""
        return await self._source.ask(partial(batch_queries.sums, batch_id=batch_id))

    async def lines(
        self, batch_id: str, part: FilePart, first: int, most_bytes: int
    ) -> Sequence[AnsweredRow]:
        """See `ports.RowStore`."""
        return await self._source.ask(
            lambda db: batch_queries.lines(db, batch_id, part, first, most_bytes)
        )

    async def _bit_by_bit(self, change: Prepared, numbered: Numbered, its: str) -> None:
        """Change all rows of one thing, some in each transaction: requests wait for those."""
        find = partial(batch_queries.last_number, numbered=numbered, its=its)
        some = _PIECES if numbered is PIECES else _ROWS
        for first in range(0, await self._source.ask(find) + 1, some):
            bounds = {"its": its, "first": first, "last": first + some - 1}
            await self._source.carry_out([(change, bounds)])

    def _step(self, statement: batch_queries.Erasing) -> Step:
        return Prepared(statement, self._source.dialect), {}


def _some(numbered: Numbered, change: Update | Delete, dialect: Dialect) -> Prepared:
    """A change of the rows of `its` from `first` to `last`."""
    of, number = numbered
    some = number.between(bindparam("first"), bindparam("last"))
    return Prepared(change.where(of == bindparam("its"), some), dialect)


def add_answer(dialect: Dialect) -> Prepared:
    """Keep a row's answer; the first one stays."""
    return Prepared(upsert(batch_answers, dialect).on_conflict_do_nothing(), dialect)


def answer_row(request_id: str, answer: RowAnswer) -> Mapping[str, object]:
    """The columns of `batch_answers`."""
    return {"request_id": request_id, **asdict(answer)}


def _batch_row(batch: Batch) -> dict[str, object]:
    row = asdict(batch)
    named, wrong = batch.metadata, batch.errors
    row["metadata"] = None if named is None else msgspec.json.encode(named).decode()
    row["errors"] = msgspec.json.encode(wrong).decode() if wrong else None
    return row
