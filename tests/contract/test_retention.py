"""What all books forget, and what stays: `ports.Retention`, `ports.PromptStore`, `ports.KeyStore`."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.support.books import Store
from tests.support.entries import NOON, entry

from pointsman.storage.forgetting import PORTION
from pointsman.types import (
    Budget,
    Budgets,
    Check,
    Feedback,
    Filter,
    Grant,
    Key,
    Limits,
    Scope,
    StoredKey,
    StoredPrompt,
    Subject,
)

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
BUDGET = Budget(Subject("organisation", "acme"), "day", Decimal(1))


def prompt(request_id: str = "r1", *, organisation: str = "acme") -> StoredPrompt:
    return StoredPrompt(
        request_id=request_id,
        time=NOON,
        organisation=organisation,
        key="k1",
        prompt='[{"role": "user", "text": "My card is [card]"}]',
        reply="Thanks",
        redacted=("card",),
    )


def check(request_id: str) -> Check:
    return Check(request_id, NOON, "acme", "auto", "cr_1", 0.98, 0.9, false=False, by="judge")


# Entries


async def test_what_is_older_goes_with_all_that_hangs_on_it(books: Store):
    for number in range(4):
        await books.reserve(entry(f"r{number}", NOON + number * SECOND))
        await books.add(Feedback(f"r{number}", NOON, rating=1.0))
        await books.keep_prompt(prompt(f"r{number}"))
        await books.add_check(check(f"r{number}"))

    assert await books.forget_entries(before=NOON + 2 * SECOND) == 2

    assert [e.request_id for e in await books.list(limit=9)] == ["r3", "r2"]
    assert await books.get("r1") is None
    assert await books.prompt("r1") is None
    assert await books.prompt("r2") == prompt("r2")
    assert [each.request_id for each in await books.checks()] == ["r2", "r3"]
    assert sum(row.good for row in await books.ratings()) == 2


async def test_sums_over_whole_days_and_balances_stay(books: Store):
    await books.reserve(entry("r1", cost="0.25", model_asked="local"))
    report = await books.report()

    assert await books.forget_entries(before=NOON + DAY) == 1

    assert await books.report() == report
    assert await books.report(Filter(key="k1", model_asked="local")) == report
    assert list(await books.report(Filter(since=NOON))) == []
    [balance] = await books.balances([BUDGET], NOON)
    assert balance.spent == Decimal("0.25")


async def test_an_organisation_is_forgotten_altogether_and_no_other(books: Store):
    for organisation in ("acme", "other"):
        await books.reserve(entry(organisation, organisation=organisation))
        await books.keep_prompt(prompt(organisation, organisation=organisation))
    await books.reserve(entry("old", NOON - DAY))
    await books.forget_entries(organisation="acme", before=NOON)
    await books.keep_prompt(prompt("without entry"))

    assert await books.forget_entries(organisation="acme") == 1

    assert [e.request_id for e in await books.list(limit=9)] == ["other"]
    assert [row.organisation for row in await books.report(by=("organisation", "key"))] == ["other"]
    assert [row.organisation for row in await books.report(by=("organisation",))] == ["other"]
    assert await books.prompt("acme") is None
    assert await books.prompt("without entry") is None
    assert await books.prompt("other")
    [balance] = await books.balances([BUDGET], NOON)
    assert balance.spent == 0


async def test_an_open_entry_stays_with_what_it_holds_back(books: Store):
    open_one = replace(entry("open", outcome="open"), reserved=Decimal("0.5"))
    await books.reserve(open_one)
    await books.reserve(entry("ended"))

    assert await books.forget_entries() == 1

    assert await books.get("open") == open_one
    [balance] = await books.balances([BUDGET], NOON)
    assert (balance.spent, balance.reserved) == (Decimal(0), Decimal("0.5"))
    ending = entry(cost="0.1").settlement
    assert ending
    await books.settle("open", ending)
    [balance] = await books.balances([BUDGET], NOON)
    assert (balance.spent, balance.reserved) == (Decimal("0.1"), Decimal(0))
    [row] = await books.report()
    assert row.requests == 1


@pytest.mark.parametrize("number", [PORTION - 1, PORTION, PORTION + 1])
async def test_more_than_a_portion_is_forgotten_too(books: Store, number: int):
    for n in range(number):
        await books.reserve(entry(f"r{n}"))
    assert await books.forget_entries() == number
    assert list(await books.report()) == []
    assert await books.forget_entries() == 0


# Prompts


async def test_a_prompt_comes_back_as_it_was_kept(books: Store):
    unanswered = replace(prompt(), reply=None, redacted=())
    await books.keep_prompt(unanswered)
    assert await books.prompt("r1") == unanswered
    await books.keep_prompt(prompt())
    assert await books.prompt("r1") == prompt()
    assert await books.prompt("nobody") is None


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope(), True),
        (Scope("acme"), True),
        (Scope("acme", "k1"), True),
        (Scope("other"), False),
        (Scope("acme", "k2"), False),
    ],
)
async def test_a_prompt_is_seen_only_in_its_scope(books: Store, scope: Scope, seen: bool):  # noqa: FBT001
    await books.keep_prompt(prompt())
    assert (await books.prompt("r1", scope) is not None) is seen


async def test_prompts_are_forgotten_before_their_entries(books: Store):
    await books.reserve(entry("old"))
    for name, age in (("old", DAY), ("new", 0 * DAY), ("other", DAY)):
        kept = replace(prompt(name), time=NOON - age)
        await books.keep_prompt(replace(kept, organisation="other") if name == "other" else kept)

    assert await books.forget_prompts(organisation="acme", before=NOON) == 1

    assert await books.prompt("old") is None
    assert await books.get("old")
    assert await books.prompt("new")
    assert await books.forget_prompts() == 2


# Keys

GRANT = Grant(
    role="user",
    everywhere=False,
    models=frozenset({"small", "large"}),
    tiers=frozenset({"simple"}),
    routes=frozenset(),
    privacy="local",
    limits=Limits(requests_per_minute=60, concurrent=2),
    budgets=Budgets(per_day=Decimal("0.000000000001"), allow_unpriced=True),
)


def key(key_id: str = "pm_aaaaaaaa", *, days: int = 0) -> StoredKey:
    made = Key(
        id=key_id,
        name="CI, the 2nd",
        organisation="acme",
        grant=GRANT,
        created=NOON + days * DAY,
        expires=NOON + 90 * DAY,
    )
    return StoredKey(made, digest=bytes(range(32)))


async def test_keys_come_back_the_oldest_first(books: Store):
    young, old = key("pm_aaaaaaaa", days=1), key("pm_bbbbbbbb")
    for each in (young, old):
        await books.put_key(each)
    assert list(await books.keys()) == [old, young]


async def test_a_key_is_written_in_place_of_what_it_was(books: Store):
    await books.put_key(key())
    changed = replace(key().key, active=False, grace_until=NOON, expires=None, grant=Grant())
    rotated = StoredKey(changed, digest=b"n" * 32, previous=bytes(range(32)))
    await books.put_key(rotated)
    assert list(await books.keys()) == [rotated]


async def test_a_key_is_removed_once(books: Store):
    await books.put_key(key())
    assert await books.remove_key("pm_aaaaaaaa")
    assert not await books.remove_key("pm_aaaaaaaa")
    assert list(await books.keys()) == []


async def test_the_stamp_is_another_after_any_change_and_no_other_time(books: Store):
    stamps = [await books.keys_stamp()]
    for _ in range(2):
        await books.put_key(key())
        stamps.append(await books.keys_stamp())
        await books.remove_key("pm_aaaaaaaa")
        stamps.append(await books.keys_stamp())
    assert len(set(stamps)) == len(stamps)

    await books.keys()
    await books.remove_key("nobody")
    assert await books.keys_stamp() == stamps[-1]
