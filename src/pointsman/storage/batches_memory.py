"""Files and batches in memory: the twin of `batches`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypeVar

from msgspec.structs import replace

from pointsman.ports import Page
from pointsman.types import (
    EVERYWHERE,
    MOST_TRIES,
    UNFINISHED,
    AnsweredRow,
    Batch,
    BatchCounts,
    BatchRow,
    BatchStatus,
    BatchSums,
    Entry,
    FilePart,
    RowAnswer,
    RowSums,
    Scope,
    StoredFile,
    row_request_id,
)

_REFUSED = 400
_Item = TypeVar("_Item", StoredFile, Batch)


class MemoryBatches:
    """`ports.BatchBooks` in dicts."""

    def __init__(self, entry: Callable[[str], Entry | None]) -> None:
        """`entry` finds one in the books by its request id."""
        self._entry = entry
        self._files: dict[str, StoredFile] = {}
        self._pieces: dict[tuple[str, int], bytes] = {}
        self._batches: dict[str, Batch] = {}
        self._rows: dict[str, dict[int, BatchRow]] = {}
        self._answers: dict[tuple[str, int], tuple[str, RowAnswer]] = {}

    async def add_file(self, file: StoredFile) -> None:
        """See `ports.FileStore`."""
        self._files.setdefault(file.id, file)

    async def file(self, file_id: str, scope: Scope = EVERYWHERE) -> StoredFile | None:
        """See `ports.FileStore`."""
        return _in_scope(self._files.get(file_id), scope)

    async def files(
        self, page: Page, scope: Scope = EVERYWHERE, purpose: str | None = None
    ) -> Sequence[StoredFile]:
        """See `ports.FileStore`."""
        files = (each for each in self._files.values() if purpose in {None, each.purpose})
        return _page(files, page, scope)

    async def remove_file(self, file_id: str, scope: Scope = EVERYWHERE) -> bool:
        """See `ports.FileStore`."""
        file = await self.file(file_id, scope)
        if file is None:
            return False
        del self._files[file_id]
        self._pieces = {key: each for key, each in self._pieces.items() if key[0] != file_id}
        for key, (request_id, answer) in self._answers.items():
            if key[0] == file.batch and (file.part == "output") == (answer.status < _REFUSED):
                self._answers[key] = request_id, replace(answer, body=b"")
        return True

    async def forget_files(self, now: datetime) -> int:
        """See `ports.FileStore`."""
        expired = [each.id for each in self._files.values() if each.expires and each.expires <= now]
        for each in expired:
            await self.remove_file(each)
        for batch in tuple(self._batches.values()):
            named = {batch.input_file, batch.output_file, batch.error_file}
            if batch.status not in UNFINISHED and not named & self._files.keys():
                del self._batches[batch.id]
            elif batch.status not in UNFINISHED:
                await self.empty(batch.id)
        self._rows = {key: each for key, each in self._rows.items() if key in self._batches}
        self._answers = {
            key: each for key, each in self._answers.items() if key[0] in self._batches
        }
        return len(expired)

    async def put_piece(self, file_id: str, number: int, content: bytes) -> None:
        """See `ports.PieceStore`."""
        self._pieces.setdefault((file_id, number), content)

    async def piece(self, file_id: str, number: int) -> bytes | None:
        """See `ports.PieceStore`."""
        return self._pieces.get((file_id, number))

    async def remove_pieces(self, file_id: str) -> None:
        """See `ports.PieceStore`."""
        self._files.pop(file_id, None)
        self._pieces = {key: each for key, each in self._pieces.items() if key[0] != file_id}

    async def lost_pieces(self) -> Collection[str]:
        """See `ports.PieceStore`."""
        return {file_id for file_id, _ in self._pieces} - self._files.keys()

    async def stored_bytes(self, organisation: str) -> int:
        """See `ports.FileStore`."""
        batches = (each for each in self._batches.values() if each.status in UNFINISHED)
        kept = sum(e.bytes for e in self._files.values() if e.organisation == organisation)
        return kept + sum(e.input_bytes for e in batches if e.organisation == organisation)

    async def add_batch(self, batch: Batch) -> None:
        """See `ports.BatchStore`."""
        self._batches[batch.id] = batch

    async def batch(self, batch_id: str, scope: Scope = EVERYWHERE) -> Batch | None:
        """See `ports.BatchStore`."""
        return _in_scope(self._batches.get(batch_id), scope)

    async def batches(
        self,
        page: Page,
        scope: Scope = EVERYWHERE,
        statuses: Collection[BatchStatus] | None = None,
    ) -> Sequence[Batch]:
        """See `ports.BatchStore`."""
        found = (
            each for each in self._batches.values() if statuses is None or each.status in statuses
        )
        return _page(found, page, scope)

    async def move(self, batch: Batch, *among: BatchStatus) -> bool:
        """See `ports.BatchStore`."""
        there = self._batches.get(batch.id)
        if there is None or there.status not in among:
            return False
        self._batches[batch.id] = replace(
            batch, organisation=there.organisation, key=there.key, created=there.created
        )
        return True

    async def add_rows(self, batch_id: str, rows: Sequence[BatchRow]) -> None:
        """See `ports.RowStore`."""
        known = self._rows.setdefault(batch_id, {})
        for row in rows:
            known.setdefault(row.number, row)

    async def unanswered(self, batch_id: str, first: int, count: int) -> Sequence[BatchRow]:
        """See `ports.RowStore`."""
        rows = self._rows.get(batch_id, {})
        return [
            replace(rows[number], tries=self._tries(batch_id, number))
            for number in range(first, first + count)
            if number in rows and (batch_id, number) not in self._answers
        ]

    async def answer(self, request_id: str, answer: RowAnswer) -> None:
        """See `ports.RowStore`."""
        self.keep(request_id, answer)

    def keep(self, request_id: str, answer: RowAnswer) -> None:
        """Keep an answer; the first one stays."""
        self._answers.setdefault((answer.batch, answer.number), (request_id, answer))

    async def empty(self, batch_id: str) -> None:
        """See `ports.RowStore`."""
        rows = self._rows.get(batch_id, {})
        self._rows[batch_id] = {number: replace(row, body=b"") for number, row in rows.items()}

    async def let_go(
        self, batch_id: str, held: Collection[str], now: datetime, since: datetime
    ) -> None:
        """See `ports.RowStore`. Nothing here was left open by a process that is gone."""

    async def counts(self, batch_ids: Collection[str]) -> Mapping[str, BatchCounts]:
        """See `ports.RowStore`."""
        sums = {each: await self.sums(each) for each in batch_ids}
        return {id_: BatchCounts(of.completed.rows, of.failed.rows) for id_, of in sums.items()}

    async def sums(self, batch_id: str) -> BatchSums:
        """See `ports.RowStore`."""
        rows = self._answered(batch_id)
        opened = (self._is_open(batch_id, row.number) for row in rows)
        return BatchSums(
            completed=_summed(each for each in rows if _went_well(each)),
            failed=_summed(each for each in rows if each.status and not _went_well(each)),
            unanswered=_summed(each for each in rows if each.status is None),
            open=sum(opened),
        )

    async def lines(
        self, batch_id: str, part: FilePart, first: int, most_bytes: int
    ) -> Sequence[AnsweredRow]:
        """See `ports.RowStore`."""
        rows = (each for each in self._answered(batch_id) if each.number >= first)
        found = [each for each in rows if _went_well(each) == (part == "output")]
        sizes = accumulate(len(each.body or b"") for each in found)
        return found[: max(1, sum(whole <= most_bytes for whole in sizes))]

    def _answered(self, batch_id: str) -> Sequence[AnsweredRow]:
        found = []
        for number, row in sorted(self._rows.get(batch_id, {}).items()):
            said = self._answers.get((batch_id, number))
            if said is None:
                found.append(AnsweredRow(number, row.custom_id))
            else:
                request_id, answer = said
                found.append(
                    AnsweredRow(number, row.custom_id, request_id, answer.status, answer.body)
                )
        return found

    def _is_open(self, batch_id: str, number: int) -> bool:
        ids = (row_request_id(batch_id, number, tries) for tries in range(MOST_TRIES))
        found = (self._entry(each) for each in ids)
        return any(each is not None and each.settlement is None for each in found)

    def _tries(self, batch_id: str, number: int) -> int:
        tries = 0
        while tries < MOST_TRIES:
            entry = self._entry(row_request_id(batch_id, number, tries))
            if entry is None or entry.settlement is None:
                break
            tries += 1
        return tries


def _in_scope(item: _Item | None, scope: Scope) -> _Item | None:
    if item is None:
        return None
    fits = scope.organisation in {None, item.organisation} and scope.key in {None, item.key}
    return item if fits else None


def _page(items: Iterable[_Item], page: Page, scope: Scope) -> Sequence[_Item]:
    found = [each for each in items if _in_scope(each, scope) is not None]
    found.sort(key=lambda each: (each.created, each.id), reverse=not page.oldest_first)
    if page.after is not None:
        ids = [each.id for each in found]
        found = found[ids.index(page.after) + 1 :] if page.after in ids else []
    return found[: page.limit]


def _went_well(row: AnsweredRow) -> bool:
    return row.status is not None and row.status < _REFUSED


def _summed(rows: Iterable[AnsweredRow]) -> RowSums:
    sizes = [(len(each.custom_id), len(each.body or b"")) for each in rows]
    return RowSums(len(sizes), sum(a for a, _ in sizes), sum(b for _, b in sizes))
