"""A rolling restart of all replicas, under load and with open streams: nothing fails, nothing is cut.

``python -m bench.rolling [--balancer haproxy|nginx] [--requests N] [--streams N] [--json FILE]``

The servers are those of `bench.replicas`. One gateway after the other is told to end (SIGTERM),
waited for and started again, round after round, until so many requests were answered; meanwhile so
many streams are open, each of which lasts some seconds. Exits with 1 where a request failed, a
stream was cut, a gateway did not end with 0, or the books are not as the clients'. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.replicas_audit import audit
from bench.replicas_clients import Crowd, Habit
from bench.replicas_house import House, Kind, house
from bench.replicas_upstream import read_log
from tests.support.exact_books import settled
from tests.support.gateway import eventually

#: Words of an open stream, one a second: what a restart has to wait for.
_STREAM_WORDS = (4, 8)
#: Clients that ask, and seconds between a reply and the next request of each.
_ASKING, _PAUSE_S = 24, 0.1


@dataclass
class Figures:
    """What a run found."""

    requests: int = 0
    streams: int = 0
    #: At a time, on the average over the restarts.
    open_streams: float = 0.0
    restarts: int = 0
    #: Seconds from SIGTERM to the end of a gateway, each.
    ending_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        """In words."""
        rows = {
            "requests": f"{self.requests} and {self.streams} long streams in {self.seconds:.0f} s",
            "open streams": f"{self.open_streams:.0f} on the average",
            "restarts": f"{self.restarts}, each over after {min(self.ending_s, default=0):.1f} to "
            f"{max(self.ending_s, default=0):.1f} s",
            "wrong": "nothing" if not self.wrong else "; ".join(self.wrong[:20]),
        }
        return "\n".join(f"{name:<16}{value}" for name, value in rows.items())


async def roll(home: House, is_enough: Callable[[], bool], found: Figures) -> None:
    """Restart one after the other, all of them at least once."""
    for number in itertools.count():
        if number >= home.replicas.count and is_enough():
            return
        gateway = home.replicas.gateways[number % home.replicas.count]
        began = time.monotonic()
        code = await asyncio.to_thread(gateway.stop)
        found.ending_s.append(time.monotonic() - began)
        if code:
            found.wrong.append(f"a gateway ended with {code}")
        await asyncio.to_thread(gateway.start)
        found.restarts += 1
        await asyncio.sleep(1.5)  # the balancer finds out that it is back


async def measure(home: House, requests: int, streams: int) -> Figures:
    """Ask and restart, then look at everything."""
    keys, found = await asyncio.to_thread(home.keys, "free", "listening"), Figures()
    crowd = Crowd(
        home.balancer.url,
        [
            Habit("free", keys["free"], clients=_ASKING, pause_s=_PAUSE_S),
            Habit(
                "listening",
                keys["listening"],
                clients=streams,
                pause_s=0.5,
                words=_STREAM_WORDS,
                streams=1.0,
                gap_s=1.0,
            ),
        ],
    )

    def ended() -> int:
        return sum(each.ended > 0 and each.organisation == "free" for each in crowd.heard)

    began = time.monotonic()
    asking = asyncio.create_task(crowd.run())
    counting = asyncio.create_task(_count(crowd, found))
    await asyncio.sleep(2)
    await roll(home, lambda: ended() >= requests, found)
    counting.cancel()
    crowd.stop()
    await asking
    found.seconds = time.monotonic() - began
    await asyncio.to_thread(_look, home, crowd, found)
    return found


async def _count(crowd: Crowd, found: Figures) -> None:
    """How many streams are open, now and then."""
    for times in itertools.count(1):
        await asyncio.sleep(0.5)
        there = sum(each.organisation == "listening" and not each.ended for each in crowd.heard)
        found.open_streams += (there - found.open_streams) / times


def _look(home: House, crowd: Crowd, found: Figures) -> None:
    gateway = home.replicas.gateways[0]
    books = eventually(lambda: settled(gateway), "every entry is settled")
    held = audit(crowd.heard, read_log(home.log), books)
    found.streams = sum(each.organisation == "listening" for each in crowd.heard)
    found.requests = len(crowd.heard) - found.streams
    passed = home.balancer.passed()
    found.wrong += held.wrong
    found.wrong += [
        f"{each.name} failed: {each.error or each.status}, {passed.get(each.name)}"
        for each in crowd.heard
        if not each.whole
    ]
    found.wrong += home.replicas.errors()


def run(kind: Kind, requests: int, streams: int) -> Figures:
    """Start everything, measure, and end it."""
    with house(kind) as home:
        return asyncio.run(measure(home, requests, streams))


def main() -> None:
    """Measure, print, and say by the exit code whether all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--balancer", choices=("haproxy", "nginx"), default="haproxy")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = run(options.balancer, options.requests, options.streams)
    print(found.table())
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=1))
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
