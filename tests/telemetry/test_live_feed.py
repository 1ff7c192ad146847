"""Watching entries as they are settled: nobody waits for who watches, and nothing piles up."""

import asyncio
import io
from collections.abc import Callable

import msgspec
import pytest
from tests.support.entries import entry

from pointsman.errors import RateLimited
from pointsman.telemetry.decisions import DecisionLog
from pointsman.telemetry.live import MOST_WAITING, MOST_WATCHERS, Live
from pointsman.types import ALL_ENTRIES, Entry, Filter, Principal, Seen

ACME = Principal("acme", "k1")


class Encoder:
    """Knows what it has encoded."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def __call__(self, entry: Entry) -> bytes:
        self.encoded.append(entry.request_id)
        return entry.request_id.encode()


@pytest.fixture
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture
def live(encoder: Encoder) -> Live:
    return Live(DecisionLog(io.StringIO(), "text"), encoder, pause_s=0)


def settle(live: Live, *names: str, **more: str) -> None:
    for name in names:
        live.settled(entry(name, **more))


async def test_entries_come_in_order_and_together(live: Live) -> None:
    watch = live.watch(ALL_ENTRIES, ACME)

    settle(live, "a", "b", "c")

    assert await watch.next() == Seen((b"a", b"b", b"c"))
    settle(live, "d")
    assert await watch.next() == Seen((b"d",))


async def test_who_waits_is_told_at_once(live: Live) -> None:
    watch = live.watch(ALL_ENTRIES, ACME)
    waiting = asyncio.create_task(watch.next())
    await asyncio.sleep(0)

    settle(live, "a")

    assert await waiting == Seen((b"a",))


async def test_what_comes_within_the_pause_comes_together(encoder: Encoder) -> None:
    live = Live(DecisionLog(io.StringIO(), "text"), encoder, pause_s=0.02)
    watch = live.watch(ALL_ENTRIES, ACME)
    settle(live, "a")
    assert await watch.next() == Seen((b"a",))
    settle(live, "b")
    waiting = asyncio.create_task(watch.next())
    await asyncio.sleep(0)

    settle(live, "c")

    assert await waiting == Seen((b"b", b"c"))


async def test_silence_is_said(encoder: Encoder) -> None:
    live = Live(DecisionLog(io.StringIO(), "text"), encoder, heartbeat_s=0)

    assert await live.watch(ALL_ENTRIES, ACME).next() == Seen()


async def test_nothing_is_encoded_that_nobody_sees_and_nothing_twice(
    live: Live, encoder: Encoder
) -> None:
    settle(live, "before")
    watches = [live.watch(ALL_ENTRIES, ACME) for _ in range(3)]
    other = live.watch(Filter(organisation="globex"), Principal("globex", "k2"))
    settle(live, "a", "b")
    assert encoder.encoded == []

    for watch in watches:
        assert await watch.next() == Seen((b"a", b"b"))

    assert encoder.encoded == ["a", "b"]
    settle(live, "c", organisation="globex")
    assert await other.next() == Seen((b"c",))


async def test_who_does_not_look_loses_the_oldest_and_is_told_how_many(
    live: Live, encoder: Encoder
) -> None:
    slow, quick = live.watch(ALL_ENTRIES, ACME), live.watch(ALL_ENTRIES, ACME)
    names = [str(number) for number in range(MOST_WAITING + 100)]
    settle(live, *names[:MOST_WAITING])
    assert len((await quick.next() or Seen()).entries) == MOST_WAITING

    settle(live, *names[MOST_WAITING:])

    assert await quick.next() == Seen(tuple(name.encode() for name in names[MOST_WAITING:]))
    assert await slow.next() == Seen(tuple(name.encode() for name in names[100:]), dropped=100)
    settle(live, "last")
    assert await slow.next() == Seen((b"last",))
    assert len(encoder.encoded) == len(names) + 1


@pytest.mark.parametrize("waits", [True, False])
async def test_everybody_is_told_of_the_end(live: Live, *, waits: bool) -> None:
    watch = live.watch(ALL_ENTRIES, ACME)
    waiting = asyncio.create_task(watch.next())
    if waits:
        await asyncio.sleep(0)

    live.close()
    live.close()

    assert await waiting is None
    assert await watch.next() is None
    watch.close()


async def test_who_has_closed_hears_nothing_more(live: Live, encoder: Encoder) -> None:
    watch = live.watch(ALL_ENTRIES, ACME)
    watch.close()

    settle(live, "a")

    assert await watch.next() is None
    assert encoder.encoded == []


async def test_a_key_has_so_many_watchers_and_takes_no_place_of_anothers(live: Live) -> None:
    mine = [live.watch(ALL_ENTRIES, ACME) for _ in range(MOST_WATCHERS)]

    with pytest.raises(RateLimited, match="watch with this key already"):
        live.watch(ALL_ENTRIES, ACME)

    live.watch(ALL_ENTRIES, Principal("acme", "k2"))
    mine[3].close()
    live.watch(ALL_ENTRIES, ACME)


async def test_the_other_observer_is_told_all_the_same() -> None:
    lines = io.StringIO()
    log = DecisionLog(lines, "json")
    live = Live(log, msgspec.json.encode)

    settle(live, "a")
    live.watch(ALL_ENTRIES, ACME)
    settle(live, "b")
    log.close()

    told = [msgspec.json.decode(line)["request_id"] for line in lines.getvalue().splitlines()]
    assert told == ["a", "b"]


FILTERS: dict[str, Callable[[Entry], object]] = {
    "organisation": lambda each: each.principal.organisation,
    "key": lambda each: each.principal.key,
    "user": lambda each: each.principal.user,
    "deployment": lambda each: each.settlement and each.settlement.deployment,
    "served_tier": lambda each: each.settlement and each.settlement.served_tier,
    "outcome": lambda each: each.outcome,
    "cache": lambda each: each.lookup.state,
    "model_asked": lambda each: each.model_asked,
}


@pytest.mark.parametrize("name", FILTERS)
async def test_each_filter_lets_its_own_through(live: Live, name: str) -> None:
    wanted = entry("a", user="ada")
    which = Filter(**{name: FILTERS[name](wanted)})
    watch = live.watch(which, ACME)
    other = entry(
        "b",
        organisation="globex",
        key="k2",
        user="bob",
        deployment="large",
        tier="complex",
        outcome="failed",
        cache="exact",
        model_asked="cloud",
    )

    live.settled(other)
    live.settled(wanted)

    assert await watch.next() == Seen((b"a",))


async def test_times_are_a_filter_too(live: Live) -> None:
    noon = entry("a").time
    since, until = live.watch(Filter(since=noon), ACME), live.watch(Filter(until=noon), ACME)

    live.settled(entry("before", noon.replace(hour=11)))
    live.settled(entry("at"))

    assert await since.next() == Seen((b"at",))
    assert await until.next() == Seen((b"before",))
