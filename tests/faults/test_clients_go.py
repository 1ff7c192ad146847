"""Clients that leave at each event of a stream, or read no further: rows C2 and C3 of the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest
from tests.faults import record, table
from tests.faults.record import Seen
from tests.faults.rows import begun, sse
from tests.support.chat_bytes import DONE, delta, usage_event
from tests.support.faulty_upstream import Asked, FaultyUpstream, Hang, Send, Step, chunk
from tests.support.raw_client import Connection, connected, request
from tests.support.served import Baseline, Front, Served, eventually, front, served

from pointsman.server.protocol import BoundedProtocol
from pointsman.types import Entry

pytestmark = pytest.mark.full

WORDS = [f"word-{number} " for number in range(8)]
EVENTS = [*(delta(word) for word in WORDS), delta(finish="stop"), usage_event(), DONE]
#: Bytes that may be under way between an upstream and a client that takes nothing: the buffers of
#: two connections, which Linux lets grow to a few MB each, and the gateway's own 64 KiB.
UNDER_WAY = 32 * 2**20


class Impatient(BoundedProtocol):
    """As it is, but sooner."""

    STALL_S = 0.3


@dataclass
class Teller:
    """Sends so many events, then waits for the client to leave; or all, a little slower."""

    told: int = 0
    pause_s: float | None = None
    more: Iterable[Step] = field(default_factory=tuple)

    def __call__(self, _: Asked) -> Iterable[Step]:
        if self.more:
            return self.more
        if self.pause_s is not None:
            rest = [
                step
                for one in EVENTS[self.told :]
                for step in (Hang(self.pause_s), Send(chunk(one)))
            ]
            return [*begun(*EVENTS[: self.told]), *rest, Send(chunk(b""))]
        if self.told == len(EVENTS):
            return sse(*EVENTS)
        return [*begun(*EVENTS[: self.told]), Hang()]


@dataclass(frozen=True)
class Bench:
    """A gateway with one deployment that cancels, one that drains, and what both do."""

    door: Front
    gateway: Served
    upstream: FaultyUpstream
    teller: Teller

    async def only_entry(self) -> Entry:
        """The entry that was settled last, the only new one."""
        settled = self.gateway.books.settled_entries
        await eventually(lambda: settled, "it is settled")
        await eventually(lambda: self.gateway.slots_taken == 0, "slots are free")
        await eventually(lambda: self.upstream.at_work == 0, "the upstream is left alone")
        (entry,) = settled
        settled.clear()
        return entry


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    teller = Teller()
    async with front(Impatient) as door, FaultyUpstream(teller) as upstream:
        models = {
            "cancels": table.model(upstream.base_url, "simple", {}),
            "drains": table.model(upstream.base_url, "simple", {"on_disconnect": "drain"}),
        }
        baseline = Baseline()
        async with served(door, models) as gateway:
            yield Bench(door, gateway, upstream, teller)
            await baseline.has_no_tasks_but(upstream.serving | gateway.rounds)
        await baseline.is_back()


async def ask_for(connection: Connection, name: str, model: str = "cancels") -> None:
    """Send a streamed request in that way."""
    way = next(each for each in table.WAYS if each.name == name)
    await connection.send(request(way.path, {**way.body, "model": model}))


def go(connection: Connection, how: str) -> None:
    """Leave: RST, or else FIN when the connection's block ends."""
    if how == "reset":
        connection.reset()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_before_the_first_byte(bench: Bench, how: str):
    seen: list[Seen] = []
    for name in ("whole", "streamed", "messages"):
        before = len(bench.upstream.log)
        async with connected(bench.door.address) as connection:
            await ask_for(connection, name)
            await eventually(lambda n=before: len(bench.upstream.log) > n, "the upstream is asked")
            go(connection, how)
        seen.append(Seen(name, "nothing", table.books(await bench.only_entry())))

    record.check("C3a", "leaves before the first byte", seen)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_at_each_event(bench: Bench, how: str):
    seen: dict[str, set[str]] = {"streamed": set(), "messages": set()}
    for name, books in seen.items():
        for told in range(1, len(WORDS) + 1):
            bench.teller.told = told
            async with connected(bench.door.address) as connection:
                await ask_for(connection, name)
                heard = await connection.hear(until=WORDS[told - 1].encode())
                go(connection, how)
            entry = await bench.only_entry()
            books.add(table.books(entry))
            assert entry.settlement is not None
            assert entry.settlement.usage is not None
            assert entry.request_id == heard.headers["x-request-id"]
            written = sum(map(len, WORDS[:told]))
            assert entry.settlement.usage.output_tokens == -(-written // 4)

    found = [Seen(name, "what came until then", ", ".join(books)) for name, books in seen.items()]
    record.check("C3b", "leaves at any event of a stream", found)


async def test_when_all_is_there(bench: Bench):
    bench.teller.told = len(EVENTS)
    seen: list[Seen] = []
    for name in ("streamed", "messages"):
        async with connected(bench.door.address) as connection:
            await ask_for(connection, name)
            assert (await connection.hear()).whole
            connection.reset()
        seen.append(Seen(name, "200, all of it", table.books(await bench.only_entry())))

    record.check("C3c", "leaves as soon as all is there", seen)


async def test_a_drained_upstream_is_heard_to_the_end(bench: Bench):
    bench.teller.told, bench.teller.pause_s = 2, 0.02
    seen: list[Seen] = []
    for name in ("streamed", "messages"):
        async with connected(bench.door.address) as connection:
            await ask_for(connection, name, "drains")
            await connection.hear(until=WORDS[1].encode())
        entry = await bench.only_entry()
        assert bench.upstream.log[-1].ended == "done"
        seen.append(Seen(name, "what came until then", table.books(entry)))

    record.check("C3d", 'leaves a deployment with `on_disconnect = "drain"`', seen)


async def test_reading_no_further(bench: Bench):
    page = json.dumps("x" * 100_000)[1:-1]
    bench.teller.more = chain(begun(), repeat(Send(chunk(delta(page)))))
    async with connected(bench.door.address) as connection, asyncio.timeout(table.PATIENCE_S):
        await ask_for(connection, "streamed")
        await connection.hear(until=b"xxx")
        entry = await bench.only_entry()
        assert await connection.is_closed()

    assert bench.upstream.log[0].sent < UNDER_WAY
    seen = Seen("streamed", "what it took until then, closed", table.books(entry))
    record.check("C2", "reads a part of an endless stream, and no further", [seen])
