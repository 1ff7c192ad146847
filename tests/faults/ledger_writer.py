"""A gateway's worth of ledger traffic, to be killed: `ledger_writer.py <file> <entries>`.

Prints a line per acknowledged write, the moment it is acknowledged: `R id` for a reservation,
`S id` for a settlement, `! id` where the ledger was unavailable; at the end `closed`.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from pointsman.errors import LedgerUnavailable
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Decision, Entry, Plan, Principal, Score, Settlement, Target, Usage

CLIENTS = 4


def entry(number: int) -> Entry:
    scored = Score(float(number % 100), {"length": 1.0}, "heuristic", "1")
    return Entry(
        request_id=f"r{number}",
        time=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        principal=Principal(),
        model_asked="auto",
        stream=False,
        decision=Decision("simple", Target("auto", "auto"), scored, Plan((), ()), "x" * number),
    )


def settlement(number: int) -> Settlement:
    return Settlement(
        outcome="completed",
        deployment="qwen",
        served_tier="simple",
        usage=Usage(input_tokens=number, output_tokens=2 * number),
        cost=Decimal(number) / 10**6,
        baseline_cost=Decimal(number) / 10**3,
    )


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def client(store: SqliteStore, numbers: range) -> None:
    for number in numbers:
        try:
            await store.reserve(entry(number))
            say(f"R r{number}")
            await store.settle(f"r{number}", settlement(number))
            say(f"S r{number}")
        except LedgerUnavailable:
            say(f"! r{number}")


async def main(path: Path, entries: int) -> None:
    store = SqliteStore.open(path)
    await asyncio.gather(*(client(store, range(i, entries, CLIENTS)) for i in range(CLIENTS)))
    await store.close()
    say("closed")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
