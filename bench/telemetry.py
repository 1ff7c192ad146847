"""What watching costs a request: CPU of its metrics, of its trace, and of passing a trace through.

`python -m bench.telemetry` prints a table, and with --json writes it as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from pointsman.clock import SystemClock
from pointsman.journey import CURRENT, served, trace_headers
from pointsman.ports import Ledger
from pointsman.telemetry.decisions import SilentObserver
from pointsman.telemetry.metrics import WORKERS_FOLDER, Metrics
from pointsman.telemetry.otlp import Export
from pointsman.telemetry.telemetry import Telemetry
from pointsman.telemetry.tracing import Tracing
from pointsman.types import (
    Attempt,
    Balance,
    Budget,
    Decision,
    Deployment,
    Entry,
    Plan,
    Principal,
    Progress,
    Score,
    Settlement,
    Target,
    Usage,
)

_ROUTE = "/v1/chat/completions"
_PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_CASES = ("off", "metrics", "metrics, several workers", "metrics and traces")


def main() -> None:
    """Measure each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="of each case")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--case", choices=_CASES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(_measured(given.case, given.requests))
        return
    figures = {case: _in_a_process(case, given.requests) for case in _CASES}
    print(f"{'':28} us of CPU a request")
    for case, cost in figures.items():
        print(f"{case:28} {cost:6.1f}")
    if given.json:
        given.json.write_text(json.dumps({"us_per_request": figures}, indent=2) + "\n")


def _in_a_process(case: str, requests: int) -> float:
    command = [sys.executable, "-m", "bench.telemetry", "--case", case, "--requests", str(requests)]
    with tempfile.TemporaryDirectory() as folder:
        several = {WORKERS_FOLDER: folder} if "workers" in case else {}
        done = subprocess.run(
            command, env={**os.environ, **several}, check=True, stdout=subprocess.PIPE, text=True
        )
    return float(done.stdout)


def _measured(case: str, requests: int) -> float:
    telemetry = Telemetry(SilentObserver(), SystemClock())
    if case != "off":
        metrics = Metrics("0")
        telemetry.count(metrics)
    if "traces" in case:
        export = Export(_Nowhere(), InMemoryMetricReader(), service="bench", version="0")
        known = {"small": Deployment("small", "openai", "gpt", "simple", "cloud")}
        telemetry.trace(
            Tracing(export, sample=1.0, routes=frozenset({_ROUTE}), deployments=lambda: known)
        )
    books = _Books() if case == "off" else telemetry.timed(_Books())
    return asyncio.run(_cheapest(partial(_one, telemetry, books, _entry()), requests // 5))


class _Nowhere(SpanExporter):
    """Takes every span at once, as a collector near by does."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        return SpanExportResult.SUCCESS


class _Books:
    """A ledger that takes no time."""

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        del entry, budgets
        return ()

    async def mark(self, request_id: str, progress: Progress) -> None:
        del request_id, progress

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        del request_id, settlement


async def _one(telemetry: Telemetry, books: Ledger, entry: Entry) -> None:
    """What happens to a request besides its answer."""
    journey = telemetry.begin("POST", _PARENT, "")
    token = CURRENT.set(journey)
    served("req_1", _ROUTE)
    await books.reserve(entry)
    trace_headers("small")
    if entry.settlement is not None:
        await books.settle(entry.request_id, entry.settlement)
    telemetry.settled(entry)
    journey.status = 200
    CURRENT.reset(token)
    telemetry.ended(journey)


async def _cheapest(work: Callable[[], Awaitable[None]], times: int) -> float:
    """Microseconds of this thread's CPU each, of the best of five; exporters have their own."""
    costs = []
    for _ in range(5):
        began = time.thread_time()
        for _ in range(times):
            await work()
        costs.append((time.thread_time() - began) / times * 1e6)
    return min(costs)


def _entry() -> Entry:
    decision = Decision(
        "simple", Target("auto", "auto"), Score(12.5, {}, "learned", "1"), Plan((), ()), ""
    )
    entry = Entry("req_1", datetime(2026, 11, 22, tzinfo=UTC), Principal(), "auto", True, decision)
    attempt = Attempt("small", "simple", "completed", status=200, latency_ms=400.0, queued_ms=1.0)
    return replace(
        entry,
        settlement=Settlement(
            "completed",
            attempts=(attempt,),
            served_tier="simple",
            deployment="small",
            usage=Usage(100, 50, cached_tokens=20),
            cost=Decimal("0.001"),
            baseline_cost=Decimal("0.01"),
            latency_ms=400.0,
            ttft_ms=80.0,
        ),
    )


if __name__ == "__main__":
    main()
