"""How fast a million entries are read, and whether their money is right to the last digit.

``python -m bench.books [--entries N] [--stores sqlite postgres] [--json FILE]`` writes synthetic
entries of 90 days, 5 organisations, 40 keys and 6 deployments into the books, asks every path that
reads them, through the gateway without a socket, and compares the sums with those of the entries.
PostgreSQL runs on this machine, behind a socket file, with its settings as they come.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import httpx2
from bench.books_entries import Sums, Truth, entries
from tests.support.servers import PostgresServer

from pointsman.app import App
from pointsman.config import LedgerSettings, ModelSettings, Settings
from pointsman.garbage import look_seldom, pass_over_what_is_here
from pointsman.types import Feedback

#: Milliseconds that the 95th percentile of each call may take.
GOAL_MS = 200.0
TIMES = 25
#: Entries under way at a time.
CLIENTS = 4000
#: One of so many entries is rated.
RATED = 200


@dataclass
class Measured:
    """What one store did."""

    store: str
    entries: int
    written_per_second: float
    #: By call: median and 95th percentile, milliseconds.
    p50_ms: dict[str, float] = field(default_factory=dict)
    p95_ms: dict[str, float] = field(default_factory=dict)
    #: Entries a second, by format.
    exported_per_second: dict[str, float] = field(default_factory=dict)
    #: Sums that are not those of the entries; there must be none.
    wrong: list[str] = field(default_factory=list)


def calls(now: datetime, count: int) -> Mapping[str, str]:
    """What is asked, by name."""
    hour = quote((now - timedelta(hours=1)).isoformat())
    week = quote((now - timedelta(days=7)).isoformat())
    month = quote((now - timedelta(days=30)).isoformat())
    return {
        "summary": "/v1/analytics/summary",
        "summary of 7 days": f"/v1/analytics/summary?since={week}",
        "summary of a key": "/v1/analytics/summary?key=pm_key00003",
        "summary of an organisation": "/v1/analytics/summary?organisation=org-2",
        "summary of a user, 30 days": f"/v1/analytics/summary?user=user-7&since={month}",
        "summary of a user": "/v1/analytics/summary?user=user-7",
        "report": "/v1/report",
        "cost by day": "/v1/stats/cost?by=day",
        "cost by key": "/v1/stats/cost?by=key",
        "cost by day, tier, model, key": "/v1/stats/cost",
        "quality": "/v1/stats/quality",
        "quality of 30 days": f"/v1/stats/quality?since={month}",
        "series of an hour": f"/v1/stats/series?since={hour}",
        "series of a day": "/v1/stats/series",
        "series of 30 days": f"/v1/stats/series?since={month}",
        "series of a key, 30 days": f"/v1/stats/series?key=pm_key00003&since={month}",
        "latency": "/v1/stats/latency",
        "scores": "/v1/stats/scores",
        "errors": "/v1/stats/errors",
        "savings": "/v1/analytics/savings-report",
        "savings of an organisation": "/v1/analytics/savings-report?organisation=org-2",
        "cache": "/v1/analytics/cache-stats",
        "decisions": "/v1/decisions",
        "decisions of a key": "/v1/decisions?key=pm_key00039",
        "decisions of a user": "/v1/decisions?user=user-7",
        "decisions of nobody": "/v1/decisions?user=nobody",
        "decisions that failed": "/v1/decisions?outcome=failed",
        "one decision": f"/v1/decisions/req_{count // 2:032x}",
    }


async def measure(store: str, settings: Settings, count: int, now: datetime) -> Measured:
    """Fill the books and read them."""
    app = App(settings, environment={})
    await app.start(load=False)
    try:
        truth, speed = await fill(app, count, now)
        pass_over_what_is_here()
        found = Measured(store, count, speed)
        transport = httpx2.ASGITransport(app=app.asgi())
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=600
        ) as client:
            for name, path in (*calls(now, count).items(), ("page after 100", await deep(client))):
                times = [await timed(client, path) for _ in range(TIMES)]
                found.p50_ms[name] = statistics.median(times)
                found.p95_ms[name] = statistics.quantiles(times, n=20)[-1]
            found.wrong = await wrong(client, truth)
            for kind in ("csv", "parquet", "jsonl"):
                found.exported_per_second[kind] = await exported(client, kind, now)
        return found
    finally:
        await app.close()


async def fill(app: App, count: int, now: datetime) -> tuple[Truth, float]:
    """Write the entries as a gateway does; what they add up to, and entries a second."""
    truth, store = Truth(), app.bookkeeping.store
    started = time.perf_counter()
    left = entries(count, now)
    while batch := list(islice(left, CLIENTS)):
        await asyncio.gather(*(store.reserve(entry) for entry in batch))
        for entry in batch:
            truth.add(entry)
        for entry in batch[::RATED]:
            await store.add(Feedback(entry.request_id, now, 1.0))
    return truth, count / (time.perf_counter() - started)


async def timed(client: httpx2.AsyncClient, path: str) -> float:
    """Milliseconds for one call."""
    started = time.perf_counter()
    reply = await client.get(path)
    took = (time.perf_counter() - started) * 1000
    reply.raise_for_status()
    return took


async def deep(client: httpx2.AsyncClient) -> str:
    """A page that lies far back."""
    path = "/v1/decisions?limit=1000"
    for _ in range(5):
        page = (await client.get(path)).json()
        path = f"/v1/decisions?limit=100&cursor={quote(page['next'])}"
    return path


async def exported(client: httpx2.AsyncClient, kind: str, now: datetime) -> float:
    """Entries a second, over the last day."""
    day = quote((now - timedelta(days=1)).isoformat())
    summary = (await client.get(f"/v1/analytics/summary?since={day}")).json()
    started = time.perf_counter()
    async with client.stream("GET", f"/v1/export?format={kind}&since={day}") as reply:
        reply.raise_for_status()
        async for _ in reply.aiter_bytes():
            pass
    return summary["total"]["requests"] / (time.perf_counter() - started)


async def wrong(client: httpx2.AsyncClient, truth: Truth) -> list[str]:
    """Where reports and entries differ."""
    reply = await client.get("/v1/stats/cost?by=day,key,tier,organisation")
    report = json.loads(reply.text, parse_float=Decimal)
    found = differences("total", report["total"], truth.total)
    for by in ("day", "key", "tier", "organisation"):
        sums: Mapping[str, Sums] = getattr(truth, by)
        lines = {line["name"]: line for line in report["by"][by]}
        if set(lines) != set(sums):
            found.append(f"{by}: {sorted(set(lines) ^ set(sums))}")
        for name in set(lines) & set(sums):
            found += differences(f"{by} {name}", lines[name], sums[name])
    return found


def differences(name: str, line: Mapping[str, object], sums: Sums) -> list[str]:
    """Where one line is not what it must be."""
    return [
        f"{name}: {member} is {line[member]}, not {value}"
        for member, value in asdict(sums).items()
        if line[member] != value
    ]


def settings_of(store: str, home: Path, server: PostgresServer | None) -> Settings:
    """A gateway with one deployment that is never called."""
    ledger = LedgerSettings(url=server.url) if server else LedgerSettings()
    return Settings(
        home=home / store,
        models={"weak": ModelSettings(provider="scripted", model="weak", tier="simple")},
        ledger=ledger,
    )


def show(found: Sequence[Measured]) -> None:
    """Print one table."""
    print(f"{'':34}" + "".join(f"{each.store + ' p50':>16}{'p95 ms':>12}" for each in found))
    for name in found[0].p50_ms:
        figures = "".join(f"{each.p50_ms[name]:16.1f}{each.p95_ms[name]:12.1f}" for each in found)
        late = any(each.p95_ms[name] > GOAL_MS for each in found)
        print(f"{name:34}{figures}{'  over the goal' if late else ''}")
    for each in found:
        exports = ", ".join(
            f"{kind} {speed:,.0f}/s" for kind, speed in each.exported_per_second.items()
        )
        money = "; ".join(each.wrong[:5]) or "the sum of the entries, to the last digit"
        print(f"{each.store}: {each.entries:,} entries, {each.written_per_second:,.0f}/s written")
        print(f"  export: {exports}")
        print(f"  money in the reports: {money}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    look_seldom()  # as `pointsman serve` does
    now, found = datetime.now(UTC), []
    for store in chosen.stores:
        server = PostgresServer() if store == "postgres" else None
        try:
            if server:
                server.start()
            with tempfile.TemporaryDirectory() as folder:
                settings = settings_of(store, Path(folder), server)
                found.append(asyncio.run(measure(store, settings, chosen.entries, now)))
        finally:
            if server:
                server.stop()
    show(found)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")
    if any(each.wrong for each in found):
        raise SystemExit("the reports are wrong")


if __name__ == "__main__":
    main()
