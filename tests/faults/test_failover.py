"""What a failing upstream costs: in time, in further attempts, and in promises kept."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from tests.faults.rows import healthy, status
from tests.support.faulty_upstream import Asked, FaultyUpstream, Reset, Step
from tests.support.raw_client import Heard, ask
from tests.support.served import Front, Served, eventually, front, served

from pointsman.clock import ManualClock, SystemClock
from pointsman.config import ModelSettings

pytestmark = pytest.mark.full

CHAT = "/v1/chat/completions"
NOBODY = "http://127.0.0.1:1/v1"
#: Seconds that a refused connection may add to a request.
ADDED_S = 0.05
#: Attempts for each request of a total outage.
ATTEMPTS_PER_REQUEST = 1.2


@pytest.fixture
async def door() -> AsyncIterator[Front]:
    async with front() as running:
        yield running


def model(address: str, tier: str = "simple", **more: object) -> ModelSettings:
    return ModelSettings(
        provider="vllm",
        model="m",
        base_url=address,
        location="cloud",
        tier=tier,
        formats=("chat",),
        **more,
    )


async def chat(door: Front, model_name: str = "auto", *, stream: bool = False) -> Heard:
    body = {"model": model_name, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return await ask(door.address, CHAT, body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refused_connection_adds_little(door: Front, *, stream: bool):
    clock = ManualClock()
    took: dict[str, list[float]] = {"complex": [], "simple": []}
    async with FaultyUpstream(healthy) as upstream:
        models = {"first": model(NOBODY), "second": model(upstream.base_url, "complex")}
        async with served(door, models, clock=clock) as gateway:
            for _ in range(100):
                clock.advance(3600)  # the breaker has forgotten
                for asked, times in took.items():
                    began = time.perf_counter()
                    heard = await chat(door, asked, stream=stream)
                    times.append(time.perf_counter() - began)
                    assert heard.status == 200
                    entry = await gateway.books.entry(heard.headers["x-request-id"])
                    assert entry.settlement is not None
                    attempts = entry.settlement.attempts
                    assert len(attempts) == (2 if asked == "simple" else 1)

    alone, after = (statistics.median(times) for times in (took["complex"], took["simple"]))
    print(f"alone {alone * 1e3:.1f} ms, after a refusal {after * 1e3:.1f} ms (medians of 100)")  # noqa: T201 - shown with -rP
    assert after - alone <= ADDED_S


async def outage(door: Front, gateway: Served, requests: int, at_once: int) -> list[Heard]:
    """So many requests, all refused."""
    turns = asyncio.Semaphore(at_once)

    async def one() -> Heard:
        async with turns:
            return await chat(door)

    heard = await asyncio.gather(*(one() for _ in range(requests)))
    assert {each.status for each in heard} == {503}
    assert all(int(each.headers["retry-after"]) >= 1 for each in heard)
    await eventually(lambda: gateway.slots_taken == 0, "slots are free")
    return heard


@pytest.mark.parametrize("at_once", [1, 20, 100, 300])
async def test_a_total_outage_is_not_made_worse(door: Front, at_once: int):
    requests = 300
    async with (
        FaultyUpstream(lambda _: [Reset()], deaf=True) as one,
        FaultyUpstream(lambda _: [Reset()], deaf=True) as other,
    ):
        models = {"one": model(one.base_url), "other": model(other.base_url, "complex")}
        async with served(door, models, clock=SystemClock(), retries=2) as gateway:
            await outage(door, gateway, requests, at_once)
        attempts = len(one.connections) + len(other.connections)

    print(f"{requests} requests, {at_once} at once: {attempts} connections to the upstreams")  # noqa: T201 - shown with -rP
    assert attempts <= ATTEMPTS_PER_REQUEST * requests


@pytest.mark.parametrize("at_once", [1, 20, 100, 300])
async def test_nor_where_nobody_listens(door: Front, at_once: int):
    requests = 300
    models = {"one": model(NOBODY), "other": model("http://127.0.0.1:2/v1", "complex")}
    async with served(door, models, clock=SystemClock(), retries=2) as gateway:
        heard = await outage(door, gateway, requests, at_once)
        entries = [await gateway.books.entry(each.headers["x-request-id"]) for each in heard]
    attempts = sum(len(entry.settlement.attempts) for entry in entries if entry.settlement)

    print(f"{requests} requests, {at_once} at once: {attempts} attempts")  # noqa: T201 - shown with -rP
    assert attempts <= ATTEMPTS_PER_REQUEST * requests


async def test_a_promise_to_stay_away_is_kept_for_the_whole_quota_group(door: Front):
    clock = ManualClock()
    came: list[float] = []

    def limit(asked: Asked) -> Iterable[Step]:
        came.append(clock.monotonic())
        return status(429, "retry-after: 20")(asked)

    async with FaultyUpstream(limit) as limited, FaultyUpstream(healthy) as spare:
        models = {
            "small": model(limited.base_url),
            "large": model(limited.base_url, "medium"),
            "spare": model(spare.base_url, "complex"),
        }
        async with served(door, models, clock=clock) as gateway:
            for _ in range(100):
                heard = await chat(door)
                assert heard.status == 200
                entry = await gateway.books.entry(heard.headers["x-request-id"])
                assert entry.settlement is not None
                assert entry.settlement.deployment == "spare"
                clock.advance(0.99)

    assert len(came) == 5  # in 99 seconds
    assert min(later - earlier for earlier, later in pairwise(came)) >= 20


async def test_a_promise_to_stay_away_is_kept_by_those_who_wait_for_a_slot(door: Front):
    async with FaultyUpstream(status(429, "retry-after: 20")) as upstream:
        models = {"narrow": model(upstream.base_url, concurrency=1)}
        async with served(door, models, clock=ManualClock()) as gateway:
            heard = await asyncio.gather(*(chat(door) for _ in range(10)))
            await eventually(lambda: gateway.slots_taken == 0, "slots are free")

    assert {each.status for each in heard} <= {429, 503}
    assert len(upstream.log) == 1
