"""Files and batches in either database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, delete, insert, or_, select, update

from pointsman.ports import Page
from pointsman.storage import batch_queries
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
from pointsman.storage.statements import Prepared, upsert
from pointsman.types import (
    EVERYWHERE,
    UNFINISHED,
    AnsweredRow,
    Batch,
    BatchRow,
    BatchStatus,
    BatchSums,
    FilePart,
    RowAnswer,
    Scope,
    StoredFile,
)

T = TypeVar("T")


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
        mine = update(entries).where(entries.c.request_id == bindparam("request_id"), is_open)
        self._take_over = Prepared(mine, dialect, "gateway")

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
        erased = [delete(file_pieces).where(file_pieces.c.file == file_id)]
        if file.batch is not None and file.part is not None:
            erased.append(batch_queries.erase_answers(file.batch, file.part))
        erased.append(delete(files).where(files.c.id == file_id))
        *_, removed = await self._source.carry_out([self._step(each) for each in erased])
        return removed > 0

    async def forget_files(self, now: datetime) -> int:
        """See `ports.FileStore`."""
        expired = await self._source.ask(partial(batch_queries.expired_files, now=now))
        for file_id in expired:
            await self.remove_file(file_id)
        for batch_id in await self._source.ask(batch_queries.left_over):
            gone = [
                delete(batch_answers).where(batch_answers.c.batch == batch_id),
                delete(batch_rows).where(batch_rows.c.batch == batch_id),
                delete(batches).where(batches.c.id == batch_id),
            ]
            await self._source.carry_out([self._step(each) for each in gone])
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
        erased = [
            delete(file_pieces).where(file_pieces.c.file == file_id),
            delete(files).where(files.c.id == file_id),
        ]
        await self._source.carry_out([self._step(each) for each in erased])

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
        steps = [self._step(moved.values(row))]
        if batch.status not in UNFINISHED:  # what was asked is in no file of what came of it
            emptied = update(batch_rows).where(batch_rows.c.batch == batch.id)
            steps.append(self._step(emptied.values(body=b"")))
        changed, *_ = await self._source.carry_out(steps)
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
            await self._source.carry_out_many(self._take_over, mine)
        return rows

    async def answer(self, request_id: str, answer: RowAnswer) -> None:
        """See `ports.RowStore`."""
        await self._source.carry_out([(self._answer, answer_row(request_id, answer))])

    async def sums(self, batch_ids: Collection[str]) -> Mapping[str, BatchSums]:
        """See `ports.RowStore`."""
        return await self._source.ask(partial(batch_queries.sums, batch_ids=tuple(batch_ids)))

    async def lines(
        self, batch_id: str, part: FilePart, first: int, limit: int
    ) -> Sequence[AnsweredRow]:
        """See `ports.RowStore`."""
        return await self._source.ask(
            partial(batch_queries.lines, batch_id=batch_id, part=part, first=first, limit=limit)
        )

    def _step(self, statement: batch_queries.Erasing) -> Step:
        return Prepared(statement, self._source.dialect), {}


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
