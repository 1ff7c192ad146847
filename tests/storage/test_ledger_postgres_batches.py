"""How writes gather into transactions, over a server that is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.entries import NOON, entry

from pointsman.errors import LedgerUnavailable
from pointsman.storage.journal import Journal
from pointsman.storage.ledger_postgres_batches import Batches
from pointsman.storage.ledger_postgres_budgets import Admission
from pointsman.storage.ledger_postgres_writes import Reserve, Settle, Write
from pointsman.storage.postgres_link import NotReached
from pointsman.storage.rows import entry_row, settlement_row
from pointsman.types import RowAnswer, Settlement

MEGABYTE = 1_000_000
DONE = settlement_row(Settlement(outcome="completed"), settled_at=NOON)


class Script:
    """A server: how its first transactions fail, and which writes of the rest it took."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = [*failures]
        self.taken: list[Sequence[Write]] = []

    async def commit(self, writes: Sequence[Write]) -> Sequence[Admission]:
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(writes)
        return [()] * len(writes)


def batches(script: Script, journal: Journal | None = None) -> Batches:
    return Batches(
        script.commit,
        lambda write, doubtful: Settle(write.request_id, DONE) if doubtful else None,
        patience_s=0.01,
        capacity=100,
        journal=journal,
        journal_s=900.0,
    )


def reserve(request_id: str) -> Reserve:
    return Reserve(entry_row(entry(request_id, outcome="open"), settled_at=NOON, gateway="g"))


def settle(request_id: str, size: int) -> Settle:
    return Settle(request_id, DONE, RowAnswer("batch_1", 1, 200, b"x" * size))


async def test_whoever_is_told_that_the_journal_broke_has_nothing_written_later(tmp_path: Path):
    journal = Journal.open(tmp_path, max_bytes=MEGABYTE)
    await journal.keep(reserve("r0"))
    script = Script(NotReached("away"))
    made = batches(script, journal)
    await asyncio.to_thread(journal.close)
    with pytest.raises(LedgerUnavailable, match="the journal is closed"):
        await made.write(reserve("r1"))
    await made.close()
    assert [each for writes in script.taken for each in writes] == []


async def test_what_failed_for_whatever_reason_may_be_in_the_books(
    caplog: pytest.LogCaptureFixture,
):
    script = Script(RuntimeError("strange"))
    made = batches(script)
    with pytest.raises(LedgerUnavailable, match="the ledger failed"):
        await made.write(reserve("r1"))
    while not script.taken:
        made.pay()
        await asyncio.sleep(0.001)
    await made.close()
    assert script.taken == [[Settle("r1", DONE)]]
    assert "1 writes failed" in caplog.text


async def test_long_answers_go_a_few_at_a_time():
    script = Script()
    made = batches(script)
    sizes = [3 * MEGABYTE] * 3 + [20 * MEGABYTE] + [10] * 5
    await asyncio.gather(*(made.write(settle(f"r{n}", size)) for n, size in enumerate(sizes)))
    assert [len(each) for each in script.taken] == [2, 2, 5]
    await made.close()
