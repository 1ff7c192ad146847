"""More requests than can be served: what is still served, who has to wait, and how soon it is over.

``python -m bench.overload [--seconds S] [--json FILE]`` prints one table.

What can be served at most is set by the deployment: so many slots, each taken for as long as its
upstream waits (`load_upstream.py`). The gateway is `pointsman serve` with its defaults, two
organisations' keys, and books in a file. Loads come from processes of their own (`open_loop.py`)
whose clients give up after a while. Goodput is what was answered with 200 within that, per second
of load; the first second of each load, in which queues fill, and what is answered after its end do
not count.

Fairness: a quiet organisation asks a few times a second, at first alone, then while another floods.
Recovery: after the highest load, one of 90 % of what can be served goes on; the seconds until a
whole second of it is answered to at least 95 %. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench._processes import Running
from bench.load_gateway import KEY, make_key, start
from bench.open_loop import Load, Outcome, back_to_back, outcomes
from bench.streams import open_stream

SLOTS, SERVICE_S = 30, 0.4
CAPACITY = SLOTS / SERVICE_S  # requests a second
TIMES = (1.0, 2.0, 4.0, 10.0)
QUIET_RATE = 5.0  # requests a second


@dataclass
class Level:
    """One load, as times of what can be served."""

    times: float
    goodput: float
    refused: int
    given_up: int
    #: Of those that were answered and of those refused, in seconds.
    p50_s: float
    p99_s: float
    refusal_p99_s: float
    cpu_share: float


@dataclass
class Figures:
    """What a run found."""

    capacity: float
    levels: list[Level] = field(default_factory=list)
    recovery_s: float = 0.0
    quiet_alone_p99_s: float = 0.0
    quiet_flooded_p99_s: float = 0.0
    quiet_failed: int = 0
    refusal_cpu_us: float = 0.0

    @property
    def peak(self) -> float:
        """The best goodput of all levels."""
        return max(level.goodput for level in self.levels)

    @property
    def share(self) -> Mapping[float, float]:
        """Goodput by level, as a share of the best."""
        return {level.times: level.goodput / self.peak for level in self.levels}

    @property
    def quiet(self) -> float:
        """How many times its p99 alone a quiet organisation's p99 is while another floods."""
        return self.quiet_flooded_p99_s / self.quiet_alone_p99_s

    def table(self) -> str:
        """In words."""
        names = (
            "load",
            "goodput/s",
            "of peak",
            "refused",
            "gave up",
            "p50",
            "p99",
            "refusal",
            "CPU",
        )
        lines = ["".join(f"{name:>11}" for name in names)]
        for each in self.levels:
            cells = (
                f"{each.times:g} x",
                f"{each.goodput:.0f}",
                f"{self.share[each.times]:.0%}",
                f"{each.refused}",
                f"{each.given_up}",
                f"{each.p50_s * 1e3:.0f} ms",
                f"{each.p99_s * 1e3:.0f} ms",
                f"{each.refusal_p99_s * 1e3:.0f} ms",
                f"{each.cpu_share:.0%}",
            )
            lines.append("".join(f"{cell:>11}" for cell in cells))
        lines += [
            f"can be served: {self.capacity:.0f}/s",
            f"recovered {self.recovery_s:.0f} s after the load",
            f"CPU of a refusal: {self.refusal_cpu_us:.0f} us",
            (
                f"a quiet organisation's p99: {self.quiet_alone_p99_s * 1e3:.0f} ms alone, "
                f"{self.quiet_flooded_p99_s * 1e3:.0f} ms flooded ({self.quiet:.2f} x), "
                f"{self.quiet_failed} of its requests failed"
            ),
        ]
        return "\n".join(lines)


