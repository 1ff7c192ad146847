"""Three replicas under load, one of which is killed every ten seconds.

``python -m bench.replicas [--balancer haproxy|nginx] [--seconds S] [--every S] [--json FILE]``

Real servers stand on this machine: PostgreSQL, Redis, three gateways of `pointsman serve` and the
balancer, configured as shipped in `deploy/proxy`. Clients of four organisations ask through the
balancer: one without bounds, one with a limit of requests, one with a limit of open requests, one
with a budget. All the while, keys are made at one gateway and revoked at another. Afterwards the
clients' own books, the upstream's and the gateways' are held against each other; exits with 1 where
anything is wrong. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from bench.replicas_audit import Findings, audit, budget, crowding, rate, unexplained
from bench.replicas_clients import Crowd, Habit
from bench.replicas_house import BUDGET, OPEN, PER_MINUTE, House, Kind, house, lets_in
from bench.replicas_upstream import read_log
from tests.support.exact_books import Record, records
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import differences

#: Seconds after a kill until the gateway is started again.
_DOWN_S = 1.0
#: Seconds between two keys that are revoked.
_REVOKE_S = 3.0
#: Seconds after which entries of a killed gateway are closed by the others: see
#: docs/how-to/share-the-books.md; then some for busy machines.
_SWEPT_S = 200.0
_REVOKED_WITHIN_S = 1.0


def habits(home: House) -> list[Habit]:
    """How the four organisations ask."""
    keys = home.keys("free", "limited", "crowded", "spender")
    return [
        Habit("free", keys["free"], clients=12, pause_s=0.3),
        Habit("limited", keys["limited"], clients=2, pause_s=0.4),
        Habit("crowded", keys["crowded"], clients=6, pause_s=0.4),
        Habit("spender", keys["spender"], clients=3, pause_s=0.4),
    ]


async def kill_on(home: House, seconds: float, every_s: float) -> None:
    """Kill one gateway after the other, and start each again."""
    until = time.monotonic() + seconds
    for number in itertools.cycle(range(home.replicas.count)):
        await asyncio.sleep(max(0.0, every_s - _DOWN_S))
        if time.monotonic() > until:
            return
        await asyncio.to_thread(home.replicas.kill, number)
        await asyncio.sleep(_DOWN_S)
        await asyncio.to_thread(home.replicas.gateways[number].start)


async def revoke_on(home: House, found: list[float]) -> None:
    """Make a key at one gateway and revoke it at the next, again and again."""
    for number in itertools.count():
        await asyncio.sleep(_REVOKE_S)
        seconds = await asyncio.to_thread(_revoke, home, number % home.replicas.count)
        if seconds is not None:
            found.append(seconds)


def _revoke(home: House, at: int) -> float | None:
    """Seconds after which none lets it in; None where the gateway that is asked is not there."""
    others = home.replicas.gateways[at:] + home.replicas.gateways[:at]
    try:
        name, text = home.key("revoked", at=at)
        for other in others:
            eventually(lambda other=other: lets_in(other, text) is not False, "it is let in")
        deleted = others[0].send("DELETE", f"/v1/keys/{name}")
    except (OSError, HTTPException):
        return None
    if deleted.status != HTTPStatus.OK:
        raise SystemExit(f"the key could not be revoked: {deleted.body!r}")
    began, last = time.monotonic(), 0.0
    while any(answers := [lets_in(other, text) for other in others]) or None in answers:
        last = time.monotonic() - began if any(answers) else last
        time.sleep(0.02)
    return last


async def measure(home: House, seconds: float, every_s: float, *, swept: bool) -> Findings:
    """Ask, kill and revoke for so long, then look at everything; see `run`."""
    crowd = Crowd(home.balancer.url, await asyncio.to_thread(habits, home), keeps=False)
    revoked: list[float] = []
    asking = asyncio.create_task(crowd.run())
    revoking = asyncio.create_task(revoke_on(home, revoked))
    await kill_on(home, seconds, every_s)
    revoking.cancel()
    crowd.stop()
    await asking
    return await asyncio.to_thread(_findings, home, crowd, revoked, swept=swept)


def _findings(home: House, crowd: Crowd, revoked: list[float], *, swept: bool) -> Findings:
    gateway = home.replicas.gateways[0]
    cut = set() if swept else {each.name for each in crowd.heard if each.failed}
    books = eventually(
        lambda: _closed(gateway, cut), "no entry is open any more", within_s=_SWEPT_S
    )
    calls = read_log(home.log)
    found = audit(crowd.heard, calls, books)
    found.wrong += unexplained(crowd.heard, home.balancer.passed(), home.replicas.kills)
    of = {
        name: [each for each in crowd.heard if each.organisation == name]
        for name in ("limited", "crowded")
    }
    booked = {each["client_request_id"] for each in books}
    rate(found, [each for each in of["limited"] if each.name in booked], PER_MINUTE)
    crowding(found, [call for each in of["crowded"] for call in calls.get(each.name, [])], OPEN)
    budget(found, [each for each in books if each["organisation"] == "spender"], BUDGET)
    found.revoked_s = revoked
    if (off := asyncio.run(differences(home.books))) != {0}:
        found.wrong.append(f"sums and entries differ: {off}")
    found.wrong += home.replicas.errors()
    return found


def _closed(gateway: Gateway, but: AbstractSet[str]) -> list[Record]:
    """Every entry, once none is open but those."""
    found = records(gateway)
    still = {each["client_request_id"] for each in found if each["outcome"] == "open"}
    return found if still <= but else []


def run(kind: Kind, seconds: float, every_s: float, *, swept: bool = True) -> Findings:
    """Start everything, measure, and end it.

    `swept`: wait until the entries of killed gateways are closed by the others.
    """
    with house(kind) as home:
        return asyncio.run(measure(home, seconds, every_s, swept=swept))


def late(found: Findings) -> list[str]:
    """Keys that were let in for too long after they were revoked, in words."""
    return [f"a key lived {s:.2f} s more" for s in found.revoked_s if s > _REVOKED_WITHIN_S]


def main() -> None:
    """Measure, print, and say by the exit code whether all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--balancer", choices=("haproxy", "nginx"), default="haproxy")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = run(options.balancer, options.seconds, options.every)
    found.wrong += late(found)
    print(found.table())
    if options.json:
        options.json.write_text(json.dumps(found.as_json(), indent=1))
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
