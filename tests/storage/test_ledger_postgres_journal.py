"""The books in PostgreSQL while the server is away: what is promised waits in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support import servers
from tests.support.entries import NOON, entry
from tests.support.postgres_books import (
    CENT,
    DONE,
    Line,
    ask,
    budget,
    database,
    differences,
    open_entry,
    opened,
)
from tests.support.servers import PostgresServer

from pointsman.errors import LedgerUnavailable
from pointsman.storage.journal import Journal
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Filter

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """One that may be killed; each test leaves it running."""
    server = PostgresServer(options=("-c", "fsync=off"))  # it dies, the machine does not
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def url(own_server: PostgresServer, tmp_path: Path) -> str:
    return await database(own_server, tmp_path)


@asynccontextmanager
async def journaling(
    url: str, folder: Path, *, max_bytes: int = 50_000_000, **more: object
) -> AsyncIterator[PostgresStore]:
    """A gateway's books with a journal; impatient, but for the server to let it in."""
    store: PostgresStore | None = None
    while store is None:
        journal = Journal.open(folder, max_bytes=max_bytes)
        with suppress(LedgerUnavailable):  # it closes the journal
            store = await PostgresStore.open(url, timeout_s=0.3, journal=journal, **more)
    try:
        yield store
    finally:
        await store.close()


async def in_the_books(url: str) -> dict[str, str]:
    rows = await ask(url, "SELECT request_id, outcome FROM entries")
    return {row["request_id"]: row["outcome"] for row in rows}


async def until_refused(store: PostgresStore) -> tuple[LedgerUnavailable, int]:
    """Open entries r0, r1 ... until one is refused; why, and how many were not."""
    for number in count():
        try:
            await store.reserve(open_entry(f"r{number}"))
        except LedgerUnavailable as error:
            return error, number
        await asyncio.sleep(0.01)
    raise AssertionError


async def caught_up(store: PostgresStore) -> None:
    """The journal is empty."""
    while store.journal_state.requests:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.02)


