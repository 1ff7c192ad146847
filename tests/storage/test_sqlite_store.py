"""What only the file-backed ledger can do: last, be owned, fail and recover."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from pointsman.errors import BudgetExceeded, ConfigError, LedgerUnavailable
from pointsman.storage.owner import owner
from pointsman.storage.reader import SqliteReader
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import (
    Budget,
    Decision,
    Entry,
    Feedback,
    Plan,
    Principal,
    Progress,
    Score,
    Settlement,
    Subject,
    Target,
    Usage,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
COMPLETED = Settlement(outcome="completed", deployment="qwen", usage=Usage(10, 20))


def entry(request_id: str = "r1") -> Entry:
    scored = Score(12.5, {"length": 12.5}, "heuristic", "1")
    return Entry(
        request_id=request_id,
        time=NOON,
        principal=Principal(),
        model_asked="auto",
        stream=False,
        decision=Decision("simple", Target("auto", "auto"), scored, Plan((), ()), ""),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books" / "ledger.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore.open(path)
    yield made
    await made.close()


# Opening


async def test_the_books_outlive_the_process(path: Path):
    store = SqliteStore.open(path)
    await store.reserve(entry())
    await store.settle("r1", COMPLETED)
    await store.add(Feedback("r1", NOON, rating=1.0))
    before = await store.get("r1")
    await store.close()

    store = SqliteStore.open(path)
    assert await store.get("r1") == before
    await store.close()


async def test_what_was_open_is_interrupted_at_the_next_start(path: Path):
    store = SqliteStore.open(path)
    await store.reserve(entry("open"))
    await store.reserve(entry("ended"))
    await store.settle("ended", COMPLETED)
    await store.close()

    store = SqliteStore.open(path, now=lambda: NOON)
    interrupted = await store.get("open")
    ended = await store.get("ended")
    await store.close()

    assert interrupted
    assert interrupted.settlement == Settlement(
        outcome="interrupted", error="the gateway stopped before this request ended"
    )
    assert ended == replace(entry("ended"), settlement=COMPLETED)
    with closing(sqlite3.connect(path)) as plain:
        [settled_at] = plain.execute("SELECT settled_at FROM entries WHERE request_id = 'open'")
    assert settled_at == (NOON.timestamp() * 1_000_000,)


async def test_how_far_it_had_come_is_what_an_interrupted_entry_cost(path: Path):
    progress = Progress("qwen", "simple", Usage(10, 5, estimated=True), Decimal("0.25"))
    own = Budget(Subject("key", "default", "anonymous"), "day", Decimal(1))
    store = SqliteStore.open(path)
    await store.reserve(replace(entry("marked"), reserved=Decimal("0.75")))
    await store.mark("marked", progress)
    await store.reserve(replace(entry("unmarked"), reserved=Decimal("0.125")))
    await store.close()

    store = SqliteStore.open(path)
    marked = await store.get("marked")
    [balance] = await store.balances([own], NOON)
    report = await store.report()
    await store.close()

    assert marked
    assert marked.settlement == Settlement(
        outcome="interrupted",
        error="the gateway stopped before this request ended",
        deployment="qwen",
        served_tier="simple",
        usage=progress.usage,
        cost=progress.cost,
    )
    assert (balance.spent, balance.reserved) == (Decimal("0.25"), Decimal(0))
    assert [(row.outcome, row.deployment, row.cost) for row in report] == [
        ("interrupted", None, Decimal(0)),
        ("interrupted", "qwen", Decimal("0.25")),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
async def test_only_its_user_can_read_it(path: Path, store: SqliteStore):
    await store.reserve(entry())
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes.keys() >= {"ledger.db", "ledger.db-wal", "ledger.db.lock", "ledger.db.owner"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path):
    notes = tmp_path / "notes.txt"
    notes.write_text("milk, eggs, bread\n" * 100)

    with pytest.raises(ConfigError, match="not a database"):
        SqliteStore.open(notes)
    with pytest.raises(ConfigError, match="not a database"):
        SqliteReader.open(notes)

    assert notes.read_text() == "milk, eggs, bread\n" * 100
    assert owner(notes) is None


async def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be used"):
        SqliteStore.open(tmp_path / "file" / "ledger.db")


async def test_a_ledger_of_a_newer_version_is_refused(path: Path):
    await SqliteStore.open(path).close()
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ConfigError, match="newer version of Pointsman"):
        SqliteStore.open(path)
    with pytest.raises(ConfigError, match="revision 9999"):
        SqliteReader.open(path)


# Owning


async def test_a_second_process_is_refused_and_told_who_has_it(path: Path):
    store = SqliteStore.open(path, address="http://127.0.0.1:7070")
    with pytest.raises(ConfigError, match=rf"process {os.getpid()} at http://127.0.0.1:7070"):
        SqliteStore.open(path)
    await store.reserve(entry())
    held = owner(path)
    assert held
    assert (held.pid, held.address) == (os.getpid(), "http://127.0.0.1:7070")

    await store.close()
    assert owner(path) is None
    await SqliteStore.open(path).close()


async def test_what_a_killed_process_left_behind_is_no_owner(path: Path, store: SqliteStore):
    note = path.with_name("ledger.db.owner")
    left = note.read_bytes()
    await store.close()
    note.write_bytes(left)

    assert owner(path) is None
    await SqliteStore.open(path).close()


def test_nobody_owns_what_does_not_exist(path: Path):
    assert owner(path) is None
    assert not path.parent.exists()


# Reading from outside


async def test_a_reader_of_no_ledger_finds_nothing_and_makes_nothing(path: Path):
    reader = SqliteReader.open(path)
    assert list(await reader.list(limit=10)) == []
    assert list(await reader.report()) == []
    assert await reader.get("r1") is None
    await reader.close()
    assert not path.parent.exists()


async def test_a_reader_sees_what_the_gateway_writes(path: Path, store: SqliteStore):
    reader = SqliteReader.open(path)
    await store.reserve(entry())
    assert await reader.get("r1") == entry()
    await store.settle("r1", COMPLETED)
    assert [row.outcome for row in await reader.report()] == ["completed"]
    await reader.close()


# Failing


async def test_what_can_not_be_stored_fails_alone(store: SqliteStore):
    impossible = replace(COMPLETED, usage=Usage(input_tokens=2**63))
    names = [f"r{number}" for number in range(5)]
    await asyncio.gather(*(store.reserve(entry(name)) for name in names))
    ends = await asyncio.gather(
        *(store.settle(name, impossible if name == "r2" else COMPLETED) for name in names),
        store.add(Feedback("r1", NOON, comment="\ud800")),
        return_exceptions=True,
    )

    assert [type(end) for end in ends if end] == [LedgerUnavailable, LedgerUnavailable]
    found = await store.list(limit=10)
    assert {e.request_id for e in found if e.outcome == "completed"} == {"r0", "r1", "r3", "r4"}
    await store.settle("r2", COMPLETED)


async def test_what_is_refused_or_impossible_is_undone_alone(store: SqliteStore):
    """In one batch, so in one transaction."""
    own = Budget(Subject("key", "default", "anonymous"), "day", Decimal("0.25"))
    impossible = replace(entry("impossible"), model_asked="\ud800", reserved=Decimal("0.0625"))
    ends = await asyncio.gather(
        store.reserve(replace(entry("r1"), reserved=Decimal("0.125")), [own]),
        store.reserve(replace(entry("r2"), reserved=Decimal("0.5")), [own]),
        store.reserve(impossible, [own]),
        store.reserve(replace(entry("r3"), reserved=Decimal("0.125")), [own]),
        return_exceptions=True,
    )

    assert [type(end) for end in ends] == [list, BudgetExceeded, LedgerUnavailable, list]
    assert {e.request_id for e in await store.list(limit=9)} == {"r1", "r3"}
    [balance] = await store.balances([own], NOON)
    assert balance.reserved == Decimal("0.25")


async def test_more_than_may_wait_is_refused_at_once(path: Path):
    store = SqliteStore.open(path, capacity=4)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the writer has to wait
        calls = [asyncio.create_task(store.reserve(entry(f"r{number}"))) for number in range(20)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
        other.execute("ROLLBACK")
    ends = await asyncio.gather(*calls, return_exceptions=True)

    written = {f"r{n}" for n, end in enumerate(ends) if not isinstance(end, BaseException)}
    assert 4 <= len(written) < 20
    assert all(isinstance(end, LedgerUnavailable) for end in ends if end)
    assert {e.request_id for e in await store.list(limit=100)} == written
    await store.close()


async def test_closing_writes_what_waits(path: Path):
    store = SqliteStore.open(path)
    calls = [asyncio.create_task(store.reserve(entry(f"r{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*calls)

    reader = SqliteReader.open(path)
    assert len(await reader.list(limit=100)) == 50
    await reader.close()


async def test_after_closing_nothing_is_accepted(store: SqliteStore):
    await store.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        await store.reserve(entry())


@pytest.mark.full
async def test_a_file_that_somebody_else_locks_for_long_is_unavailable_until_they_stop(
    path: Path, store: SqliteStore
):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable):
            await store.reserve(entry())
        assert await store.get("r1") is None
        other.execute("ROLLBACK")
    await store.reserve(entry())
    assert await store.get("r1") == entry()


async def test_a_file_damaged_under_way_is_unavailable_to_readers(path: Path, store: SqliteStore):
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("DROP TABLE feedback")
    with pytest.raises(LedgerUnavailable, match="can't be read"):
        await store.list(limit=1)
