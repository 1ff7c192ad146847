"""How many cached replies a store takes, and whether its memory and its file stay flat.

``python -m bench.cache_stores [--replies N] [--kept N] [--json FILE]`` puts synthetic replies with
vectors through each store, more than it may keep, then lets all of them expire, and prints a table.
Then it times single calls on stores of 1,000, 10,000 and 100,000 replies in one partition.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil

from pointsman.storage.cache_memory import MemoryCache
from pointsman.storage.cache_sqlite import SqliteCache
from pointsman.types import CachedReply, Vector

T = TypeVar("T")

NOW = datetime.now(UTC)
EMBEDDER = "synthetic@1"
DIMENSIONS = 384
BODY = 300  # bytes
WORDS = 8
#: Puts under way at a time.
CLIENTS = 64
#: Distinct vectors; drawing one costs more than putting it.
VECTORS = 20_000

Store = MemoryCache | SqliteCache
Opener = Callable[[Path, int], Store]

STORES: Mapping[str, Opener] = {
    "memory": lambda _, kept: MemoryCache(max_replies=kept, max_bytes=2**40),
    "sqlite": lambda folder, kept: SqliteCache.open(
        folder / "cache.db", max_replies=kept, max_bytes=2**40
    ),
}


class Source:
    """Synthetic replies, a different one for each number."""

    def __init__(self) -> None:
        """Draw the vectors; the same each time."""
        self._rng = np.random.default_rng(1)
        drawn = self._rng.standard_normal((VECTORS, DIMENSIONS)).astype("<f4")
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        self._vectors = [row.tobytes() for row in drawn]

    def reply(self, number: int, partition: str = "p") -> CachedReply:
        """Return the reply; its words are as rare and as common as those of a language."""
        words = np.unique(self._rng.zipf(1.3, WORDS) % 2**32)
        return CachedReply(
            id=f"cr_{number}",
            key=f"{number:064x}",
            organisation="acme",
            scope="",
            route="auto",
            deployment="haiku",
            version="1",
            tier="medium",
            request_id=f"req_{number}",
            stored=NOW + timedelta(milliseconds=number),
            expires=NOW + timedelta(days=1, milliseconds=number),
            body=number.to_bytes(8, "little") + b"x" * (BODY - 8),
            cost=Decimal(number % 97 + 1) / 10**5,
            latency_ms=800.0,
            partition=partition,
            turn=f"What is synthetic question number {number} about?",
            vector=self.vector(number),
            words=tuple(words.tolist()),
        )

    def vector(self, number: int) -> Vector:
        """Return the vector of a reply's prompt."""
        return Vector(self._vectors[number % VECTORS], EMBEDDER)


@dataclass(frozen=True)
class Flow:
    """What a store did with more than it may keep; its memory in MB above that of the process."""

    store: str
    puts_per_second: float
    rss_at: dict[str, float]
    rss_expired: float
    file_mb: float
    file_mb_expired: float
    expired_per_second: float
    #: Longest that the event loop was held up by the store while all expired.
    longest_stall_ms: float


@dataclass(frozen=True)
class Calls:
    """Median microseconds of single calls on a store of some replies in one partition."""

    store: str
    replies: int
    us: dict[str, float]
    open_s: float


def rss() -> float:
    """Return the process's resident memory in MB."""
    return psutil.Process(os.getpid()).memory_info().rss / 1e6


def size(folder: Path) -> float:
    """Return the size of a folder's files in MB."""
    return sum(each.stat().st_size for each in folder.iterdir()) / 1e6


async def fill(store: Store, source: Source, numbers: range) -> None:
    """Put replies, some at a time."""
    left = iter(numbers)

    async def client() -> None:
        for number in left:
            await store.put(source.reply(number))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def stalls(until: asyncio.Task[int]) -> float:
    """Return the longest pause of the event loop in ms, above the one that was asked for."""
    longest = 0.0
    while not until.done():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - began - 0.001)
    return longest * 1000


