"""What waits on this machine for a server that is away."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.entries import NOON, entry

from pointsman.errors import LedgerUnavailable
from pointsman.storage.journal import Journal
from pointsman.storage.ledger_postgres_writes import Reserve, Settle
from pointsman.storage.rows import entry_row, settlement_row
from pointsman.types import RowAnswer, Settlement, Usage

MEGABYTE = 1_000_000
DONE = Settlement(outcome="completed", usage=Usage(3, 4, searches=1), reason='«"\\\0\x10»')


def reserve(request_id: str, **more: str) -> Reserve:
    row = entry_row(entry(request_id, outcome="open", **more), settled_at=NOON, gateway="g")
    return Reserve(row, part={"request_id": request_id, "experiment": "exp_1"})


def settle(request_id: str) -> Settle:
    return Settle(request_id, settlement_row(DONE, settled_at=NOON))


def opened(folder: Path, *, max_bytes: int = MEGABYTE):
    return closing(Journal.open(folder, max_bytes=max_bytes))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.db")}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with opened(tmp_path) as made:
        yield made


async def test_what_it_gives_is_what_it_got_in_its_order(journal: Journal):
    answer = RowAnswer("batch_1", 7, 200, b"\0{}")
    writes = [
        reserve("r1", model_asked="naïve\0"),
        reserve("r2"),
        settle("r1"),
        replace(settle("r2"), answer=answer),
    ]
    for each in writes:
        await journal.keep(each)

    assert [each.read() for each in await journal.first(10)] == writes
    assert [each.read() for each in await journal.first(2)] == writes[:2]
    assert (len(journal), "r1" in journal, "r3" in journal) == (2, True, False)


async def test_what_it_gives_is_bounded_and_one_at_least(journal: Journal):
    for each in ("r1", "r2", "r3"):
        await journal.keep(reserve(each))
    size = journal.size // 3

    for max_bytes, count in ((1, 1), (size, 1), (size + 1, 2), (9 * size, 3)):
        assert len(await journal.first(10, max_bytes)) == count


async def test_what_is_in_the_books_waits_no_more(journal: Journal):
    for each in (reserve("r1"), reserve("r2"), settle("r1")):
        await journal.keep(each)

    await journal.forget(await journal.first(2))
    assert [each.read() for each in await journal.first(10)] == [settle("r1")]
    assert ("r1" in journal, "r2" in journal) == (True, False)

    await journal.forget(await journal.first(1))
    assert (len(journal), journal.size, await journal.first(1)) == (0, 0, [])


async def test_it_outlives_its_gateway(tmp_path: Path):
    with opened(tmp_path) as journal:
        await journal.keep(reserve("r1"))
        size = journal.size
    with opened(tmp_path) as journal:
        assert [each.read() for each in await journal.first(10)] == [reserve("r1")]
        assert (journal.size, len(journal)) == (size, 1)


async def test_a_full_one_takes_only_what_ends_a_request(tmp_path: Path):
    with opened(tmp_path, max_bytes=1) as journal:
        await journal.keep(reserve("r1"))
        with pytest.raises(LedgerUnavailable, match="full") as caught:
            await journal.keep(reserve("r2"))
        assert caught.value.retry_after == 5
        await journal.keep(settle("r1"))
        assert len(await journal.first(10)) == 2


async def test_what_can_not_be_kept_is_said_to_be_lost(journal: Journal):
    with pytest.raises(LedgerUnavailable):
        await journal.keep(reserve("r1", model_asked="\ud800"))
    assert (len(journal), journal.size) == (0, 0)


async def test_what_the_books_refuse_stays_for_people_and_waits_no_more(tmp_path: Path):
    with opened(tmp_path) as journal:
        await journal.keep(reserve("r1"))
        await journal.forget(await journal.first(1), refused=True)
        assert (len(journal), await journal.first(1)) == (0, [])
    with opened(tmp_path) as journal:
        assert (len(journal), journal.size) == (0, 0)
    assert b"r1" in (tmp_path / "journal.db").read_bytes()


async def test_whoever_is_cancelled_has_promised_it_all_the_same(journal: Journal):
    keeping = asyncio.ensure_future(journal.keep(reserve("r1")))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])

    assert "r1" in journal
    assert [each.read() for each in await journal.first(10)] == [reserve("r1")]


async def test_what_an_older_version_wrote_can_be_read(tmp_path: Path):
    with opened(tmp_path) as journal:
        await journal.keep(settle("r1"))
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db, db:
        db.execute("UPDATE writes SET body = CAST(replace(body, '\"ttft_ms\":null,', '') AS BLOB)")
    with opened(tmp_path) as journal:
        [noted] = await journal.first(1)
        assert b"ttft_ms" not in noted.body
        assert noted.read() == settle("r1")


async def test_each_gateway_has_one_and_takes_over_what_others_left(tmp_path: Path):
    with opened(tmp_path) as one:
        await one.keep(reserve("r1"))
        with opened(tmp_path) as two:
            await two.keep(reserve("r2"))
            assert [each.read() for each in await two.first(10)] == [reserve("r2")]
        with opened(tmp_path) as three:
            assert [each.read() for each in await three.first(10)] == [reserve("r2")]
    assert files(tmp_path) == {"journal.db", "journal-1.db"}

    with opened(tmp_path) as four:
        assert [each.read() for each in await four.first(10)] == [reserve("r1"), reserve("r2")]
    assert files(tmp_path) == {"journal.db"}