async def test_what_needs_no_budget_is_promised_and_kept(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    async with journaling(url, tmp_path) as store:
        await store.reserve(open_entry("before"))
        await asyncio.to_thread(own_server.kill)

        await store.reserve(open_entry("during"))
        await store.settle("before", DONE)
        await store.settle("during", DONE)
        await store.settle("during", replace(DONE, cost=CENT))
        await store.reserve(entry("cached"))
        await store.reserve(open_entry("open"))
        with pytest.raises(LedgerUnavailable):
            await store.reserve(open_entry("bound"), [budget(1)])
        with pytest.raises(LedgerUnavailable):
            await store.report(Filter())
        state = store.journal_state
        assert (state.requests, state.is_away) == (4, True)

        await asyncio.to_thread(own_server.start)
        await caught_up(store)
        assert not store.journal_state.is_away
        await store.settle("open", DONE)

    assert await in_the_books(url) == dict.fromkeys(
        ["before", "during", "cached", "open"], "completed"
    )
    [during] = await ask(url, "SELECT cost FROM entries WHERE request_id = 'during'")
    assert during["cost"] == 5 * 10**9
    assert await differences(url) == {0}


async def test_a_gateway_that_starts_again_writes_what_the_last_one_promised(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    async with journaling(url, tmp_path) as store:
        await asyncio.to_thread(own_server.kill)
        await store.reserve(open_entry("r1"))
        await store.settle("r1", DONE)
        await store.reserve(open_entry("r2"))
    await asyncio.to_thread(own_server.start)

    async with journaling(url, tmp_path) as store:
        await caught_up(store)
        assert await in_the_books(url) == {"r1": "completed", "r2": "open"}
    await ask(url, "DELETE FROM gateways")
    async with journaling(url, tmp_path):  # and what that had open is nobody's any more
        assert await in_the_books(url) == {"r1": "completed", "r2": "interrupted"}
    assert await differences(url) == {0}


async def test_what_was_written_without_anybody_hearing_is_not_done_twice(tmp_path: Path):
    url = await database(servers.postgres(), tmp_path)
    async with Line(servers.postgres()) as line, journaling(line.url(url), tmp_path) as store:
        line.swallowed = 1000
        await store.reserve(open_entry("r1"))
        await store.settle("r1", DONE)
        line.swallowed = 0
        await caught_up(store)
    assert await in_the_books(url) == {"r1": "completed"}
    assert await differences(url) == {0}


async def test_nobody_waits_for_a_server_that_hangs(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    async with journaling(url, tmp_path) as store:
        await store.reserve(open_entry("before"))
        own_server.freeze()
        await asyncio.gather(
            store.settle("before", DONE), *(store.reserve(open_entry(f"r{n}")) for n in range(20))
        )
        for number in range(20):
            await store.settle(f"r{number}", DONE)
        assert store.journal_state.is_away
        own_server.thaw()
        await caught_up(store)

    assert await in_the_books(url) == dict.fromkeys(
        ["before", *(f"r{n}" for n in range(20))], "completed"
    )
    assert await differences(url) == {0}


async def test_an_entry_that_was_given_up_meanwhile_is_settled_as_it_was_promised(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    async with journaling(url, tmp_path) as store:
        await store.reserve(open_entry("r1"))
        await asyncio.to_thread(own_server.kill)
        await store.settle("r1", DONE)
    await asyncio.to_thread(own_server.start)
    await ask(url, "DELETE FROM gateways")

    async with opened(url) as other:  # at once, for its gateway said that it is gone
        assert (await other.get("r1")).outcome == "interrupted"
        assert await differences(url) == {0}
        async with journaling(url, tmp_path) as store:
            await caught_up(store)
        assert (await other.get("r1")).settlement == DONE
        [row] = await other.report(Filter(), ("outcome",))
        assert (row.requests, row.cost) == (1, CENT / 2)
        assert (await other.balances([budget(1)], NOON))[0].spent == CENT / 2
    assert await differences(url) == {0}


async def test_what_is_open_can_be_settled_when_nothing_more_is_taken(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    async with journaling(url, tmp_path, max_bytes=2000) as store:
        await asyncio.to_thread(own_server.kill)
        refusal, promised = await until_refused(store)
        assert "journal is full" in str(refusal)
        assert promised > 0
        for number in range(promised):
            await store.settle(f"r{number}", DONE)
        await asyncio.to_thread(own_server.start)
        await caught_up(store)
        await store.reserve(open_entry("again"))
    assert list((await in_the_books(url)).values()) == [*["completed"] * promised, "open"]


async def test_a_journal_that_breaks_does_not_keep_anybody_from_the_server(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    journal = Journal.open(tmp_path, max_bytes=1_000_000)
    async with opened(url, timeout_s=0.3, journal=journal) as store:
        await asyncio.to_thread(own_server.kill)
        await store.reserve(open_entry("r1"))
        await asyncio.to_thread(journal.close)
        refusal, _ = await until_refused(store)
        assert "the journal is closed" in str(refusal)
        await asyncio.to_thread(own_server.start)
        while store.journal_state.is_away:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
        await store.reserve(open_entry("r2"))
        assert await in_the_books(url) == {"r2": "open"}
    async with journaling(url, tmp_path) as store:
        await caught_up(store)
        assert (await in_the_books(url))["r1"] == "open"


async def test_after_a_while_nothing_more_is_promised(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    async with journaling(url, tmp_path, journal_s=5.0) as store:
        await store.reserve(open_entry("open"))
        await asyncio.to_thread(own_server.kill)
        _, promised = await until_refused(store)
        assert promised > 0
        await store.settle("open", DONE)
        await asyncio.to_thread(own_server.start)
        await caught_up(store)
    assert (await in_the_books(url))["open"] == "completed"


async def test_nothing_promised_is_lost_or_doubled_however_often_the_server_dies(
    own_server: PostgresServer, url: str, tmp_path: Path
):
    promised: set[str] = set()
    ended = asyncio.Event()

    async def client(store: PostgresStore, number: int) -> None:
        for turn in count():
            if ended.is_set():
                return
            request_id = f"r{number}-{turn}"
            await store.reserve(open_entry(request_id))
            await asyncio.sleep(0.001)
            await store.settle(request_id, DONE)
            promised.add(request_id)
            await asyncio.sleep(0.01)

    async with journaling(url, tmp_path) as one, journaling(url, tmp_path) as other:
        clients = [asyncio.create_task(client((one, other)[n % 2], n)) for n in range(8)]
        for _ in range(2):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(own_server.kill)
            await asyncio.sleep(0.8)
            await asyncio.to_thread(own_server.start)
        ended.set()
        await asyncio.gather(*clients)
        await caught_up(one)
        await caught_up(other)

    assert await in_the_books(url) == dict.fromkeys(promised, "completed")
    assert await differences(url) == {0}
