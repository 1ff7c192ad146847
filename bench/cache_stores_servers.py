"""What the cache costs on servers of its own: PostgreSQL with pgvector, Redis with vector search.

``python -m bench.cache_stores_servers [--replies N] [--stores NAME ...] [--json FILE]``: half of
the replies are in one partition, the others in partitions of 1,000. The servers run on this machine,
behind a socket file, with their settings as they come; Redis writes nothing to disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from bench.cache_stores import NOW, Source
from tests.support.caches import near
from tests.support.servers import PostgresServer, RedisServer, Server

from pointsman.storage.cache_postgres import PostgresCache
from pointsman.storage.cache_redis import RedisCache
from pointsman.types import CachedReply, Selection, Vector

#: Replies of a small partition.
SMALL = 1000
#: Puts under way at a time.
CLIENTS = 16
#: Calls of each kind that are timed, one after the other.
TIMES = 200
PATIENCE_S = 600.0

Store = PostgresCache | RedisCache

STORES: dict[str, tuple[Callable[[], Server], Callable[[str], Store]]] = {
    "postgres": (
        PostgresServer,
        lambda url: PostgresCache(url, timeout_s=PATIENCE_S, max_connections=CLIENTS),
    ),
    "redis": (
        lambda: RedisServer(search=True, options=("--appendonly", "no")),
        lambda url: RedisCache(url, timeout_s=PATIENCE_S),
    ),
}


@dataclass
class Measured:
    """What one store did."""

    store: str
    replies: int
    puts_per_second: float = 0.0
    #: Of the server's folder: tables and logs, without what the server starts with.
    disk_mb: float = 0.0
    #: Of the server's processes, each to itself.
    memory_mb: float = 0.0
    #: Milliseconds of single calls: median and 99th percentile.
    ms: dict[str, tuple[float, float]] = field(default_factory=dict)
    #: Share of searches in the large partition that found the nearest.
    recall: float = 0.0
    expired_per_second: float = 0.0


def partition(number: int) -> str:
    """Return the partition of a reply."""
    return "large" if number % 2 else f"small {number // (2 * SMALL)}"


async def fill(store: Store, source: Source, numbers: range) -> None:
    """Put replies, some at a time."""
    left = iter(numbers)

    async def client() -> None:
        for number in left:
            await store.put(source.reply(number, partition(number)))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def timed(call: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Return the median and the 99th percentile of calls in milliseconds."""
    taken = []
    for number in range(TIMES):
        began = time.perf_counter()
        await call(number)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def disk_mb(server: Server) -> float:
    """Return the size of a server's files in MB."""
    return sum(each.stat().st_size for each in server.folder.rglob("*") if each.is_file()) / 1e6


async def measure(name: str, replies: int) -> Measured:
    """Fill a store, ask it, and let all expire."""
    start, connect = STORES[name]
    server, source, found = start(), Source(), Measured(name, replies)
    server.start()
    try:
        empty, store = disk_mb(server), connect(server.url)
        await store.start()
        began = time.perf_counter()
        await fill(store, source, range(replies))
        found.puts_per_second = replies / (time.perf_counter() - began)
        found.disk_mb = disk_mb(server) - empty
        found.memory_mb = server.memory() / 1e6
        await ask(store, source, found)
        began = time.perf_counter()
        gone = await store.remove(Selection(expired=NOW + timedelta(days=400)))
        found.expired_per_second = gone / (time.perf_counter() - began)
        await store.close()
    finally:
        server.stop()
    return found


async def ask(store: Store, source: Source, found: Measured) -> None:
    """Time single calls; those for the nearest ask at a cosine of .9 to a cached prompt."""
    draw = Random(1)  # noqa: S311
    large = [draw.randrange(found.replies) | 1 for _ in range(TIMES)]
    asked = [near(source.vector(number), 0.9, seed=number + 1) for number in large]
    even = [draw.randrange(found.replies) & ~1 for _ in range(TIMES)]
    other = [near(source.vector(number), 0.9, seed=number + 1) for number in even]
    right = 0

    async def nearest(within: str, vector: Vector, meant: CachedReply) -> None:
        nonlocal right
        those = await store.nearest(within, vector, limit=4, now=NOW)
        right += bool(those) and those[0].reply.vector == meant.vector

    found.ms["nearest, large partition"] = await timed(
        lambda n: nearest("large", asked[n], source.reply(large[n]))
    )
    found.recall = right / TIMES
    found.ms["nearest, small partition"] = await timed(
        lambda n: nearest(partition(even[n]), other[n], source.reply(even[n]))
    )
    found.ms["get"] = await timed(lambda n: store.get(f"{even[n]:064x}", NOW))
    found.ms["get, none"] = await timed(lambda _: store.get("nobody", NOW))
    found.ms["used"] = await timed(lambda n: store.used(f"cr_{even[n]}", NOW))
    found.ms["put"] = await timed(lambda n: store.put(source.reply(found.replies + n, "large")))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=100_000)
    parser.add_argument("--stores", nargs="*", choices=STORES, default=list(STORES))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()

    results = [asyncio.run(measure(name, asked.replies)) for name in asked.stores]
    print("| store | replies | puts/s | disk MB | memory MB | recall@1, large | expired/s |")
    print("|---|---|---|---|---|---|---|")
    for r in results:
        print(
            f"| {r.store} | {r.replies:,} | {r.puts_per_second:.0f} | {r.disk_mb:.0f}"
            f" | {r.memory_mb:.0f} | {r.recall:.3f} | {r.expired_per_second:.0f} |"
        )
    print("\n| store | call | p50 ms | p99 ms |\n|---|---|---|---|")
    for r in results:
        for call, (p50, p99) in r.ms.items():
            print(f"| {r.store} | {call} | {p50:.2f} | {p99:.2f} |")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in results], indent=2))


if __name__ == "__main__":
    main()
