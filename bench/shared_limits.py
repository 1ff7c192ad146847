"""What it costs to count requests in Redis, beside counting them in memory.

``python -m bench.shared_limits [--seconds S] [--json FILE]`` has one limiter let in requests and
let them go, one after the other and 32 at a time; Redis runs on this machine, behind a socket file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

import uvloop
from tests.support.servers import RedisServer

from pointsman.access.limits import MemoryLimiter
from pointsman.access.shared_limits import SharedLimiter
from pointsman.clock import SystemClock
from pointsman.ports import RateLimiter
from pointsman.storage.limits_redis import RedisCounts
from pointsman.storage.redis_link import RedisLink
from pointsman.types import Allowance, Limits, Subject

#: Never reached: what is measured is the counting.
LIMITS = Limits(requests_per_minute=10**9, tokens_per_minute=10**9, concurrent=10**6)
ALLOWANCES = (
    Allowance(Subject("key", "acme", "pm_aaaaaaaa"), LIMITS),
    Allowance(Subject("organisation", "acme"), LIMITS),
)


@dataclass(frozen=True)
class Measured:
    """A request is let in and goes again: microseconds."""

    where: str
    at_once: int
    per_second: float
    median_us: float
    p99_us: float
    #: Processor time of this process.
    cpu_us: float


async def measure(where: str, limiter: RateLimiter, at_once: int, seconds: float) -> Measured:
    """Let in and go, `at_once` of them at a time."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def client(number: int) -> None:
        count = 0
        while (began := time.perf_counter()) < until:
            request_id = f"req_{number}_{count}"
            await limiter.admit(request_id, ALLOWANCES, 500)
            await limiter.leave(request_id, 300)
            took.append(time.perf_counter() - began)
            count += 1
            await asyncio.sleep(0)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client(number) for number in range(at_once)))
    elapsed, used = time.perf_counter() - began, time.process_time() - cpu
    cuts = quantiles(took, n=100)
    return Measured(
        where,
        at_once,
        round(len(took) / elapsed),
        round(cuts[49] * 1e6, 1),
        round(cuts[98] * 1e6, 1),
        round(used / len(took) * 1e6, 1),
    )


async def run(seconds: float) -> list[Measured]:
    """Both limiters, alone and in a crowd."""
    server, clock = RedisServer(options=["--appendonly", "no"]), SystemClock()
    server.start()
    link = RedisLink(server.url, timeout_s=5)
    try:
        shared = SharedLimiter(RedisCounts(link, gateway="bench"), clock)
        await shared.beat()
        limiters: Sequence[tuple[str, RateLimiter]] = (
            ("memory", MemoryLimiter(clock)),
            ("redis", shared),
        )
        return [
            await measure(where, limiter, at_once, seconds / 4)
            for where, limiter in limiters
            for at_once in (1, 32)
        ]
    finally:
        await link.close()
        server.stop()


def main() -> None:
    """Measure, print one table, and write it where that is wished."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [asdict(each) for each in uvloop.run(run(options.seconds))]
    for row in ({name: name for name in rows[0]}, *rows):
        print("  ".join(f"{value!s:>10}" for value in row.values()))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
