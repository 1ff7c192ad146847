"""What every cache does, whatever holds its replies: `ports.CacheStore`."""

from __future__ import annotations

import asyncio
from datetime import timedelta, timezone
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.support.caches import DAY, EVERYTHING, NOW, SECOND, Cache, ids, meant, reply

from pointsman.types import Selection

# One by one


async def test_what_was_never_put_is_none(cache: Cache):
    assert await cache.get("0" * 64, NOW) is None


async def test_a_reply_comes_back_whole(cache: Cache):
    whole = replace(
        meant(1), scope="key-1", tags=("docs", "v2"), cost=Decimal("0.000320000001"), hits=0
    )
    await cache.put(whole)
    assert await cache.get(whole.key, NOW) == whole


async def test_a_reply_of_the_exact_tier_alone_comes_back_whole(cache: Cache):
    bare = replace(reply(1), cost=None, latency_ms=0.0)
    await cache.put(bare)
    assert await cache.get(bare.key, NOW) == bare


@pytest.mark.parametrize(
    "text", ["", "a\0b", "'; DROP TABLE replies; --", "\r\n\x1b[31m", "日本 🚂", "a,b{c}|d:e *\\"]
)
async def test_text_and_bytes_come_back_as_they_went_in(cache: Cache, text: str):
    odd = replace(
        meant(1),
        **dict.fromkeys(("organisation", "scope", "route", "deployment", "version", "turn"), text),
        tags=(text, "plain"),
        body=text.encode() + bytes(range(256)),
    )
    await cache.put(odd)

    assert await cache.get(odd.key, NOW) == odd
    which = Selection(organisation=text, scope=text, route=text, deployment=text, tag=text)
    assert (await cache.list(which, limit=1)).replies == (odd,)
    assert await cache.remove(which) == 1


async def test_a_moment_is_the_same_in_any_time_zone(cache: Cache):
    kolkata = timezone(timedelta(hours=5, minutes=30))
    late = replace(reply(1), stored=NOW.astimezone(kolkata), expires=NOW.astimezone(kolkata) + DAY)
    await cache.put(late)

    got = await cache.get(late.key, NOW.astimezone(kolkata))
    assert got == reply(1)


async def test_for_one_key_there_is_one_reply(cache: Cache):
    second = replace(reply(2, body=b"newer"), key=reply(1).key)
    await cache.put(reply(1))
    await cache.put(second)

    assert await cache.get(second.key, NOW) == second
    assert await ids(cache) == [second.id]
    assert await cache.remove(Selection(id=reply(1).id)) == 0


async def test_putting_it_again_is_putting_it(cache: Cache):
    for body in (b"first", b"second"):
        await cache.put(reply(1, body=body))

    assert await cache.get(reply(1).key, NOW) == reply(1, body=b"second")
    assert await ids(cache) == ["cr_1"]


# Time


async def test_it_is_given_until_it_expires_and_not_after(cache: Cache):
    await cache.put(reply(1, expires=NOW + 60 * SECOND))

    assert await cache.get(reply(1).key, NOW + 59 * SECOND) is not None
    assert await cache.get(reply(1).key, NOW + 60 * SECOND) is None
    assert await cache.get(reply(1).key, NOW + 61 * SECOND) is None


async def test_an_expired_reply_gives_way_to_a_fresh_one(cache: Cache):
    fresh = replace(reply(2), key=reply(1).key, expires=NOW + 3 * DAY)
    await cache.put(reply(1))
    assert await cache.get(reply(1).key, NOW + 2 * DAY) is None

    await cache.put(fresh)
    assert await cache.get(reply(1).key, NOW + 2 * DAY) == fresh


async def test_what_has_expired_can_be_removed_and_only_that(cache: Cache):
    for number, seconds in enumerate((60, 120, 180)):
        await cache.put(reply(number, expires=NOW + seconds * SECOND))

    assert await cache.remove(Selection(expired=NOW + 120 * SECOND)) == 2
    assert await ids(cache) == ["cr_2"]


async def test_after_a_sweep_nothing_expired_is_there(cache: Cache):
    for number in range(300):
        await cache.put(reply(number, expires=NOW + (DAY if number % 3 else 60 * SECOND)))

    later = NOW + 60 * SECOND
    assert await cache.sweep(later) in {100, 0}
    alive = [await cache.get(reply(number).key, later) for number in range(300)]
    assert [each is not None for each in alive] == [bool(number % 3) for number in range(300)]


# Hits


async def test_being_given_out_counts(cache: Cache):
    await cache.put(reply(1))
    await cache.put(reply(2))
    for _ in range(3):
        await cache.used("cr_1", NOW)

    assert await cache.get(reply(1).key, NOW) == replace(reply(1), hits=3)
    assert await cache.get(reply(2).key, NOW) == reply(2)
    listed = (await cache.list(Selection(id="cr_1"), limit=1)).replies
    assert [each.hits for each in listed] == [3]


async def test_hits_at_the_same_time_all_count(cache: Cache):
    await cache.put(reply(1))
    await asyncio.gather(*(cache.used("cr_1", NOW) for _ in range(50)))

    got = await cache.get(reply(1).key, NOW)
    assert got
    assert got.hits == 50


