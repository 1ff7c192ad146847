"""A reply cut off at every single byte: never a clean end of what was not whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import pytest
from tests.faults import table
from tests.support.chat_bytes import completion, delta, events, said, understood
from tests.support.faulty_upstream import (
    STREAM_HEAD,
    Asked,
    Close,
    FaultyUpstream,
    Send,
    Step,
    head,
)
from tests.support.raw_client import Heard, ask
from tests.support.served import Baseline, Front, Served, eventually, front, served

from pointsman.clock import ManualClock
from pointsman.types import Entry

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

TEXT = "Été 🚂."
BODY = b"".join([*said(TEXT, 3), *events()[-3:]])
#: Where the model has said all it had to say, and where its reply has begun.
FINISHED_AT = BODY.index(delta(finish="stop")) + len(delta(finish="stop").rstrip())
BEGUN_AT = len(said(TEXT, 3)[0])
WHOLE = completion(TEXT)


@dataclass
class Cut:
    """Sends so much of a body, and closes."""

    at: int = 0
    #: The body's length is told by chunks; else it ends with the connection.
    framed: bool = True

    def __call__(self, asked: Asked) -> Iterable[Step]:
        if not asked.stream:
            opening = head(length=len(WHOLE)) if self.framed else head()
            return [Send(opening + WHOLE[: self.at]), Close()]
        opening = (
            STREAM_HEAD + b"%x\r\n" % len(BODY) if self.framed else head(200, "text/event-stream")
        )
        return [Send(opening + BODY[: self.at]), Close()]


@dataclass(frozen=True)
class Bench:
    """A gateway with one deployment, and what cuts its replies."""

    door: Front
    gateway: Served
    upstream: FaultyUpstream
    cut: Cut
    clock: ManualClock

    async def ask(self, way: table.Way, at: int) -> tuple[Heard, Entry]:
        """What comes of a reply that is cut there."""
        self.clock.advance(3600)  # the breaker has forgotten
        self.cut.at = at
        heard = await ask(self.door.address, way.path, way.body)
        assert heard.whole
        return heard, await self.gateway.books.entry(heard.headers["x-request-id"])


@pytest.fixture(params=[True, False], ids=["framed", "until the end"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    cut, clock = Cut(framed=request.param), ManualClock()
    async with front() as door, FaultyUpstream(cut) as upstream:
        models = {"cut": table.model(upstream.base_url, "simple", {})}
        baseline = Baseline()
        async with served(door, models, clock=clock, retries=0) as gateway:
            yield Bench(door, gateway, upstream, cut, clock)
            await eventually(lambda: gateway.slots_taken == 0, "slots are free")
            await eventually(lambda: upstream.at_work == 0, "the upstream is left alone")
            await baseline.has_no_tasks_but(upstream.serving | gateway.rounds)
        await baseline.is_back()


def way(name: str) -> table.Way:
    found = next(each for each in table.WAYS if each.name == name)
    return table.Way(found.name, found.path, found.stream, model="simple")


@pytest.mark.parametrize("name", ["streamed", "messages"])
async def test_a_stream(bench: Bench, name: str):
    seen: set[str] = set()
    for at in range(len(BODY) + 1):
        heard, entry = await bench.ask(way(name), at)
        settled = entry.settlement
        assert settled is not None
        if heard.status != 200:
            seen.add("error")
            assert (heard.status, entry.outcome) == (503, "failed"), at
            assert at < BEGUN_AT or bench.cut.framed, at
            continue
        stream = understood(heard.body)
        assert TEXT.startswith(stream.text), at
        assert not stream.more_follows, at
        assert settled.usage is not None
        if stream.endings:
            seen.add("whole")
            assert (stream.endings, stream.errors, entry.outcome) == (1, 0, "completed"), at
            assert stream.text == TEXT, at
            assert at >= FINISHED_AT, at
        else:
            seen.add("broken")
            assert (stream.errors, entry.outcome) == (1, "failed"), at
            assert at < len(BODY), at

    assert seen == {"error", "broken", "whole"}
    assert stream.endings == 1  # of all of it


async def test_a_whole_reply(bench: Bench):
    for at in range(len(WHOLE) + 1):
        heard, entry = await bench.ask(way("whole"), at)
        whole = at == len(WHOLE)
        assert (heard.status, entry.outcome) == (
            (200, "completed") if whole else (503, "failed")
        ), at
