"""Money in all books: held back, spent, never more than there is: `ports.Ledger`, `ports.Books`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.support.books import Store
from tests.support.entries import NOON, entry

from pointsman.errors import BudgetExceeded
from pointsman.types import Balance, Budget, Entry, Period, Settlement, Subject, Usage

ORGANISATION = Subject("organisation", "acme")
KEY = Subject("key", "acme", "k1")
DAY = timedelta(days=1)


def budget(subject: Subject = KEY, limit: str = "1", period: Period = "day") -> Budget:
    return Budget(subject, period, Decimal(limit))


def opened(
    request_id: str = "r1", reserved: str = "0.4", time: datetime = NOON, *, key: str = "k1"
) -> Entry:
    new = entry(request_id, time, key=key, outcome="open")
    return replace(new, reserved=Decimal(reserved))


def ended(cost: str | None = "0.1") -> Settlement:
    price = None if cost is None else Decimal(cost)
    return Settlement("completed", deployment="small", usage=Usage(10, 5), cost=price)


async def amounts(
    books: Store, *budgets: Budget, now: datetime = NOON
) -> list[tuple[Decimal, Decimal]]:
    """Spent and reserved of each."""
    return [(each.spent, each.reserved) for each in await books.balances(budgets, now)]


def dollars(*pairs: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(spent), Decimal(reserved)) for spent, reserved in pairs]


async def test_money_is_held_back_until_an_entry_is_settled(books: Store):
    of_key, of_all = budget(), budget(ORGANISATION)
    [balance] = await books.reserve(opened(), [of_key])
    midnight = datetime(2026, 5, 2, tzinfo=UTC)
    assert balance == Balance(of_key, Decimal(0), Decimal("0.4"), until=midnight)
    assert balance.left == Decimal("0.6")

    await books.reserve(opened("r2", key="k2"))
    assert await amounts(books, of_key, of_all) == dollars(("0", "0.4"), ("0", "0.8"))

    await books.settle("r1", ended())
    assert await amounts(books, of_key, of_all) == dollars(("0.1", "0"), ("0.1", "0.4"))

    await books.settle("r2", Settlement("failed"))
    assert await amounts(books, of_key, of_all) == dollars(("0.1", "0"), ("0.1", "0"))


async def test_what_nobody_knows_the_price_of_takes_what_was_held_back(books: Store):
    both = [budget(), budget(ORGANISATION)]
    await books.reserve(opened("r1", "0.4"), both)
    await books.settle("r1", ended(None))
    assert await amounts(books, *both) == dollars(("0.4", "0"), ("0.4", "0"))

    await books.reserve(replace(opened("r2", "0.25"), settlement=ended(None)))
    assert await amounts(books, *both) == dollars(("0.65", "0"), ("0.65", "0"))
    with pytest.raises(BudgetExceeded):
        await books.reserve(opened("r3", "0.4"), both)


async def test_more_than_is_left_is_refused_and_leaves_no_trace(books: Store):
    both = [budget(ORGANISATION, "10"), budget(KEY, "1")]
    await books.reserve(opened("r1", "0.7"), both)

    with pytest.raises(
        BudgetExceeded,
        match=r"budget of key k1 for .* \(\$1\.00\) does not suffice: .*\$0\.70 held",
    ) as over:
        await books.reserve(opened("r2", "0.300000000001"), both)

    assert [each.reserved for each in over.value.balances] == [Decimal("0.7")] * 2
    assert await books.get("r2") is None
    assert await amounts(books, *both) == dollars(("0", "0.7"), ("0", "0.7"))
    await books.reserve(opened("r2", "0.3"), both)


async def test_what_costs_nothing_is_let_through_though_all_is_spent(books: Store):
    await books.reserve(opened("r1", "1"))
    await books.settle("r1", ended("1.5"))

    await books.reserve(opened("r2", "0"), [budget()])
    with pytest.raises(BudgetExceeded):
        await books.reserve(opened("r3", "0.000000000001"), [budget()])


@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_budget_begins_anew_with_its_window(books: Store, period: Period):
    last = datetime(2026, 4, 30, 23, 59, 59, 999999, tzinfo=UTC)
    first = last + timedelta(microseconds=1)
    own = budget(period=period)
    await books.reserve(opened("r1", "1", last), [own])
    with pytest.raises(BudgetExceeded):
        await books.reserve(opened("r2", "1", last), [own])

    [balance] = await books.reserve(opened("r3", "1", first), [own])

    assert balance.until == datetime(2026, 5, 2 if period == "day" else 1, tzinfo=UTC) + (
        timedelta() if period == "day" else 31 * DAY
    )
    await books.settle("r1", ended("0.5"))
    assert await amounts(books, own, now=last) == dollars(("0.5", "0"))
    assert await amounts(books, own, now=first) == dollars(("0", "1"))


async def test_a_month_is_the_sum_of_its_days(books: Store):
    for day in range(31):
        await books.reserve(opened(f"r{day}", "0.01", NOON + day * DAY))
        await books.settle(f"r{day}", ended("0.01"))

    month = budget(period="month")
    assert await amounts(books, month, budget()) == dollars(("0.31", "0"), ("0.01", "0"))
    assert await amounts(books, month, now=NOON + 31 * DAY) == dollars(("0", "0"))


async def test_an_entry_that_comes_settled_is_spent_and_never_refused(books: Store):
    spent = replace(opened("r1", "5"), settlement=ended("1.2"))
    [balance] = await books.reserve(spent, [budget()])

    assert (balance.spent, balance.reserved) == (Decimal("1.2"), Decimal(0))
    assert await books.get("r1") == spent


async def test_doing_it_again_changes_nothing(books: Store):
    for _ in range(2):
        await books.reserve(opened("r1", "0.7"), [budget()])
    for _ in range(2):
        await books.settle("r1", ended())
    [balance] = await books.reserve(opened("r1", "0.7"), [budget()])

    assert (balance.spent, balance.reserved) == (Decimal("0.1"), Decimal(0))


async def test_budgets_of_others_are_not_touched(books: Store):
    await books.reserve(opened())
    others = [
        budget(Subject("organisation", "other")),
        budget(Subject("key", "acme", "k2")),
        budget(Subject("key", "other", "k1")),
    ]
    assert await amounts(books, *others) == dollars(*[("0", "0")] * 3)


async def test_fifty_at_once_never_reserve_more_than_there_is(books: Store):
    budgets = [budget(ORGANISATION, "1"), budget(KEY, "100"), budget(ORGANISATION, "9", "month")]

    async def actor(number: int) -> bool:
        try:
            await books.reserve(opened(f"r{number}", "0.03"), budgets)
        except BudgetExceeded:
            return False
        return True

    admitted = await asyncio.gather(*map(actor, range(50)))

    assert sum(admitted) == 33
    assert await amounts(books, budgets[0]) == dollars(("0", "0.99"))
    written = await books.list(limit=100)
    assert {e.request_id for e in written} == {f"r{n}" for n, was in enumerate(admitted) if was}

    await asyncio.gather(*(books.settle(e.request_id, ended("0.01")) for e in written))
    assert await amounts(books, budgets[0]) == dollars(("0.33", "0"))


async def test_money_is_exact_to_the_pico_dollar(books: Store):
    for number in range(3):
        await books.reserve(opened(f"r{number}", "0.000000000001"))
        await books.settle(f"r{number}", ended("0.3333333333335"))  # half to even: ...334

    assert await amounts(books, budget()) == dollars(("1.000000000002", "0"))
    [row] = await books.report()
    assert row.cost == Decimal("1.000000000002")


async def test_more_may_be_held_back_for_what_is_open(books: Store):
    both = [budget(), budget(ORGANISATION)]
    await books.reserve(opened("r1", "0.4"), both)

    for _ in range(2):
        stand = await books.hold(opened("r1", "0.4"), Decimal("0.75"), both)
        assert [(each.spent, each.reserved) for each in stand] == dollars(*[("0", "0.75")] * 2)

    assert await amounts(books, *both) == dollars(*[("0", "0.75")] * 2)
    await books.settle("r1", ended("0.7"))
    assert await amounts(books, *both) == dollars(*[("0.7", "0")] * 2)


async def test_what_is_held_back_for_it_can_not_be_less(books: Store):
    await books.reserve(opened("r1", "0.4"), [budget()])
    [balance] = await books.hold(opened("r1", "0.4"), Decimal("0.3"), [budget()])
    assert balance.reserved == Decimal("0.4")


async def test_more_than_there_is_left_is_not_held_back_and_it_keeps_what_it_had(books: Store):
    both = [budget(ORGANISATION, "10"), budget(KEY, "1")]
    await books.reserve(opened("r1", "0.4"), both)
    await books.reserve(opened("r2", "0.4"), both)

    with pytest.raises(BudgetExceeded, match=r"does not suffice: .*\$0\.80 held") as over:
        await books.hold(opened("r1", "0.4"), Decimal("0.600000000001"), both)

    assert [each.reserved for each in over.value.balances] == [Decimal("0.8")] * 2
    assert await amounts(books, *both) == dollars(*[("0", "0.8")] * 2)
    await books.hold(opened("r1", "0.4"), Decimal("0.6"), both)
    await books.settle("r1", ended("0.6"))
    assert await amounts(books, *both) == dollars(*[("0.6", "0.4")] * 2)


async def test_what_has_ended_or_never_began_holds_nothing_more_back(books: Store):
    await books.reserve(opened("r1", "0.4"), [budget()])
    await books.settle("r1", ended("0.1"))
    for request_id in ("r1", "unheard of"):
        await books.hold(opened(request_id, "0.4"), Decimal(5), [budget()])

    assert await amounts(books, budget()) == dollars(("0.1", "0"))
    assert await books.get("unheard of") is None


async def test_what_nobody_knows_the_price_of_takes_all_that_was_held_back(books: Store):
    await books.reserve(opened("r1", "0.4"), [budget()])
    await books.hold(opened("r1", "0.4"), Decimal("0.6"), [budget()])
    await books.settle("r1", ended(None))
    assert await amounts(books, budget()) == dollars(("0.6", "0"))


async def test_fifty_that_want_more_at_once_never_hold_more_back_than_there_is(books: Store):
    budgets = [budget(ORGANISATION, "1"), budget(KEY, "100"), budget(ORGANISATION, "9", "month")]
    for number in range(50):
        await books.reserve(opened(f"r{number}", "0.01"), budgets)

    async def actor(number: int) -> bool:
        try:
            await books.hold(opened(f"r{number}", "0.01"), Decimal("0.04"), budgets)
        except BudgetExceeded:
            return False
        return True

    assert sum(await asyncio.gather(*map(actor, range(50)))) == 16
    assert await amounts(books, budgets[0]) == dollars(("0", "0.98"))
