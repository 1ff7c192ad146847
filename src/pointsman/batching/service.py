"""Batches from the wish to the output file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from pointsman.batching import lines, validating
from pointsman.batching.filing import Filing, gone
from pointsman.batching.hours import OffPeak
from pointsman.batching.running import ENDPOINTS, STATUS_S, Running, portions
from pointsman.batching.validating import Bounds
from pointsman.batching.wire import NewBatch, check_metadata, window
from pointsman.errors import BadRequest, NotFound
from pointsman.ports import BatchBooks, Clock, Job, Jobs, Page
from pointsman.types import (
    EVERYWHERE,
    UNFINISHED,
    Batch,
    BatchCounts,
    BatchStatus,
    BatchSums,
    FilePart,
    Principal,
    Scope,
    StoredFile,
)

#: Rows that a gateway takes at a time.
PORTION = 50
#: Batches that are read at a time.
_AT_ONCE = 1000
#: Unfinished batches of an organisation.
_MOST_UNFINISHED = 100
#: Seconds after which every gateway knows that no more rows are to be begun.
_KNOWN_S = 2 * STATUS_S
#: Seconds after which a batch is looked through once more: who was at it may be gone.
_OVERDUE_S = 60.0
_PARTS: tuple[FilePart, ...] = ("output", "errors")


class Batching:
    """Everything about batches that is not the asking of one row."""

    def __init__(
        self,
        books: BatchBooks,
        jobs: Jobs,
        running: Running,
        *,
        filing: Filing,
        clock: Clock,
        longest_window: timedelta,
        most: Bounds,
        off_peak: OffPeak | None = None,
    ) -> None:
        """`running` does what `jobs` hands out; with none to hand out, other gateways do it."""
        self.files = filing
        self._books = books
        self._jobs = jobs
        self._running = running
        self._clock = clock
        self._longest_window = longest_window
        self._most = most
        self._off_peak = off_peak
        self._since = clock.now()

    async def start(self) -> None:
        """Go on with what is unfinished. Raises ConfigError, LedgerUnavailable."""
        await self._jobs.start(self._work)
        going_on = await self._unfinished(("validating", "in_progress"))
        await self._jobs.offer([Job(batch.id) for batch in going_on])

    async def end(self) -> None:
        """Begin no more rows, and wait for those that are being asked. Idempotent."""
        self._running.stop()
        await self._jobs.end()

    async def close(self) -> None:
        """End, and give everything back. Idempotent."""
        await self.end()
        await self._jobs.close()

    async def create(self, wish: NewBatch, by: Principal, scope: Scope) -> Batch:
        """Begin a batch. Raises BadRequest, NotFound, LedgerUnavailable."""
        if wish.endpoint not in ENDPOINTS:
            known = ", ".join(f"`{each}`" for each in ENDPOINTS)
            raise BadRequest(f"`endpoint` is one of {known}", param="endpoint")
        check_metadata(wish)
        length = window(wish.completion_window, self._longest_window)
        file = await self.files.get(wish.input_file_id, scope)
        if file.batch is not None:
            raise BadRequest("this file is no input", param="input_file_id")
        await self._check_room(by.organisation, file)
        now, kept = self._clock.now(), wish.output_expires_after
        batch = Batch(
            id=f"batch_{secrets.token_hex(16)}",
            organisation=by.organisation,
            key=by.key,
            endpoint=wish.endpoint,
            input_file=file.id,
            window=wish.completion_window,
            created=now,
            expires=now + length,
            metadata=wish.metadata,
            input_bytes=file.bytes,
            output_s=None if kept is None else kept.seconds,
        )
        await self._books.add_batch(batch)
        await self._jobs.offer([Job(batch.id)])
        return batch

    async def get(self, batch_id: str, scope: Scope) -> Batch:
        """Raises NotFound, LedgerUnavailable."""
        batch = await self._books.batch(batch_id, scope)
        if batch is None:
            raise NotFound(f"there is no batch {batch_id[:128]!r}", param="batch_id")
        return batch

    async def list(self, page: Page, scope: Scope) -> Sequence[Batch]:
        """A page of the batches in the scope. Raises BadRequest, LedgerUnavailable."""
        if page.after is not None and await self._books.batch(page.after, scope) is None:
            raise gone("batch", page.after)
        return await self._books.batches(page, scope)

    async def counts(self, batches: Sequence[Batch]) -> Mapping[str, BatchCounts]:
        """How far those have come that have not ended. Raises LedgerUnavailable."""
        going_on = [each.id for each in batches if each.status in UNFINISHED]
        return await self._books.counts(going_on) if going_on else {}

    async def cancel(self, batch_id: str, scope: Scope) -> Batch:
        """Begin no more of its rows; those that are being asked end. Raises NotFound, BadRequest."""
        while True:
            batch = await self.get(batch_id, scope)
            if batch.status in {"cancelling", "cancelled"}:
                return batch
            if batch.status not in UNFINISHED:
                message = f"a batch that is {batch.status} can't be cancelled"
                raise BadRequest(message, param="batch_id")
            asked = replace(batch, status="cancelling", cancelled=self._clock.now())
            if await self._books.move(asked, batch.status):
                return asked

    async def tend(self) -> None:
        """End what is at its end, from time to time. Raises LedgerUnavailable."""
        for batch in await self._unfinished(UNFINISHED):
            await self._conclude(batch)

    async def forget(self) -> None:
        """Forget what was kept for long enough. Raises LedgerUnavailable."""
        await self._books.forget_files(self._clock.now())
        await self.files.sweep()

    async def erase(self, scope: Scope) -> None:
        """End all batches in the scope at once, and forget them and all files. Raises LedgerUnavailable."""
        now = self._clock.now()
        for batch in await self._unfinished(UNFINISHED, scope):
            await self._books.move(replace(batch, status="cancelled", ended=now), *UNFINISHED)
            await self._books.empty(batch.id)
        await self.files.forget(scope, None)
        await self._books.forget_files(now)

    async def _unfinished(
        self, statuses: Sequence[BatchStatus], scope: Scope = EVERYWHERE
    ) -> Sequence[Batch]:
        page, found = Page(_AT_ONCE, oldest_first=True), list[Batch]()
        while True:
            batches = await self._books.batches(page, scope, statuses)
            found += batches
            if len(batches) < _AT_ONCE:
                return found
            page = replace(page, after=batches[-1].id)

    async def _check_room(self, organisation: str, file: StoredFile) -> None:
        """Raises BadRequest where the organisation has enough batches."""
        page = Page(_MOST_UNFINISHED)
        unfinished = await self._books.batches(page, Scope(organisation), UNFINISHED)
        if len(unfinished) >= _MOST_UNFINISHED:
            raise BadRequest(
                f"your organisation has {_MOST_UNFINISHED} unfinished batches: "
                "wait until one ends, or cancel one",
                code="too_many_batches",
            )
        await self.files.check_room(organisation, file.bytes)

    async def _work(self, job: Job) -> None:
        batch = await self._books.batch(job.batch)
        if batch is None or batch.status not in {"validating", "in_progress"}:
            return
        if job.portion is None:
            if batch.status == "in_progress" or (batch := await self._validated(batch)):
                await self._offer(batch)
            return
        if batch.status == "validating":
            await self._put_off(job, STATUS_S)
            return
        wait = self._wait(batch)
        if wait is not None:
            await self._jobs.offer([replace(job, at=wait)])
            return
        first = job.portion * PORTION
        pause = await self._running.portion(batch, first, PORTION, job.again)
        if pause is None:
            await self._conclude(batch)
        else:
            await self._put_off(job, pause)

    async def _validated(self, batch: Batch) -> Batch | None:
        """With its rows there; None where there is something wrong with its file."""
        found = await validating.check(batch, self._books, self._most)
        now = self._clock.now()
        if not isinstance(found, int):
            failed = replace(batch, status="failed", errors=tuple(found), ended=now)
            await self._books.move(failed, "validating")
            return None
        await validating.write(batch, self._books, self._books, self._most)
        begun = replace(batch, status="in_progress", total=found, validated=now)
        if await self._books.move(begun, "validating"):
            return begun
        there = await self._books.batch(batch.id)
        if there is None or there.status not in {"validating", "in_progress", "finalizing"}:
            await self._books.empty(batch.id)  # it was cancelled meanwhile
        return None  # or somebody else looked through it, too

    async def _offer(self, batch: Batch) -> None:
        at = self._wait(batch)
        numbers = portions(batch.total, PORTION)
        await self._jobs.offer([Job(batch.id, number, at) for number in numbers])

    def _wait(self, batch: Batch) -> datetime | None:
        """Until when it has to wait for off-peak hours; None is not at all."""
        if self._off_peak is None:
            return None
        return self._off_peak.wait(self._clock.now(), batch.expires)

    async def _put_off(self, job: Job, pause_s: float) -> None:
        at = self._clock.now() + timedelta(seconds=pause_s)
        await self._jobs.offer([replace(job, at=at, again=job.again + 1)])

    async def _conclude(self, batch: Batch) -> None:
        """One step towards its end, where it is time for one."""
        now = self._clock.now()
        if batch.status == "validating":
            if now >= batch.expires:
                expired = replace(batch, status="expired", ended=now)
                await self._books.move(expired, "validating")
            elif (now - batch.created).total_seconds() >= _OVERDUE_S:
                await self._jobs.offer([Job(batch.id)])
            return
        if batch.status == "in_progress":
            if now < batch.expires and not await self._is_answered(batch):
                return
            ending = replace(batch, status="finalizing", finalizing=now)
            if not await self._books.move(ending, "in_progress"):
                return
            batch = ending
        if batch.validated is None:  # cancelled before it had rows
            await self._ended(replace(batch, status="cancelled", ended=now, total=0), batch.status)
        elif await self._is_over(batch):
            await self._end(batch, await self._books.sums(batch.id))

    async def _is_answered(self, batch: Batch) -> bool:
        counted = await self._books.counts([batch.id])
        return counted[batch.id].answered >= batch.total

    async def _is_over(self, batch: Batch) -> bool:
        """Whether nothing more comes of a batch of which no more rows are begun."""
        now, held = self._clock.now(), self._running.asking(batch.id)
        await self._books.let_go(batch.id, held, now, self._since)
        if await self._is_answered(batch):
            return True
        since = batch.cancelled or batch.finalizing or now
        is_known = (now - since).total_seconds() >= _KNOWN_S
        return is_known and not held and not (await self._books.sums(batch.id)).open

    async def _ended(self, batch: Batch, before: BatchStatus) -> None:
        """At its end; what was asked is in no file of what came of it."""
        await self._books.move(batch, before)
        await self._books.empty(batch.id)

    async def _end(self, batch: Batch, sums: BatchSums) -> None:
        status: BatchStatus = "expired" if sums.unanswered.rows else "completed"
        status = "cancelled" if batch.status == "cancelling" else status
        rows = {
            "output": sums.completed.rows,
            "errors": sums.failed.rows + sums.unanswered.rows,
        }
        now = self._clock.now()
        written = {part: self._file(batch, part, sums, status) for part in _PARTS if rows[part]}
        for each in written.values():
            await self._books.add_file(each)
        ended = replace(
            batch,
            status=status,
            ended=now,
            output_file=written["output"].id if "output" in written else None,
            error_file=written["errors"].id if "errors" in written else None,
            completed=sums.completed.rows,
            failed=sums.failed.rows,
        )
        await self._ended(ended, batch.status)

    def _file(
        self, batch: Batch, part: FilePart, sums: BatchSums, status: BatchStatus
    ) -> StoredFile:
        now, kept = self._clock.now(), self.files.retention
        if batch.output_s is not None:
            kept = min(kept, timedelta(seconds=batch.output_s))
        return StoredFile(
            id=batch.file_id(part),
            organisation=batch.organisation,
            key=batch.key,
            name=f"{batch.id}_{part}.jsonl",
            purpose="batch_output",
            bytes=lines.size(batch.id, sums, part, status),
            created=now,
            expires=now + kept,
            batch=batch.id,
            part=part,
        )
