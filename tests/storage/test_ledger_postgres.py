"""What is particular to the books in PostgreSQL; what all books do is in the contract suites."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from msgspec.structs import replace
from tests.support import servers
from tests.support.entries import NOON
from tests.support.postgres_books import (
    CENT,
    DONE,
    Line,
    admitted,
    ask,
    budget,
    differences,
    new_database,
    open_entry,
    opened,
)
from tests.support.servers import PostgresServer

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Entry, RowAnswer

pytestmark = pytest.mark.full

SECOND = timedelta(seconds=1)


@pytest.fixture
async def url() -> str:
    return await new_database(servers.postgres())


@pytest.fixture
async def own_server() -> AsyncIterator[PostgresServer]:
    """One that may be killed."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


async def written(store: PostgresStore, asked: Entry) -> bool:
    try:
        await store.reserve(asked)
    except LedgerUnavailable:
        return False
    return True


async def outcome(store: PostgresStore, request_id: str) -> str | None:
    """None where the server does not answer in time."""
    with suppress(LedgerUnavailable):
        found = await store.get(request_id)
        return found and found.outcome
    return None


async def test_a_commit_that_nobody_heard_of_is_not_done_twice(url: str):
    async with Line(servers.postgres()) as line, opened(line.url(url)) as store:
        line.swallowed = 1
        [balance] = await store.reserve(open_entry("r1"), [budget(1)])
        assert line.swallowed == 0
        assert balance.reserved == CENT

        line.swallowed = 2
        await store.settle("r1", DONE)
        assert line.swallowed == 0
        assert (await store.balances([budget(1)], NOON))[0].spent == CENT / 2
        assert await differences(url) == {0}


async def test_what_was_refused_for_want_of_an_answer_is_withdrawn(url: str):
    async with Line(servers.postgres()) as line, opened(line.url(url), timeout_s=5.0) as store:
        line.swallowed = 1000
        with pytest.raises(LedgerUnavailable):
            await store.reserve(open_entry("r1"), [budget(1)])
        line.swallowed = 0
        assert await admitted(store, open_entry("r2"), budget(2))

        await store.beat(NOON)
        [row] = await ask(url, "SELECT outcome FROM entries WHERE request_id = 'r1'")
        assert row["outcome"] == "refused"
        assert (await store.balances([budget(2)], NOON))[0].reserved == CENT
        assert await differences(url) == {0}


async def test_what_may_be_withdrawn_yet_is_not_reserved_again(url: str):
    asked = open_entry("r1")
    async with Line(servers.postgres()) as line, opened(line.url(url), timeout_s=5.0) as store:
        line.swallowed = 1000
        for wrong in ("can't be used", "not known yet"):
            with pytest.raises(LedgerUnavailable, match=wrong):
                await store.reserve(asked, [budget(1)])
        line.swallowed = 0
        for number in count():
            if await written(store, open_entry(f"later_{number}")):
                break
        with pytest.raises(LedgerUnavailable, match="was withdrawn"):
            await store.reserve(asked, [budget(1)])
        assert await differences(url) == {0}


async def test_what_was_given_up_can_be_reserved_again_and_settled(url: str):
    async with opened(url) as store:
        await store.reserve(open_entry("r1"))
    async with opened(url) as store:
        assert (await store.get("r1")).outcome == "interrupted"
        await store.reserve(open_entry("r1"), [budget(1)])
        await store.settle("r1", DONE)
        assert (await store.get("r1")).settlement == DONE
        assert await differences(url) == {0}


async def test_nothing_acknowledged_is_lost_or_doubled_when_the_server_dies(
    own_server: PostgresServer,
):
    url = await new_database(own_server)
    kept: set[str] = set()
    more, ended = asyncio.Semaphore(0), asyncio.Event()

    async def client(store: PostgresStore, number: int) -> None:
        count = 0
        while not ended.is_set():
            request_id = f"r{number}-{count}"
            count += 1
            try:
                await store.reserve(open_entry(request_id), [budget(1_000_000)])
                kept.add(request_id)
                await store.settle(request_id, DONE)
                more.release()
            except LedgerUnavailable:
                await asyncio.sleep(0.01)

    async with opened(url, timeout_s=2.0) as one, opened(url, timeout_s=2.0) as other:
        clients = [asyncio.create_task(client((one, other)[n % 2], n)) for n in range(20)]
        for _ in range(3):
            for _ in range(100):
                await more.acquire()
            await asyncio.to_thread(own_server.kill)
            await asyncio.to_thread(own_server.start)
        ended.set()
        await asyncio.gather(*clients)
        for store in (one, other):
            await store.beat(NOON)

    rows = await ask(url, "SELECT request_id, outcome FROM entries")
    outcomes = {row["request_id"]: row["outcome"] for row in rows}
    assert len(outcomes) == len(rows)
    assert {outcomes[each] for each in kept} == {"completed"}
    assert {outcomes[each] for each in outcomes.keys() - kept} <= {"refused", "completed"}
    assert await differences(url) == {0}


async def test_a_server_that_hangs_is_said_to_be_away_and_used_again(own_server: PostgresServer):
    async with opened(await new_database(own_server), timeout_s=1.0) as store:
        own_server.freeze()
        with pytest.raises(LedgerUnavailable):
            await store.reserve(open_entry("r1"))
        with pytest.raises(LedgerUnavailable):
            await store.get("r1")
        with pytest.raises(LedgerUnavailable):
            await store.keys()
        own_server.thaw()

        found = None
        for number in count():
            with suppress(LedgerUnavailable):  # what became of that one is owed, so the next
                await store.reserve(open_entry(f"later_{number}"))
                found = await store.get(f"later_{number}")
                break
        assert found is not None
        assert found.outcome == "open"


