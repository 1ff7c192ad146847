"""What every bus does between gateways."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from tests.support import servers
from tests.support.gateways import Told, until

from pointsman.ports import Bus
from pointsman.storage.bus_memory import Hub, MemoryBus
from pointsman.storage.bus_redis import RedisBus

_numbers = itertools.count()


@dataclass
class Party:
    """Buses that meet."""

    make: Callable[[Told], Bus]
    stack: AsyncExitStack
    observer: Told = field(default_factory=Told)

    async def bus(self, hears: dict[str, list[bytes]]) -> Bus:
        """One that is started, and where each topic's messages go."""
        bus = self.make(self.observer)
        for topic, messages in hears.items():
            bus.subscribe(topic, messages.append)
        await self.add(bus)
        return bus

    async def add(self, bus: Bus) -> None:
        await bus.start()
        await bus.start()
        self.stack.push_async_callback(bus.close)
        if isinstance(bus, RedisBus):
            await until(lambda: bus.is_connected)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.full)])
async def party(request: pytest.FixtureRequest) -> AsyncIterator[Party]:
    hub, prefix = Hub(), f"{next(_numbers)}:"

    def redis(observer: Told) -> Bus:
        gateway = f"g{next(_numbers):08}"
        return RedisBus(servers.redis().url, observer, gateway=gateway, prefix=prefix)

    async with AsyncExitStack() as stack:
        make = redis if request.param == "redis" else lambda observer: MemoryBus(observer, hub)
        yield Party(make, stack)


async def test_the_others_hear_what_one_says_on_their_topics(party: Party) -> None:
    ann: dict[str, list[bytes]] = {"keys": [], "cache": []}
    bob: dict[str, list[bytes]] = {"keys": [], "end": []}
    cid: dict[str, list[bytes]] = {"cache": [], "end": []}
    first, second, _ = [await party.bus(each) for each in (ann, bob, cid)]
    every_byte = bytes(range(256))
    first.publish("keys", b"")
    first.publish("cache", every_byte)
    first.publish("nobody", b"cares")
    first.publish("end", b"1")
    second.publish("keys", b"2")
    await until(lambda: bob["end"] and cid["end"] and ann["keys"])
    assert ann == {"keys": [b"2"], "cache": []}
    assert bob == {"keys": [b""], "end": [b"1"]}
    assert cid == {"cache": [every_byte], "end": [b"1"]}


async def test_what_one_says_is_heard_in_order(party: Party) -> None:
    heard: list[bytes] = []
    await party.bus({"numbers": heard})
    speaker = await party.bus({"numbers": []})
    for number in range(300):
        speaker.publish("numbers", b"%d" % number)
    await until(lambda: len(heard) == 300)
    assert heard == [b"%d" % number for number in range(300)]


async def test_somebody_who_fails_takes_nothing_from_others(party: Party) -> None:
    heard: list[bytes] = []
    bus = party.make(party.observer)

    def fail(payload: bytes) -> None:
        raise ValueError(f"no {payload.decode()}")

    bus.subscribe("a", fail)
    bus.subscribe("a", heard.append)
    await party.add(bus)
    speaker = await party.bus({"a": []})
    speaker.publish("a", b"1")
    speaker.publish("a", b"2")
    await until(lambda: len(heard) == 2)
    assert party.observer.faults == [("bus", "no 1"), ("bus", "no 2")]


async def test_before_the_start_and_after_the_end_nobody_hears_and_nothing_breaks(
    party: Party,
) -> None:
    heard: list[bytes] = []
    listener = await party.bus({"a": heard})
    early = party.make(party.observer)
    await early.close()
    early.publish("a", b"not started")
    speaker = await party.bus({"a": []})
    await listener.close()
    await listener.close()
    listener.publish("a", b"closed")
    again: list[bytes] = []
    await party.bus({"a": again})
    speaker.publish("a", b"now")
    await until(lambda: again)
    assert (heard, again) == ([], [b"now"])
