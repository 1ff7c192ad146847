"""Budgets in PostgreSQL that several gateways take from; what all books do is in the contract suites."""

from __future__ import annotations

import asyncio
from datetime import timedelta

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

from pointsman.errors import BudgetExceeded, LedgerUnavailable
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Entry, Subject

pytestmark = pytest.mark.full

SECOND = timedelta(seconds=1)


@pytest.fixture
async def url() -> str:
    return await new_database(servers.postgres())


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


async def test_gateways_that_hold_more_back_never_wait_for_one_another_in_a_circle(url: str):
    """Most keys have no budget, so nobody waits for another at a budget's lock."""
    async with opened(url) as one, opened(url) as other, opened(url) as third:

        async def serve(store: PostgresStore, numbers: range) -> None:
            for number in numbers:
                key = f"k{number % 30:02}"
                own = [budget(10**6, subject=Subject("key", "acme", key))] * (number % 3 == 2)
                asked = open_entry(f"{store.gateway}-{number}", key=key)
                await store.reserve(asked, own)
                if own:
                    await store.hold(asked, 4 * CENT, own)
                await store.settle(asked.request_id, DONE)

        turns = [range(first, first + 280, 7) for first in range(0, 12_000, 1_000)]
        stores = (one, other, third)
        await asyncio.gather(*(serve(store, turn) for store in stores for turn in turns))

        [row] = await ask(
            url,
            "SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database"
            " WHERE datname = current_database()",
        )
        assert row["deadlocks"] == 0
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
