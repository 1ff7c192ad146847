"""How batches end where something came in between: a crash, a cancellation, a gateway that is gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace
from tests.support import entries

from pointsman.assembly.scheduling import batch_books
from pointsman.batching.filing import Filing, Upload
from pointsman.batching.running import Running
from pointsman.batching.service import Batching
from pointsman.batching.validating import Bounds
from pointsman.batching.wire import NewBatch
from pointsman.clock import ManualClock
from pointsman.errors import Forbidden
from pointsman.formats import registry
from pointsman.ports import BatchBooks
from pointsman.storage.jobs_local import LocalJobs
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import EVERYWHERE, Batch, Call, Principal, Reply, row_request_id

ANN = Principal(key="a", organisation="acme")
DAY_S = 24 * 3600


class Desk:
    """A gateway's batches on books of its own, and an upstream that answers when it is told to."""

    def __init__(self, store: SqliteStore, clock: ManualClock, at_once: int) -> None:
        self.store, self.clock = store, clock
        self.books: BatchBooks = batch_books(store)
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        running = Running(
            self.books,
            ask=self._ask,
            principal=self._who,
            clients=registry.CLIENTS,
            clock=clock,
            concurrency=at_once,
            off_peak=None,
        )
        files = Filing(
            self.books,
            clock,
            retention=timedelta(days=30),
            max_bytes=1_000_000,
            max_stored_bytes=10_000_000,
        )
        self.batching = Batching(
            self.books,
            LocalJobs(clock, at_once=at_once, grace_s=0),
            running,
            filing=files,
            clock=clock,
            longest_window=timedelta(days=7),
            most=Bounds(1000, 100_000),
        )

    async def begin(self, rows: int) -> Batch:
        content = b"".join(
            json.dumps(
                {
                    "custom_id": f"r{number}",
                    "method": "POST",
                    "url": "/v1/embeddings",
                    "body": {"model": "m", "input": "x"},
                }
            ).encode()
            + b"\n"
            for number in range(rows)
        )
        file = await self.batching.files.add(Upload("in", "batch", content), ANN)
        return await self.batching.create(
            NewBatch(file.id, "/v1/embeddings", "24h"), ANN, EVERYWHERE
        )

    async def batch(self, batch: Batch) -> Batch:
        return await self.batching.get(batch.id, EVERYWHERE)

    async def until(self, batch: Batch, status: str) -> Batch:
        async with asyncio.timeout(20):
            while (there := await self.batch(batch)).status != status:
                await self.batching.tend()
                await asyncio.sleep(0.01)
        return there

    async def _ask(self, call: Call) -> Reply:
        """As a judge, or an embedder, that takes its time before there is an entry."""
        self.asked.set()
        await self.may_answer.wait()
        raise Forbidden(call.request_id)

    async def _who(self, _: str) -> Principal:
        return ANN


@asynccontextmanager
async def desk(folder: Path, clock: ManualClock, at_once: int = 1) -> AsyncIterator[Desk]:
    store = SqliteStore.open(folder / "books.db")
    here = Desk(store, clock, at_once)
    await here.batching.start()
    try:
        yield here
    finally:
        here.may_answer.set()
        await here.batching.close()
        await store.close()


def at_noon() -> ManualClock:
    return ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC))


async def begun_and_killed(folder: Path, clock: ManualClock) -> Batch:
    """A gateway opened the entry of the first of two rows, and is gone."""
    async with desk(folder, clock) as here:
        batch = await here.begin(2)
        await here.asked.wait()
        asked = row_request_id(batch.id, 0)
        await here.store.reserve(replace(entries.entry(asked), settlement=None))
        await here.batching.close()  # which waits for nobody here
        return batch


async def test_a_row_left_open_does_not_keep_an_expired_batch_from_its_end(tmp_path: Path):
    clock = at_noon()
    batch = await begun_and_killed(tmp_path, clock)
    clock.advance(DAY_S)

    async with desk(tmp_path, clock) as here:
        await here.batching.tend()
        clock.advance(10)
        await here.batching.tend()
        ended = await here.batch(batch)
        left = await here.store.get(row_request_id(batch.id, 0))
    assert (ended.status, ended.completed, ended.failed) == ("expired", 0, 0)
    assert ended.error_file is not None
    assert left is not None
    assert left.outcome == "interrupted", "its budget is held no longer"


async def test_nor_one_that_is_cancelled_before_it_is_asked_again(tmp_path: Path):
    clock = at_noon()
    batch = await begun_and_killed(tmp_path, clock)

    async with desk(tmp_path, clock, at_once=0) as here:
        await here.batching.cancel(batch.id, EVERYWHERE)
        clock.advance(10)
        await here.batching.tend()
        assert (await here.batch(batch)).status == "cancelled"


async def test_a_row_is_waited_for_before_it_has_an_entry(tmp_path: Path):
    """Its answer is in a file, though nobody had heard of it when the batch was cancelled."""
    clock = at_noon()
    async with desk(tmp_path, clock) as here:
        batch = await here.begin(2)
        await here.asked.wait()
        await here.batching.cancel(batch.id, EVERYWHERE)
        clock.advance(10)
        await here.batching.tend()
        assert (await here.batch(batch)).status == "cancelling"

        here.may_answer.set()
        ended = await here.until(batch, "cancelled")
        assert (ended.total, ended.completed, ended.failed) == (2, 0, 1)
        file = await here.batching.files.get(str(ended.error_file), EVERYWHERE)
        content = b"".join([piece async for piece in here.batching.files.content(file)])
    assert len(content) == file.bytes
    said = [json.loads(line) for line in content.splitlines()]
    assert said[0]["response"]["status_code"] == 403
    assert said[1]["error"]["code"] == "batch_cancelled"


async def test_one_that_is_cancelled_before_it_has_rows_has_no_files(tmp_path: Path):
    clock = at_noon()
    async with desk(tmp_path, clock, at_once=0) as here:
        batch = await here.begin(2)
        await here.books.add_rows(batch.id, [])
        await here.batching.cancel(batch.id, EVERYWHERE)
        await here.batching.tend()
        ended = await here.batch(batch)
    assert (ended.status, ended.total) == ("cancelled", 0)
    assert (ended.output_file, ended.error_file) == (None, None)
