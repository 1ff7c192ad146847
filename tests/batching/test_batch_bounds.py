"""What one organisation may have of batches and files, and what is left of uploads that broke off."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.batching.filing import Filing, Upload
from pointsman.batching.running import Running
from pointsman.batching.service import Batching
from pointsman.batching.validating import Bounds
from pointsman.batching.wire import NewBatch
from pointsman.clock import ManualClock
from pointsman.errors import BadRequest
from pointsman.formats import registry
from pointsman.ports import Page
from pointsman.storage.batches_memory import MemoryBatches
from pointsman.storage.jobs_local import LocalJobs
from pointsman.types import EVERYWHERE, Batch, BatchRow, Call, Principal, Reply, Scope

ACME, GLOBEX = Principal(key="a", organisation="acme"), Principal(key="g", organisation="globex")
MIB = 1024 * 1024


class Halting(MemoryBatches):
    """Takes one piece of a file, and the next ones never."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.halts = asyncio.Event()

    async def put_piece(self, file_id: str, number: int, content: bytes) -> None:
        await super().put_piece(file_id, number, content)
        self.halts.set()
        await asyncio.Event().wait()


@dataclass
class House:
    """Batches that nobody works on."""

    books: MemoryBatches
    clock: ManualClock
    batching: Batching

    async def upload(self, content: bytes, by: Principal = ACME) -> str:
        return (await self.batching.files.add(Upload("in", "batch", content), by)).id

    async def begin(self, file_id: str, by: Principal = ACME) -> Batch:
        wish = NewBatch(file_id, "/v1/embeddings", "24h")
        return await self.batching.create(wish, by, Scope(by.organisation))

    async def status(self, batch: Batch) -> str:
        return (await self.batching.get(batch.id, EVERYWHERE)).status


async def nobody(call: Call) -> Reply:
    raise AssertionError(call)


async def acme(_key: str) -> Principal:
    return ACME


def furnished(books: MemoryBatches) -> House:
    clock = ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC))
    running = Running(
        books,
        ask=nobody,
        principal=acme,
        clients=registry.CLIENTS,
        clock=clock,
        concurrency=1,
        off_peak=None,
    )
    filing = Filing(
        books, clock, retention=timedelta(days=30), max_bytes=4 * MIB, max_stored_bytes=5 * MIB
    )
    batching = Batching(
        books,
        LocalJobs(clock, at_once=0, grace_s=0),
        running,
        filing=filing,
        clock=clock,
        longest_window=timedelta(days=2),
        most=Bounds(rows=100, line_bytes=MIB),
    )
    return House(books, clock, batching)


@pytest.fixture
def house() -> House:
    return furnished(MemoryBatches(lambda _: None))


async def test_an_organisation_has_so_many_unfinished_batches(house: House):
    """One more is refused, and goes when another has ended; others are not held up."""
    file = await house.upload(b"{}")
    begun = [await house.begin(file) for _ in range(100)]

    with pytest.raises(BadRequest, match="100 unfinished"):
        await house.begin(file)
    await house.begin(await house.upload(b"{}", GLOBEX), GLOBEX)
    await house.batching.cancel(begun[0].id, EVERYWHERE)
    house.clock.advance(10)
    await house.batching.tend()
    await house.begin(file)


async def test_all_of_many_batches_are_tended(house: House):
    """However many are older."""
    batches = [await house.begin(await house.upload(b"{}", each), each) for each in many(1200)]
    assert await house.status(batches[-1]) == "validating"

    house.clock.advance(24 * 3600)
    await house.batching.tend()

    assert {await house.status(each) for each in batches} == {"expired"}


def many(count: int) -> Sequence[Principal]:
    return [Principal(key="k", organisation=f"org-{number}") for number in range(count)]


async def test_an_organisation_keeps_so_many_bytes(house: House):
    """Of files, and of what unfinished batches have read, even where their file is gone."""
    file = await house.upload(bytes(2 * MIB))
    batch = await house.begin(file)
    with pytest.raises(BadRequest, match="max_stored_bytes"):
        await house.begin(file)
    with pytest.raises(BadRequest, match="max_stored_bytes"):
        await house.upload(bytes(2 * MIB))
    await house.upload(bytes(2 * MIB), GLOBEX)

    await house.batching.files.remove(file, EVERYWHERE)
    await house.upload(bytes(2 * MIB))
    with pytest.raises(BadRequest):
        await house.upload(bytes(2 * MIB))
    await house.batching.cancel(batch.id, EVERYWHERE)
    house.clock.advance(10)
    await house.batching.tend()
    await house.upload(bytes(2 * MIB))


async def test_nothing_is_left_of_an_upload_whose_client_left():
    books = Halting()
    upload = asyncio.create_task(furnished(books).upload(b"{}"))
    await books.halts.wait()
    assert await books.lost_pieces()

    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload

    assert not await books.lost_pieces()


async def test_nor_of_one_that_a_killed_gateway_had_begun(house: House):
    """What has no file at two looks will never have one."""
    for file_id in ("file_killed", "file_slow"):
        await house.books.put_piece(file_id, 0, b"{}")
    file = await house.upload(b"{}")
    await house.batching.forget()
    assert set(await house.books.lost_pieces()) == {"file_killed", "file_slow"}

    await house.books.put_piece("file_new", 0, b"{}")
    await house.batching.forget()

    assert set(await house.books.lost_pieces()) == {"file_new"}
    assert await house.books.piece(file, 0) == b"{}"


async def test_nothing_is_left_of_an_organisation_that_is_gone(house: House):
    """No file and no batch, ended or not; others keep theirs."""
    going_on = await house.begin(await house.upload(b"{}"))
    await house.books.add_rows(going_on.id, [BatchRow(0, b'"a"', b"{}")])
    theirs = await house.begin(await house.upload(b"{}", GLOBEX), GLOBEX)

    await house.batching.erase(Scope("acme"))

    assert await house.batching.list(Page(10), EVERYWHERE) == [theirs]
    files = await house.batching.files.list(Page(10), EVERYWHERE, None)
    assert [each.organisation for each in files] == ["globex"]
    assert (await house.books.unanswered(going_on.id, 0, 9)) == []