class Bench:
    """A gateway under load."""

    def __init__(self, gateway: Running, seconds: float, patience_s: float) -> None:
        """Each load lasts so many seconds; clients wait so long."""
        self._gateway = gateway
        self._seconds = seconds
        self._patience_s = patience_s
        self._seed = 0
        self._keys = [make_key(gateway, name) for name in ("loud", "quiet")]

    def run(self, times: Sequence[float]) -> Figures:
        """All of it, with so many times what can be served."""
        found = Figures(CAPACITY)
        outcomes(self._load(CAPACITY / 2, seconds=2.0).begin())  # warms up
        found.quiet_alone_p99_s, _ = self._quiet()
        found.levels += [self._level(each) for each in times]
        found.recovery_s = self._recovery()
        flood = self._load(CAPACITY * max(TIMES), seconds=self._quiet_s + 1.0).begin()
        time.sleep(1.0)
        found.quiet_flooded_p99_s, found.quiet_failed = self._quiet()
        outcomes(flood)
        return found

    @property
    def _quiet_s(self) -> float:
        return self._seconds * 2

    def _level(self, times: float) -> Level:
        cpu_ms, began = self._gateway.cpu_ms(), time.monotonic()
        found = outcomes(self._load(CAPACITY * times).begin())
        share = (self._gateway.cpu_ms() - cpu_ms) / 1e3 / (time.monotonic() - began)
        answered = [each for each in found if each.status == 200]
        meanwhile = [each for each in answered if 1.0 <= each.due_s + each.took_s < self._seconds]
        good = [each.took_s for each in answered]
        refused = [each.took_s for each in found if each.status >= 400]
        return Level(
            times=times,
            goodput=len(meanwhile) / (self._seconds - 1.0),
            refused=len(refused),
            given_up=sum(not each.status for each in found),
            p50_s=_percentile(good, 50),
            p99_s=_percentile(good, 99),
            refusal_p99_s=_percentile(refused, 99),
            cpu_share=share,
        )

    def _recovery(self) -> float:
        """Seconds from the end of a load until a moderate one is served again."""
        flood = self._load(CAPACITY * max(TIMES), seconds=self._seconds)
        running = flood.begin()
        time.sleep(max(0.0, self._seconds - 2.0))
        after = outcomes(self._load(CAPACITY * 0.9, seconds=10.0).begin())
        ended = outcomes(running)
        del ended
        return _recovered(after, from_s=2.0)

    def _quiet(self) -> tuple[float, int]:
        """The p99 of a quiet organisation's requests, and how many of them failed."""
        load = self._load(QUIET_RATE, seconds=self._quiet_s, key=1)
        found = outcomes(load.begin())
        failed = sum(each.status != 200 for each in found)
        return _percentile([each.took_s for each in found if each.status == 200], 99), failed

    def _load(self, rate: float, *, seconds: float | None = None, key: int = 0) -> Load:
        self._seed += 1
        return Load(
            self._gateway.port,
            self._keys[key],
            rate,
            self._seconds if seconds is None else seconds,
            self._patience_s,
            self._seed,
        )


def _recovered(found: Sequence[Outcome], from_s: float) -> float:
    """The first whole second, counted from `from_s` on, of which at least 95 % were answered."""
    last = int(max(each.due_s for each in found))
    for second in range(int(from_s), last):
        due = [each for each in found if second <= each.due_s < second + 1]
        if sum(each.status == 200 for each in due) >= 0.95 * len(due):
            return second - from_s
    return float("inf")


def _percentile(values: Sequence[float], share: int) -> float:
    if len(values) < 2:
        return sum(values)
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


async def _refused(gateway: Running, clients: int = 4, requests: int = 2000) -> float:
    """CPU microseconds of a refusal, of requests back to back."""
    load = Load(gateway.port, KEY, 1.0, 1.0, 1.0, seed=0)
    inside = await open_stream(gateway.port, 0, 60)
    await inside.begun.wait()
    cpu_ms = 0.0
    for warm in (True, False):
        before_ms = gateway.cpu_ms()
        each = (20 if warm else requests) // clients
        found = await asyncio.gather(*(back_to_back(load, each) for _ in range(clients)))
        cpu_ms = gateway.cpu_ms() - before_ms
        if any(status != 503 for statuses in found for status in statuses):
            raise SystemExit(f"not refused: {found}")
    inside.close()
    await inside.ended
    return cpu_ms * 1e3 / requests


def refusal_us() -> float:
    """CPU microseconds of a refusal, in a gateway that has room for one request."""
    with ExitStack() as stack:
        gateway = start(stack, more="[load]\nmax_in_flight = 1\nqueue = 0\n")
        return asyncio.run(_refused(gateway))


def run(seconds: float, patience_s: float, times: Sequence[float] = TIMES) -> Figures:
    """Start an upstream and a gateway, and measure."""
    with ExitStack() as stack:
        gateway = start(stack, more=f"concurrency = {SLOTS}", service_s=SERVICE_S)
        figures = Bench(gateway, seconds, patience_s).run(times)
    figures.refusal_cpu_us = refusal_us()
    return figures


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load")
    parser.add_argument("--patience", type=float, default=4.0, help="seconds that a client waits")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.seconds, options.patience)
    print(figures.table())
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")


if __name__ == "__main__":
    main()