async def test_what_is_too_much_for_a_server_that_hangs_is_broken_off(own_server: PostgresServer):
    answer = RowAnswer("batch_1", 1, 200, b"x" * 8_000_000)
    async with opened(await new_database(own_server), timeout_s=1.0) as store:
        await store.reserve(open_entry("r1"))
        await store.reserve(open_entry("r2"))
        own_server.freeze()
        async with asyncio.timeout(60):
            with pytest.raises(LedgerUnavailable):
                await store.settle("r1", replace(DONE, answer=answer))
        own_server.thaw()
        while await outcome(store, "r1") in {None, "open"}:
            with suppress(LedgerUnavailable):
                await store.settle("r2", DONE)


async def test_a_server_that_became_a_standby_is_left_and_used_again(own_server: PostgresServer):
    url = await new_database(own_server)

    async def turn(read_only: str) -> None:
        await ask(url, f"ALTER SYSTEM SET default_transaction_read_only = {read_only}")
        await ask(url, "SELECT pg_reload_conf()")

    async with opened(url, timeout_s=2.0) as store:
        await store.reserve(open_entry("r1"))
        await turn("on")
        number = 0
        while await written(store, open_entry(f"s{number}")):
            number += 1
        await turn("off")
        while await outcome(store, "r1") in {None, "open"}:
            with suppress(LedgerUnavailable):
                await store.settle("r1", DONE)
        assert await differences(url) == {0}


async def test_only_what_a_gone_gateway_had_open_is_swept(url: str):
    async with opened(url, now=lambda: NOON) as living:
        gone = await PostgresStore.open(url, now=lambda: NOON)
        await living.reserve(open_entry("mine"))
        await gone.reserve(open_entry("its"))

        later = NOON + 61 * SECOND
        for seconds in range(0, 61, 10):
            await living.beat(NOON + seconds * SECOND)
        assert await living.sweep(NOON + 59 * SECOND) == 0
        assert await living.sweep(later) == 1
        assert await living.sweep(later) == 0
        swept = await living.get("its")
        assert swept.settlement.outcome == "interrupted"
        assert (await living.get("mine")).outcome == "open"
        assert (await living.balances([budget(5)], NOON))[0].reserved == CENT

        await gone.settle("its", DONE)  # it was not gone, and knows better
        await gone.settle("its", replace(DONE, cost=CENT))
        assert (await living.get("its")).settlement == DONE
        assert (await living.balances([budget(5)], NOON))[0].spent == CENT / 2
        assert await differences(url) == {0}
        await gone.close()


async def test_nobody_is_taken_for_gone_by_one_who_could_not_hear(url: str):
    async with opened(url, now=lambda: NOON) as one, opened(url, now=lambda: NOON) as other:
        await other.reserve(open_entry("its"))
        for seconds in (90, 100, 110, 120, 130, 140):  # before, the server was away
            await one.beat(NOON + seconds * SECOND)
            assert await one.sweep(NOON + seconds * SECOND) == 0
        await other.beat(NOON + 141 * SECOND)
        await one.beat(NOON + 150 * SECOND)
        assert await one.sweep(NOON + 151 * SECOND) == 0


async def test_what_a_gateway_leaves_open_is_swept_when_the_next_one_starts(url: str):
    async with opened(url) as store:
        await store.reserve(open_entry("r1"))
    async with opened(url) as store:
        assert (await store.get("r1")).outcome == "interrupted"


async def test_any_number_of_gateways_may_start_at_once(url: str):
    stores = await asyncio.gather(*(PostgresStore.open(url, timeout_s=60) for _ in range(6)))
    await asyncio.gather(*(each.reserve(open_entry(each.gateway)) for each in stores))
    assert [len(await each.list(limit=10)) for each in stores] == [6] * 6
    await asyncio.gather(*(each.close() for each in stores))


async def test_a_write_that_can_not_be_stored_fails_alone(url: str):
    async with opened(url) as store:
        good = [store.reserve(open_entry(f"r{number}")) for number in range(5)]
        bad = store.reserve(replace(open_entry("bad"), model_asked="\ud800"))
        *others, refused = await asyncio.gather(*good, bad, return_exceptions=True)
        assert [len(each) for each in others] == [0] * 5
        assert isinstance(refused, LedgerUnavailable)
        assert len(await store.list(limit=10)) == 5


@pytest.mark.parametrize(
    ("dsn", "error"),
    [
        ("postgresql://user:geheim@127.0.0.1:1/books", LedgerUnavailable),
        ("postgresql://user:geh/eim@127.0.0.1:5432/books", ConfigError),
        ("postgresql://user:geh]eim[@127.0.0.1:5432/books", ConfigError),
        ("http://user:geheim@127.0.0.1", ConfigError),
    ],
)
async def test_the_password_is_never_said(dsn: str, error: type[Exception]):
    with pytest.raises(error) as caught:
        await PostgresStore.open(dsn)
    assert "geh" not in "".join(traceback.format_exception(caught.value))


async def test_a_database_that_is_not_there_is_a_matter_of_configuration():
    with pytest.raises(ConfigError, match='"nowhere" does not exist'):
        await PostgresStore.open(servers.postgres().url.replace("/postgres?", "/nowhere?"))