async def test_a_hit_on_what_is_gone_is_nothing(cache: Cache):
    await cache.put(reply(1))
    await cache.remove(EVERYTHING)
    await cache.used("cr_1", NOW)
    await cache.used("nobody", NOW)

    assert await cache.get(reply(1).key, NOW) is None
    assert await ids(cache) == []


# Forgetting

MANY = [
    reply(1, stored=NOW + 1 * SECOND, tags=("docs",)),
    reply(2, stored=NOW + 2 * SECOND, scope="key-1", tags=("docs", "v2")),
    reply(3, stored=NOW + 3 * SECOND, route="simple", deployment="qwen"),
    reply(4, stored=NOW + 4 * SECOND, organisation="umbrella", tags=("doc",)),
    reply(5, stored=NOW + 5 * SECOND, organisation="umbrella", deployment="qwen", body=b"x" * 999),
]


@pytest.mark.parametrize(
    ("which", "fit"),
    [
        (Selection(), [5, 4, 3, 2, 1]),
        (Selection(id="cr_3"), [3]),
        (Selection(id="cr_3", organisation="umbrella"), []),
        (Selection(organisation="acme"), [3, 2, 1]),
        (Selection(scope="key-1"), [2]),
        (Selection(scope=""), [5, 4, 3, 1]),
        (Selection(route="simple"), [3]),
        (Selection(deployment="qwen"), [5, 3]),
        (Selection(deployment="qwen", organisation="umbrella"), [5]),
        (Selection(tag="docs"), [2, 1]),
        (Selection(tag="v2", organisation="acme", route="auto"), [2]),
        (Selection(tag="d"), []),
        (Selection(organisation="acm*"), []),
        (Selection(expired=NOW), []),
        (Selection(expired=NOW + DAY, deployment="qwen"), [5, 3]),
    ],
)
async def test_the_same_are_listed_and_forgotten(cache: Cache, which: Selection, fit: list[int]):
    for each in MANY:
        await cache.put(each)

    selected = [MANY[number - 1] for number in fit]
    listing = await cache.list(which, limit=10)
    assert list(listing.replies) == selected
    assert listing.count == len(fit)
    assert listing.size == sum(len(each.body) for each in selected)

    assert await cache.remove(which) == len(fit)
    rest = [each for each in MANY if each not in selected]
    assert await ids(cache) == [each.id for each in reversed(rest)]
    for each in MANY:
        assert await cache.get(each.key, NOW) == (None if each in selected else each)
    assert await cache.remove(which) == 0


async def test_a_listing_counts_also_what_it_does_not_show(cache: Cache):
    for number in range(20):
        await cache.put(replace(meant(number), stored=NOW + number * SECOND, body=b"12345"))

    listing = await cache.list(EVERYTHING, limit=3)
    assert [each.id for each in listing.replies] == ["cr_19", "cr_18", "cr_17"]
    assert listing.count == 20
    turns = sum(len(f"Question {number}?") for number in range(20))
    assert listing.size == 20 * (5 + 4 * 384) + turns
    nothing = await cache.list(EVERYTHING, limit=0)
    assert (nothing.replies, nothing.count, nothing.size) == ((), 20, listing.size)


async def test_a_listing_goes_on_after_any_place(cache: Cache):
    same = [replace(reply(number), stored=NOW) for number in range(3)]
    newer = replace(reply(3), stored=NOW + SECOND)
    for each in (*same, newer):
        await cache.put(each)

    seen, after = [], None
    while replies := (await cache.list(EVERYTHING, limit=2, after=after)).replies:
        seen += [each.id for each in replies]
        after = (replies[-1].stored, replies[-1].id)
    assert seen == ["cr_3", "cr_2", "cr_1", "cr_0"]
    rest = await cache.list(EVERYTHING, limit=2, after=(NOW, "cr_1"))
    assert ([each.id for each in rest.replies], rest.count) == (["cr_0"], 4)
    older = await cache.list(
        Selection(organisation=reply(0).organisation), limit=9, after=(NOW, "")
    )
    assert older.replies == ()


async def test_many_are_forgotten_at_once(cache: Cache):
    await asyncio.gather(*(cache.put(meant(number)) for number in range(700)))
    assert await cache.remove(EVERYTHING) == 700
    assert (await cache.list(EVERYTHING, limit=1)).count == 0


# Together


async def test_many_at_once_each_find_their_own(cache: Cache):
    async def client(number: int) -> None:
        own = meant(number)
        await cache.put(own)
        assert await cache.get(own.key, NOW) == own
        await cache.used(own.id, NOW)
        assert await cache.get(own.key, NOW) == replace(own, hits=1)

    await asyncio.gather(*(client(number) for number in range(100)))
    assert (await cache.list(EVERYTHING, limit=0)).count == 100


async def test_a_put_that_is_cancelled_is_there_whole_or_not_at_all(cache: Cache):
    putting = asyncio.create_task(cache.put(meant(1)))
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.gather(putting, return_exceptions=True)
    assert await cache.get(reply(1).key, NOW) in {None, meant(1)}

    await cache.put(meant(1))
    assert await cache.get(reply(1).key, NOW) == meant(1)
    assert (await cache.list(EVERYTHING, limit=0)).count == 1


async def test_closing_twice_is_closing(cache: Cache):
    await cache.close()
