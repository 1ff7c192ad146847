"""Entries of one gateway seen at another, as long as somebody watches there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.support.entries import NOON, entry
from tests.support.gateways import Told

from pointsman.clock import ManualClock
from pointsman.ledger.view import entry_json
from pointsman.storage.bus_memory import Hub, MemoryBus
from pointsman.telemetry.afar import COUNTS_S, MOST_A_SECOND, Afar
from pointsman.telemetry.live import Live, Watcher
from pointsman.types import ALL_ENTRIES, Filter, Principal

ANN = Principal("acme", "pm_aaaaaaaa")


@dataclass
class Gateway:
    live: Live
    afar: Afar
    bus: MemoryBus
    observer: Told

    @classmethod
    async def started(cls, hub: Hub, clock: ManualClock) -> Gateway:
        observer = Told()
        live, bus = Live(observer, entry_json, pause_s=0, heartbeat_s=5), MemoryBus(observer, hub)
        afar = Afar(live, bus, clock)
        await bus.start()
        return cls(live, afar, bus, observer)

    def watch(self, which: Filter = ALL_ENTRIES) -> Watcher:
        return self.live.watch(which, ANN)


async def heard() -> None:
    """Let what was said be heard."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_one_settles_is_seen_at_the_other() -> None:
    hub, clock = Hub(), ManualClock()
    here, there = [await Gateway.started(hub, clock) for _ in range(2)]
    watcher = there.watch(Filter(organisation="acme"))
    await heard()
    one, other = entry("r1"), entry("r2", organisation="other")
    here.live.settled(one)
    here.live.settled(other)
    seen = await watcher.next()
    assert seen
    assert seen.entries == (entry_json(one),)
    # Who watches is shown it; who counts and logs has it from the gateway that settled it.
    assert (here.observer.settled_entries, there.observer.settled_entries) == ([one, other], [])
    watcher.close()


async def test_nothing_is_sent_unless_somebody_watches() -> None:
    hub, clock = Hub(), ManualClock()
    here, there = [await Gateway.started(hub, clock) for _ in range(2)]
    sent: list[bytes] = []
    listener = MemoryBus(Told(), hub)
    listener.subscribe("settled", sent.append)
    await listener.start()

    here.live.settled(entry("r1"))
    await heard()
    assert sent == []

    watcher = there.watch()
    await heard()
    for _ in range(3):  # it is said again as long as it is so
        clock.advance(COUNTS_S - 1)
        await there.afar.beat()
        await heard()
        here.live.settled(entry("r2"))
    await heard()
    assert len(sent) == 3

    watcher.close()
    await there.afar.beat()
    clock.advance(COUNTS_S)
    here.live.settled(entry("r3"))
    await heard()
    assert len(sent) == 3


async def test_a_flood_is_cut_by_the_second() -> None:
    hub, clock = Hub(), ManualClock()
    here, there = [await Gateway.started(hub, clock) for _ in range(2)]
    watcher = there.watch()
    await heard()
    shown = 0
    for _ in range(2):
        for number in range(MOST_A_SECOND + 50):
            here.live.settled(entry(f"r{number}"))
        await heard()
        seen = await watcher.next()
        assert seen
        shown += len(seen.entries) + seen.dropped
        clock.advance(1)
    assert shown == 2 * MOST_A_SECOND


async def test_what_another_version_says_is_not_shown() -> None:
    hub, clock = Hub(), ManualClock()
    there = await Gateway.started(hub, clock)
    stranger = MemoryBus(Told(), hub)
    await stranger.start()
    watcher = there.watch()
    for payload in (b"", b"\xc1", b"\x80", b"[]"):
        stranger.publish("settled", payload)
    await heard()
    there.live.settled(entry("r1", NOON))
    seen = await watcher.next()
    assert seen
    assert seen.entries == (entry_json(entry("r1", NOON)),)
    assert there.observer.faults == []
