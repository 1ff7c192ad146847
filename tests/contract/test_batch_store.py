"""What keeps files and batches does the same in memory, in SQLite and in PostgreSQL."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.contract.adapters import those
from tests.support import entries
from tests.support.books import LEDGERS, LedgerAdapter, Store

from pointsman.assembly.scheduling import batch_books
from pointsman.ports import BatchBooks, Page
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import (
    MOST_TRIES,
    AnsweredRow,
    Batch,
    BatchCounts,
    BatchError,
    BatchRow,
    RowAnswer,
    RowSums,
    Scope,
    Settlement,
    StoredFile,
    row_request_id,
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
OURS, OTHERS = Scope("acme"), Scope("other")
FIRST = Page(10)
MUCH = 1_000_000


@pytest.fixture
def store(books: Store) -> BatchBooks:
    return batch_books(books)


def batch_id(number: int = 1) -> str:
    return f"batch_{number:032x}"


def a_batch(number: int = 1, **more: object) -> Batch:
    plain = Batch(
        id=batch_id(number),
        organisation="acme",
        key="k1",
        endpoint="/v1/embeddings",
        input_file="file_in",
        window="24h",
        created=NOW + timedelta(minutes=number),
        expires=NOW + timedelta(days=1),
    )
    return replace(plain, **more)


def a_file(number: int = 1, **more: object) -> StoredFile:
    created = NOW + timedelta(minutes=number)
    plain = StoredFile(f"file_{number}", "acme", "k1", "in.jsonl", "batch", 5, created)
    return replace(plain, **more)


def rows(count: int) -> list[BatchRow]:
    return [BatchRow(number, b'"row %d"' % number, b'{"n":%d}' % number) for number in range(count)]


async def going_on(store: BatchBooks, count: int) -> Batch:
    batch = a_batch(status="in_progress", total=count, validated=NOW)
    await store.add_batch(batch)
    await store.add_rows(batch.id, rows(count))
    return batch


async def settled(books: Store, number: int, status: int, body: bytes, tries: int = 0) -> None:
    """A row is asked, and its answer is written with its entry."""
    request_id = row_request_id(batch_id(), number, tries)
    await books.reserve(replace(entries.entry(request_id), settlement=None))
    answer = RowAnswer(batch_id(), number, status, body)
    await books.settle(request_id, Settlement("completed", cost=Decimal(1), answer=answer))


async def test_a_file_is_found_by_whose_it_is(store: BatchBooks):
    await store.add_file(a_file(expires=NOW, batch=batch_id(), part="errors"))

    assert await store.file("file_1", OURS) == a_file(expires=NOW, batch=batch_id(), part="errors")
    assert await store.file("file_1", Scope("acme", "k1")) is not None
    assert await store.file("file_1", Scope("acme", "k2")) is None
    assert await store.file("file_1", OTHERS) is None
    assert not await store.remove_file("file_1", OTHERS)
    assert await store.remove_file("file_1", OURS)
    assert await store.file("file_1") is None


async def test_pages_of_files(store: BatchBooks):
    for number in range(1, 6):
        await store.add_file(a_file(number))
    await store.add_file(a_file(9, purpose="batch_output"))
    await store.add_file(a_file(10, organisation="other"))

    async def ids(page: Page, purpose: str | None = None) -> list[str]:
        return [each.id for each in await store.files(page, OURS, purpose)]

    assert await ids(Page(3)) == ["file_9", "file_5", "file_4"]
    assert await ids(Page(9, after="file_4")) == ["file_3", "file_2", "file_1"]
    assert await ids(Page(2, after="file_2", oldest_first=True)) == ["file_3", "file_4"]
    assert await ids(FIRST, "batch_output") == ["file_9"]
    assert await ids(Page(3, after="file_10")) == []


async def test_a_file_goes_with_its_pieces(store: BatchBooks):
    for number, content in enumerate((b"one", b"\x00two")):
        await store.put_piece("file_1", number, content)
    await store.add_file(a_file())

    assert [await store.piece("file_1", number) for number in range(3)] == [
        b"one",
        b"\x00two",
        None,
    ]
    await store.remove_file("file_1")
    assert await store.piece("file_1", 0) is None


async def test_pieces_of_a_file_that_never_came(store: BatchBooks):
    """They are known by that, and go; so does the file, should it have come meanwhile."""
    for file_id in ("file_1", "file_2"):
        await store.put_piece(file_id, 0, b"one")
        await store.put_piece(file_id, 1, b"two")
    await store.add_file(a_file())

    assert set(await store.lost_pieces()) == {"file_2"}
    await store.remove_pieces("file_2")
    assert await store.piece("file_2", 1) is None
    assert await store.piece("file_1", 1) == b"two"
    await store.remove_pieces("file_1")
    assert (await store.file("file_1"), await store.piece("file_1", 0)) == (None, None)


async def test_what_an_organisation_keeps_is_counted(store: BatchBooks):
    """Its files, and what batches have read that are not at their end."""
    assert await store.stored_bytes("acme") == 0
    await store.add_file(a_file(1, bytes=5))
    await store.add_file(a_file(2, bytes=70))
    await store.add_file(a_file(3, bytes=11, organisation="other"))
    for number in range(2):
        await store.add_batch(a_batch(number, input_bytes=300))
    await store.add_batch(a_batch(2, input_bytes=300, status="completed"))
    await store.add_batch(a_batch(3, input_bytes=13, organisation="other"))

    assert await store.stored_bytes("acme") == 5 + 70 + 2 * 300
    assert await store.stored_bytes("other") == 11 + 13


async def test_a_batch_comes_back_as_it_was(store: BatchBooks):
    whole = a_batch(
        status="failed",
        metadata={"a": "b"},
        errors=(BatchError("bad", "a line", 3, "body"), BatchError("worse", "all")),
        validated=NOW,
        finalizing=NOW,
        ended=NOW,
        cancelled=NOW,
        output_file="o",
        error_file="e",
        total=5,
        completed=3,
        failed=2,
        input_bytes=70,
        output_s=3600,
    )
    await store.add_batch(whole)
    await store.add_batch(a_batch(2))

    assert await store.batch(whole.id, OURS) == whole
    assert await store.batch(batch_id(2)) == a_batch(2)
    assert await store.batch(whole.id, OTHERS) is None
    assert await store.batches(FIRST, OURS) == [a_batch(2), whole]
    assert await store.batches(FIRST, OTHERS) == []
    assert await store.batches(FIRST, statuses=("failed", "expired")) == [whole]


async def test_a_batch_moves_from_where_it_is_only(store: BatchBooks):
    await store.add_batch(a_batch())
    stolen = a_batch(status="in_progress", total=3, organisation="other", key="k9")

    assert not await store.move(stolen, "in_progress", "cancelling")
    assert await store.batch(batch_id()) == a_batch()
    assert await store.move(stolen, "validating", "cancelling")
    assert await store.batch(batch_id(), OURS) == a_batch(status="in_progress", total=3)


async def test_a_row_is_answered_with_its_entry(store: BatchBooks, books: Store):
    await going_on(store, 4)
    assert await store.unanswered(batch_id(), 1, 2) == rows(4)[1:3]

    await settled(books, 1, 200, b'{"a":1}')
    await settled(books, 2, 400, b'{"e":1}')

    assert await store.unanswered(batch_id(), 0, 10) == [rows(4)[0], rows(4)[3]]
    assert await store.counts([batch_id(), batch_id(7)]) == {
        batch_id(): BatchCounts(completed=1, failed=1),
        batch_id(7): BatchCounts(),
    }
    sums = await store.sums(batch_id())
    assert sums.completed == RowSums(1, len('"row 1"'), len('{"a":1}'))
    assert sums.failed == RowSums(1, len('"row 2"'), len('{"e":1}'))
    assert sums.unanswered == RowSums(2, 2 * len('"row 0"'), 0)
    request_id = row_request_id(batch_id(), 1)
    assert await store.lines(batch_id(), "output", 0, MUCH) == [
        AnsweredRow(1, b'"row 1"', request_id, 200, b'{"a":1}')
    ]
    failed = await store.lines(batch_id(), "errors", 1, MUCH)
    assert [(each.number, each.status) for each in failed] == [(2, 400), (3, None)]


async def test_no_more_is_read_at_once_than_is_wanted(store: BatchBooks, books: Store):
    """But for an answer that is longer by itself."""
    await going_on(store, 5)
    for number, length in enumerate((3, 4, 90, 5, 5)):
        await settled(books, number, 200, b"a" * length)

    reads, first = [], 0
    while found := await store.lines(batch_id(), "output", first, 10):
        reads.append([each.number for each in found])
        first = found[-1].number + 1
    assert reads == [[0, 1], [2], [3, 4]]


async def test_what_was_asked_is_forgotten(store: BatchBooks, books: Store):
    """However many rows there are; also where that was missed when the batch ended."""
    batch = await going_on(store, 120)
    await store.empty(batch.id)
    assert {row.body for row in await store.unanswered(batch.id, 0, 200)} == {b""}

    await store.add_rows(batch.id, [BatchRow(120, b'"late"', b"{}")])
    await store.add_batch(a_batch(2, status="cancelled", input_file="file_1"))
    await store.add_rows(batch_id(2), rows(3))  # fewer than the other has
    await store.add_file(a_file(1))
    await store.forget_files(NOW)
    assert {row.body for row in await store.unanswered(batch_id(2), 0, 9)} == {b""}
    assert (await store.unanswered(batch.id, 120, 1))[0].body == b"{}", "it has not ended"
    await store.move(replace(batch, status="cancelled", input_file="file_1"), "in_progress")
    await store.forget_files(NOW)
    assert (await store.unanswered(batch.id, 120, 1))[0].body == b""


async def test_the_first_answer_stays(store: BatchBooks, books: Store):
    """Settling again changes neither the entry nor what was said."""
    await going_on(store, 1)
    await settled(books, 0, 200, b'"first"')
    await settled(books, 0, 200, b'"second"')
    await store.answer("r", RowAnswer(batch_id(), 0, 500, b'"third"'))

    [line] = await store.lines(batch_id(), "output", 0, MUCH)
    assert line.body == b'"first"'
    assert [row.requests for row in await books.report(by=())] == [1]


async def test_an_answer_without_an_entry(store: BatchBooks, books: Store):
    await going_on(store, 1)
    await store.answer("r", RowAnswer(batch_id(), 0, 402, b"{}"))

    assert await store.unanswered(batch_id(), 0, 9) == []
    [line] = await store.lines(batch_id(), "errors", 0, MUCH)
    assert (line.request_id, line.status) == ("r", 402)


async def test_what_was_tried_is_counted_and_what_is_open_is_not(store: BatchBooks, books: Store):
    await going_on(store, 2)
    for tries in range(2):
        request_id = row_request_id(batch_id(), 0, tries)
        await books.reserve(replace(entries.entry(request_id), settlement=None))
        if not tries:
            await books.settle(request_id, Settlement("failed"))

    found = await store.unanswered(batch_id(), 0, 9)
    assert [row.tries for row in found] == [1, 0]
    assert (await store.sums(batch_id())).open == 1

    for tries in range(MOST_TRIES):
        request_id = row_request_id(batch_id(), 1, tries)
        await books.reserve(replace(entries.entry(request_id), settlement=None))
        await books.settle(request_id, Settlement("failed"))
    assert [row.tries for row in await store.unanswered(batch_id(), 1, 1)] == [MOST_TRIES]


async def test_what_is_old_is_forgotten(store: BatchBooks, books: Store):
    """Files when they expire; a batch that has ended when none of its files is left."""
    batch = await going_on(store, 1)
    await settled(books, 0, 200, b"{}")
    output = a_file(2, batch=batch.id, part="output", expires=NOW + timedelta(days=2))
    await store.put_piece("file_1", 0, b"one")
    await store.add_file(a_file(1, expires=NOW + timedelta(days=1)))
    await store.add_file(output)
    ended = replace(batch, status="completed", output_file=output.id, input_file="file_1")
    assert await store.move(ended, "in_progress")

    assert await store.forget_files(NOW) == 0
    assert await store.forget_files(NOW + timedelta(days=1)) == 1
    assert await store.piece("file_1", 0) is None
    assert await store.batch(batch.id) == ended
    assert await store.forget_files(NOW + timedelta(days=2)) == 1
    assert await store.batch(batch.id) is None
    assert await store.lines(batch.id, "output", 0, MUCH) == []

    await store.add_rows(batch.id, rows(1))  # by a gateway that was at it
    await store.answer("late", RowAnswer(batch.id, 0, 200, b"{}"))
    assert await store.lines(batch.id, "output", 0, MUCH) != []
    await store.forget_files(NOW)
    assert await store.lines(batch.id, "output", 0, MUCH) == []
    await store.add_rows(batch.id, rows(1))
    assert len(await store.unanswered(batch.id, 0, 9)) == 1


async def test_with_an_output_file_go_its_answers(store: BatchBooks, books: Store):
    batch = await going_on(store, 2)
    await settled(books, 0, 200, b"{}")
    await settled(books, 1, 400, b"{}")
    await store.add_file(a_file(2, batch=batch.id, part="output"))

    assert await store.remove_file("file_2")
    assert {each.body for each in await store.lines(batch.id, "output", 0, MUCH)} == {b""}
    assert [each.status for each in await store.lines(batch.id, "errors", 0, MUCH)] == [400]
    assert await store.unanswered(batch.id, 0, 9) == [], "it was answered all the same"


@pytest.mark.parametrize("adapter", those([each for each in LEDGERS if each.lasting]))
async def test_what_a_dead_gateway_had_open_is_gone_on_with(adapter: LedgerAdapter, tmp_path: Path):
    """As long as its batch goes on; when that is over, it is closed as any other."""
    asked = row_request_id(batch_id(), 0)
    async with adapter.open(tmp_path) as books:
        store = batch_books(books)
        batch = await going_on(store, 1)
        for request_id in (asked, "another"):
            await books.reserve(entries.entry(request_id, outcome="open"))

    async with adapter.open(tmp_path) as books:
        store = batch_books(books)
        another, entry = await books.get("another"), await books.get(asked)
        assert (another.outcome, entry.outcome) == ("interrupted", "open")
        assert [row.tries for row in await store.unanswered(batch.id, 0, 9)] == [0]
        await store.move(replace(batch, status="cancelling"), "in_progress")

    async with adapter.open(tmp_path) as books:
        assert (await books.get(asked)).outcome == "interrupted"


@pytest.mark.parametrize("adapter", those([each for each in LEDGERS if each.lasting]))
async def test_what_a_dead_gateway_had_open_is_let_go(adapter: LedgerAdapter, tmp_path: Path):
    """By the one that took it over, where its batch ends before the row is asked again."""
    left, held = (row_request_id(batch_id(), number) for number in range(2))
    async with adapter.open(tmp_path) as books:
        batch = await going_on(batch_books(books), 2)
        await books.reserve(entries.entry(left, outcome="open"))

    async with adapter.open(tmp_path) as books:
        store = batch_books(books)
        await store.unanswered(batch.id, 0, 9)
        await books.reserve(entries.entry(held, outcome="open"))
        await store.move(replace(batch, status="cancelling"), "in_progress")
        await store.let_go(batch.id, [held], NOW, NOW + timedelta(days=9))
        if isinstance(books, PostgresStore):
            await books.sweep(NOW)
        outcomes = [(await books.get(each)).outcome for each in (left, held)]
        assert outcomes == ["interrupted", "open"]
        assert (await store.sums(batch.id)).open == 1
