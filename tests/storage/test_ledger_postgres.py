"""What is particular to the books in PostgreSQL; what all books do is in the contract suites."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from tests.support import servers
from tests.support.entries import NOON, entry
from tests.support.postgres_books import Line, ask, differences, new_database, opened
from tests.support.servers import PostgresServer

from pointsman.errors import BudgetExceeded, ConfigError, LedgerUnavailable
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Budget, Entry, Period, RowAnswer, Settlement, Subject

pytestmark = pytest.mark.full

SECOND = timedelta(seconds=1)
CENT = Decimal("0.01")
ACME = Subject("organisation", "acme")
DONE = Settlement(outcome="completed", cost=CENT / 2)


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


def open_entry(request_id: str, *, key: str = "k1", cents: int = 1) -> Entry:
    return replace(entry(request_id, key=key, outcome="open"), reserved=cents * CENT)


def budget(cents: int, period: Period = "day", subject: Subject = ACME) -> Budget:
    return Budget(subject, period, cents * CENT)


async def admitted(store: PostgresStore, asked: Entry, *budgets: Budget) -> bool:
    try:
        await store.reserve(asked, budgets)
    except BudgetExceeded:
        return False
    return True


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


async def test_two_gateways_never_overspend_a_budget_together(url: str):
    async with opened(url) as one, opened(url) as other:
        asked = [
            admitted(
                (one, other)[number % 2],
                open_entry(f"r{number}", key=f"k{number % 7}"),
                budget(80),
                budget(20, "month", Subject("key", "acme", f"k{number % 7}")),
            )
            for number in range(200)
        ]
        assert sum(await asyncio.gather(*asked)) == 80

        [acme] = await other.balances([budget(80)], NOON)
        assert (acme.reserved, acme.spent, acme.left) == (80 * CENT, 0, 0)
        assert await differences(url) == {0}

        open_ones = await one.list(limit=200)
        await asyncio.gather(*(other.settle(each.request_id, DONE) for each in open_ones))
        [acme] = await one.balances([budget(80)], NOON)
        assert (acme.reserved, acme.spent, acme.left) == (0, 40 * CENT, 40 * CENT)
        assert await differences(url) == {0}


async def test_a_month_is_not_overspent_at_midnight(url: str):
    """The two sides of midnight are booked on different days, and are one month."""
    async with opened(url) as one, opened(url) as other:
        asked = []
        for number in range(100):
            at = NOON + timedelta(hours=12) - SECOND + (number % 4) * SECOND
            each = replace(open_entry(f"r{number}"), time=at)
            asked.append(admitted((one, other)[number % 2], each, budget(30, "month")))
        assert sum(await asyncio.gather(*asked)) == 30


async def test_what_others_reserve_counts_for_those_without_the_budget_too(url: str):
    async with opened(url) as one, opened(url) as other:
        assert await admitted(one, open_entry("r1", cents=6))
        assert not await admitted(other, open_entry("r2", cents=6), budget(10))
        assert await admitted(other, open_entry("r3", cents=4), budget(10))


async def test_a_request_that_ends_while_it_is_reserved_holds_nothing_back(url: str):
    async with opened(url) as store:
        asked = [open_entry(f"r{number}") for number in range(5)]
        await asyncio.gather(
            *(store.reserve(each, [budget(5)]) for each in asked),
            *(store.settle(each.request_id, DONE) for each in asked),
        )
        assert {each.outcome for each in await store.list(limit=5)} == {"completed"}
        [balance] = await store.balances([budget(5)], NOON)
        assert (balance.reserved, balance.spent) == (0, 5 * CENT / 2)
        assert await differences(url) == {0}


async def test_two_gateways_never_hold_more_back_together_than_there_is(url: str):
    async def held(store: PostgresStore, asked: Entry) -> bool:
        try:
            await store.hold(asked, 4 * CENT, [budget(100)])
        except BudgetExceeded:
            return False
        return True

    async with opened(url) as one, opened(url) as other:
        asked = [open_entry(f"r{number}", key=f"k{number % 7}") for number in range(50)]
        await asyncio.gather(*(one.reserve(each, [budget(100)]) for each in asked))
        stores = [(one, other)[number % 2] for number in range(50)]
        assert sum(await asyncio.gather(*map(held, stores, asked))) == 16
        assert (await one.balances([budget(100)], NOON))[0].reserved == 98 * CENT
        assert await differences(url) == {0}


async def test_what_others_reserve_counts_for_those_who_want_more_too(url: str):
    async with opened(url) as store:
        await store.reserve(open_entry("r1"), [budget(10)])
        ends = await asyncio.gather(
            store.reserve(open_entry("r2", cents=6)),
            store.hold(open_entry("r1"), 5 * CENT, [budget(10)]),
            return_exceptions=True,
        )
        assert isinstance(ends[1], BudgetExceeded)
        assert (await store.balances([budget(10)], NOON))[0].reserved == 7 * CENT


async def test_a_request_that_ends_while_more_is_held_back_for_it_holds_nothing_back(url: str):
    async with opened(url) as store:
        asked = [open_entry(f"r{number}") for number in range(5)]
        await asyncio.gather(*(store.reserve(each, [budget(50)]) for each in asked))
        await asyncio.gather(
            *(store.hold(each, 7 * CENT, [budget(50)]) for each in asked),
            *(store.settle(each.request_id, DONE) for each in asked),
        )
        [balance] = await store.balances([budget(50)], NOON)
        assert (balance.reserved, balance.spent) == (0, 5 * CENT / 2)
        assert await differences(url) == {0}


async def test_what_nobody_heard_was_held_back_is_not_held_back_twice(url: str):
    async with Line(servers.postgres()) as line, opened(line.url(url)) as store:
        await store.reserve(open_entry("r1"), [budget(9)])
        line.swallowed = 1
        [balance] = await store.hold(open_entry("r1"), 7 * CENT, [budget(9)])
        assert line.swallowed == 0
        assert balance.reserved == 7 * CENT

        line.swallowed = 1000
        with pytest.raises(LedgerUnavailable):
            await store.hold(open_entry("r1"), 8 * CENT, [budget(9)])
        line.swallowed = 0
        await store.beat(NOON)
        await store.settle("r1", DONE)
        assert (await store.balances([budget(9)], NOON))[0].reserved == 0
        assert await differences(url) == {0}


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
