"""The ledger's process is killed, and its disk fails, at one system call after another."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from ledger_writer import (
    CLIENTS,
    FIRST,
    KEYS,
    budgets,
    entry,
    key_of,
    progress,
    settlement,
    stored_key,
)

from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Entry

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not shutil.which("strace"), reason="strace injects the faults"),
]

SCRIPT = Path(__file__).with_name("ledger_writer.py")
ENTRIES = 32
#: Processes at a time; most of a run is Python's start.
ABREAST = 2
KILLED = 137


@dataclass(frozen=True)
class Said:
    """What the process said before its end."""

    status: int
    reserved: frozenset[str]
    marked: frozenset[str]
    keys: frozenset[str]
    settled: frozenset[str]
    #: By a budget.
    unpaid: frozenset[str]
    #: By a ledger that was unavailable.
    refused: frozenset[str]


async def run(path: Path, *faults: str, entries: int = ENTRIES) -> Said:
    """Run the writer on the ledger at `path` with strace's `faults`."""
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "--output=/dev/null"]
    strace += [f"--inject={fault}" for fault in faults]
    process = await asyncio.create_subprocess_exec(
        *strace,
        *(sys.executable, str(SCRIPT), str(path), str(entries)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    lines = [line.split() for line in output.decode().splitlines()]
    said = {mark: frozenset(line[1] for line in lines if line[0] == mark) for mark in "RMKSB!"}
    status = KILLED if process.returncode in {KILLED, -9} else process.returncode
    assert status is not None
    return Said(status, *said.values())


async def audit(path: Path, said: Said) -> int:
    """Reopen the books and hold them against what was acknowledged; returns the unacked rows."""
    store = SqliteStore.open(path)
    try:
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = await store.list(limit=10_000)
        rows = {row.request_id: row for row in found}
        assert len(rows) == len(found)
        assert said.reserved <= rows.keys()
        assert not said.unpaid & rows.keys()
        for request_id, row in rows.items():
            audit_row(int(request_id[1:]), row, said)
        await audit_sums(store, found)
        kept = {key.key.id: key for key in await store.keys()}
        wanted = [stored_key(int(request_id[1:])) for request_id in said.keys]
        assert all(kept[key.key.id] == key for key in wanted)
        await store.reserve(entry(10_000))
        assert await store.get("r10000") == entry(10_000)
        return len(rows.keys() - said.reserved)
    finally:
        await store.close()


def audit_row(number: int, row: Entry, said: Said) -> None:
    """One entry is as it was written last, of what was acknowledged."""
    assert row.decision == entry(number).decision
    settled = row.settlement
    assert settled is not None
    if settled.outcome != "interrupted":
        assert settled == settlement(number)
        return
    assert row.request_id not in said.settled
    if row.request_id in said.marked or settled.usage is not None:
        marked = progress(number)
        assert (settled.deployment, settled.served_tier) == (marked.deployment, marked.served_tier)
        assert (settled.usage, settled.cost) == (marked.usage, marked.cost)


async def audit_sums(store: SqliteStore, found: Sequence[Entry]) -> None:
    """Balances and reports are the sums of the entries; nothing is held back; no budget is broken."""
    costs = {row.request_id: row.settlement.cost or Decimal(0) for row in found if row.settlement}
    for key in map(key_of, range(KEYS)):
        of_key, of_all = await store.balances(budgets(key), FIRST)
        mine = [costs[row.request_id] for row in found if row.principal.key == key]
        assert of_key.spent == sum(mine, Decimal(0))
        assert of_all.spent == sum(costs.values(), Decimal(0))
        assert of_key.reserved == of_all.reserved == 0
        assert of_key.left >= 0
        assert of_all.left >= 0
    report = await store.report()
    assert sum(line.requests for line in report) == len(found)
    assert sum((line.cost for line in report), Decimal(0)) == sum(costs.values(), Decimal(0))


async def sweep(folder: Path, syscall: str, step: int, template: Path | None) -> tuple[int, int]:
    """Kill at every `step`th call until a run gets through; returns kills, unacked rows."""

    async def kill(number: int) -> tuple[int, int]:
        path = folder / f"{syscall}-{number}.db"
        if template:
            shutil.copy(template, path)
        said = await run(path, f"{syscall}:signal=KILL:when={number}")
        assert said.status in {0, KILLED}
        unacked = await audit(path, said)
        assert unacked <= CLIENTS
        return said.status, unacked

    kills = unacked = 0
    for first in count(1, ABREAST * step):
        ends = await asyncio.gather(*(kill(first + i * step) for i in range(ABREAST)))
        kills += sum(status == KILLED for status, _ in ends)
        unacked += sum(rows for _, rows in ends)
        if any(status == 0 for status, _ in ends):
            break
    return kills, unacked


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("start", "syscall", "step"),
    [("no file", "pwrite64", 3), ("a ledger", "pwrite64", 2), ("a ledger", "fdatasync", 1)],
)
async def test_killed_at_any_write_it_keeps_what_it_acknowledged(
    tmp_path: Path, start: str, syscall: str, step: int
):
    template = None
    if start == "a ledger":
        template = tmp_path / "template.db"
        await SqliteStore.open(template).close()

    kills, unacked = await sweep(tmp_path, syscall, step, template)

    print(f"{start}, {syscall}: {kills} kills, 0 lost, {unacked} unacknowledged rows")  # noqa: T201
    assert kills > 0


@pytest.mark.parametrize(
    "fault",
    [
        "pwrite64:error=ENOSPC:when=30..60",
        "pwrite64:error=EIO:when=30..60",
        "fdatasync:error=EIO:when=3..12",
    ],
)
async def test_while_the_disk_fails_callers_are_refused_and_then_it_works_again(
    tmp_path: Path, fault: str
):
    path = tmp_path / "ledger.db"
    await SqliteStore.open(path).close()

    said = await run(path, fault, entries=80)

    assert said.status == 0
    assert said.refused
    last = max(int(request_id[1:]) for request_id in said.refused)
    assert any(int(request_id[1:]) > last for request_id in said.settled)
    await audit(path, said)
