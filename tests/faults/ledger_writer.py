"""A gateway's worth of ledger traffic, to be killed: `ledger_writer.py <file> <entries>`.

Prints a line per acknowledged write, the moment it is acknowledged: `R id` for a reservation, `M id`
for a mark, `S id` for a settlement, `K id` for a key, `B id` where a budget was spent, `! id` where
the ledger was unavailable; at the end `closed`.
"""

import asyncio
import hashlib
import os
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from pointsman.errors import BudgetExceeded, LedgerUnavailable
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import (
    Budget,
    Decision,
    Entry,
    Grant,
    Key,
    Plan,
    Principal,
    Progress,
    Score,
    Settlement,
    StoredKey,
    Subject,
    Target,
    Usage,
)

CLIENTS = 4
KEYS = 3
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
#: US dollars of each key a day: enough for most of its entries.
KEYS_BUDGET = Decimal("0.00016")


def key_of(number: int) -> str:
    return f"pm_key{number % KEYS}"


def budgets(key: str) -> list[Budget]:
    """The key's for a day, and the organisation's for a month."""
    return [
        Budget(Subject("key", "default", key), "day", KEYS_BUDGET),
        Budget(Subject("organisation", "default"), "month", 3 * KEYS_BUDGET),
    ]


def entry(number: int) -> Entry:
    scored = Score(float(number % 100), {"length": 1.0}, "heuristic", "1")
    return Entry(
        request_id=f"r{number}",
        time=FIRST + timedelta(seconds=number),
        principal=Principal(key=key_of(number)),
        model_asked="auto",
        stream=False,
        decision=Decision("simple", Target("auto", "auto"), scored, Plan((), ()), "x" * number),
        reserved=Decimal(2 * number) / 10**6,
    )


def progress(number: int) -> Progress:
    return Progress(
        deployment="qwen",
        served_tier="simple",
        usage=Usage(input_tokens=number, output_tokens=number, estimated=True),
        cost=Decimal(number) / 10**7,
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


def stored_key(number: int) -> StoredKey:
    key = Key(f"pm_new{number}", f"key {number}", "default", Grant(role="user"), FIRST)
    return StoredKey(key, hashlib.sha256(key.id.encode()).digest())


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def request(store: SqliteStore, number: int) -> None:
    """One request, as the pipeline books it; now and then somebody makes a key beside it."""
    try:
        await store.reserve(entry(number), budgets(key_of(number)))
        say(f"R r{number}")
        if number % 2:
            await store.mark(f"r{number}", progress(number))
            say(f"M r{number}")
        if number % 4 == 0:
            await store.put_key(stored_key(number))
            say(f"K r{number}")
        await store.settle(f"r{number}", settlement(number))
        say(f"S r{number}")
    except BudgetExceeded:
        say(f"B r{number}")
    except LedgerUnavailable:
        say(f"! r{number}")


async def client(store: SqliteStore, numbers: range) -> None:
    for number in numbers:
        await request(store, number)


async def main(path: Path, entries: int) -> None:
    store = SqliteStore.open(path)
    await asyncio.gather(*(client(store, range(i, entries, CLIENTS)) for i in range(CLIENTS)))
    await store.close()
    say("closed")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
