"""What an outage of PostgreSQL costs: how fast the journal takes requests, and gives them back.

``python -m bench.journal [--entries N] [--json FILE]``

Synthetic entries, each reserved and then settled, so many clients at a time: with the server there,
with it killed, and when it is back, out of the journal. One gateway's books, without a gateway.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.books_entries import entries
from msgspec.structs import replace
from tests.support.postgres_books import ask, differences
from tests.support.servers import PostgresServer

from pointsman.storage.journal import Journal
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Entry, Settlement

CLIENTS = 100
_MOST = 2**40


@dataclass
class Measured:
    """Rates by wall clock, costs by this process's CPU."""

    entries: int = 0
    #: Requests a second, and microseconds of CPU for each.
    there_per_s: float = 0.0
    there_cpu_us: float = 0.0
    away_per_s: float = 0.0
    away_cpu_us: float = 0.0
    back_per_s: float = 0.0
    #: Of the journal, for each request.
    bytes: float = 0.0
    #: Requests that 64 MB take.
    requests_in_64_mb: int = 0
    #: Entries that are not in the books in the end, and sums that are wrong; there must be none.
    lost: int = 0
    wrong_sums: int = 0


async def book(store: PostgresStore, those: Sequence[Entry]) -> tuple[float, float]:
    """Requests a second, and CPU for each in microseconds."""
    waiting = iter(those)

    async def client() -> None:
        for each in waiting:
            await store.reserve(replace(each, settlement=None))
            await store.settle(each.request_id, each.settlement or Settlement("failed"))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    took = time.perf_counter() - began
    return len(those) / took, (time.process_time() - cpu) / len(those) * 1e6


async def run(count: int, folder: Path) -> Measured:
    """All three, on a server of its own."""
    measured = Measured(count)
    made = [
        replace(each, request_id=f"b{n}")
        for n, each in enumerate(entries(2 * count, datetime.now(UTC)))
    ]
    server = PostgresServer()
    server.start()
    try:
        journal = Journal.open(folder, max_bytes=_MOST)
        store = await PostgresStore.open(server.url, timeout_s=0.5, journal=journal)
        measured.there_per_s, measured.there_cpu_us = await book(store, made[:count])
        await asyncio.to_thread(server.kill)
        await book(store, made[count : count + 1])  # until it is given up
        measured.away_per_s, measured.away_cpu_us = await book(store, made[count + 1 :])
        measured.bytes = journal.size / count
        measured.requests_in_64_mb = int(64 * 2**20 / measured.bytes)
        await asyncio.to_thread(server.start)
        while store.journal_state.is_away:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
        began, left = time.perf_counter(), store.journal_state.requests
        while store.journal_state.requests:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.001)
        measured.back_per_s = left / (time.perf_counter() - began)
        await store.close()
        rows = await ask(server.url, "SELECT request_id FROM entries WHERE outcome <> 'open'")
        measured.lost = len(
            {each.request_id for each in made} - {row["request_id"] for row in rows}
        )
        measured.wrong_sums = len(await differences(server.url) - {0})
    finally:
        await asyncio.to_thread(server.stop)
    return measured


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(run(arguments.entries, Path(folder)))
    for name, value in asdict(measured).items():
        print(f"{name:18} {value:12,.0f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(measured), indent=2))


if __name__ == "__main__":
    main()