async def flow(name: str, replies: int, kept: int) -> Flow:
    """Put `replies`, of which the store may keep `kept`; then let all expire."""
    source = Source()
    with tempfile.TemporaryDirectory() as place:
        folder, before, at = Path(place), rss(), dict[str, float]()
        store, done, spent = STORES[name](folder, kept), 0, 0.0
        for share in (0.1, 0.5, 1.0):
            began, upto = time.perf_counter(), int(replies * share)
            await fill(store, source, range(done, upto))
            spent += time.perf_counter() - began
            done = upto
            at[f"{share:.0%}"] = rss() - before
        full = size(folder)
        sweeping = asyncio.create_task(store.sweep(NOW + timedelta(days=400)))
        began = time.perf_counter()
        longest = await stalls(sweeping)
        took = time.perf_counter() - began
        swept, after = sweeping.result(), rss() - before
        await store.close()
        return Flow(name, replies / spent, at, after, full, size(folder), swept / took, longest)


async def median_us(call: Callable[[int], Awaitable[object]], times: int = 300) -> float:
    """Return the median time of calls in microseconds."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        await call(number)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e6


async def calls(name: str, replies: int) -> Calls:
    """Time single calls."""
    source = Source()
    with tempfile.TemporaryDirectory() as place:
        store = STORES[name](Path(place), replies + 1000)
        await fill(store, source, range(replies))
        opened = 0.0
        if isinstance(store, SqliteCache):
            await store.close()
            began = time.perf_counter()
            store = SqliteCache.open(Path(place) / "cache.db", max_replies=replies + 1000)
            opened = time.perf_counter() - began
            await store.load()
        asked = [frozenset(source.reply(number).words) for number in range(300)]
        us = {
            "get, first": await median_us(lambda n: store.get(f"{n:064x}", NOW)),
            "get, again": await median_us(lambda n: store.get(f"{n % 50:064x}", NOW)),
            "get, none": await median_us(lambda _: store.get("nobody", NOW)),
            "put": await median_us(lambda n: store.put(source.reply(replies + n))),
            "used": await median_us(lambda n: store.used(f"cr_{n}", NOW)),
            "plausible": await median_us(lambda n: store.plausible("p", asked[n])),
            "nearest": await median_us(
                lambda n: store.nearest("p", source.vector(n + 400), limit=4, now=NOW)
            ),
        }
        await store.close()
        return Calls(name, replies, us, opened)


def apart(measure: Callable[..., Coroutine[None, None, T]], *about: str | int) -> T:
    """Measure in a process of its own, whose memory nobody has used before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_run, measure, *about).result()


def _run(measure: Callable[..., Coroutine[None, None, T]], *about: str | int) -> T:
    return asyncio.run(measure(*about))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=1_000_000)
    parser.add_argument("--kept", type=int, default=100_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--stores", nargs="*", choices=STORES, default=list(STORES))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()

    print("| store | replies | open, s | median us: |\n|---|---|---|---|")
    timed = []
    for name in asked.stores:
        for replies in asked.sizes:
            one = apart(calls, name, replies)
            timed.append(one)
            cells = ", ".join(f"{what} {us:.0f}" for what, us in one.us.items())
            print(f"| {name} | {replies:,} | {one.open_s:.2f} | {cells} |", flush=True)
    print(
        "\n| store | puts/s | MB at 10 / 50 / 100 % | MB, all expired | file MB, full / expired"
        " | expired/s | stall ms |\n|---|---|---|---|---|---|---|"
    )
    flows = []
    for name in asked.stores if asked.replies else ():
        found = apart(flow, name, asked.replies, asked.kept)
        flows.append(found)
        at = " / ".join(f"{mb:.0f}" for mb in found.rss_at.values())
        print(
            f"| {name} | {found.puts_per_second:.0f} | {at} | {found.rss_expired:.0f}"
            f" | {found.file_mb:.0f} / {found.file_mb_expired:.0f}"
            f" | {found.expired_per_second:.0f} | {found.longest_stall_ms:.1f} |",
            flush=True,
        )
    if asked.json:
        rows = {"flows": [asdict(each) for each in flows], "calls": [asdict(t) for t in timed]}
        asked.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
