"""Streams that were open when the gateway died: what was marked of them is in the books."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pointsman.clock import ManualClock
from pointsman.ledger.marks import Marks
from pointsman.ledger.pricing import Hourly, Pricer, Rates
from pointsman.ledger.settle import Record, Recorder
from pointsman.storage.sqlite import SqliteStore
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import (
    Attempt,
    Call,
    Decision,
    Deployment,
    Entry,
    ModelRequest,
    Plan,
    Principal,
    Score,
    Target,
    Usage,
)

DECISION = Decision(
    "simple", Target("auto", "auto"), Score(0.0, {}, "learned", "1"), Plan((), ()), "it is simple"
)
DEAR = Deployment("dear", "scripted", "dear-model", "complex", "cloud")
UNPRICED = Deployment("gone", "scripted", "gone-model", "complex", "cloud")
RENTED = Deployment("rented", "scripted", "own-model", "simple", "cloud")
PRICER = Pricer({"dear": Rates(Decimal(5), Decimal(25)), "rented": Hourly(Decimal(36))})
ASKED = Attempt("dear", "complex", "completed", purpose="judge", usage=Usage(200, 2))
#: When the answering attempt was sent, by a clock that stands still.
NOW = ManualClock().monotonic()


class Stream:
    """What a stream has used so far."""

    used: Usage | None = None

    def __call__(self) -> Usage | None:
        return self.used

    def comes_to(self, output_tokens: int) -> None:
        self.used = Usage(100, output_tokens, estimated=True)


async def unheard(entry: Entry) -> None:
    """Nobody counts requests here."""


async def begun(
    store: SqliteStore, request_id: str, *attempts: Attempt, clock: ManualClock | None = None
) -> Record:
    clock = clock or ManualClock()
    recorder = Recorder(store, PRICER, clock, SilentObserver(), ended=unheard)
    request = ModelRequest("auto", (), {}, stream=True)
    time = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return await recorder.open(
        Call(request_id, time, Principal(), request), DECISION, list(attempts)
    )


async def after_the_crash(path: Path, request_id: str) -> Entry:
    """The file as the next start finds it: closing settles nothing."""
    store = SqliteStore.open(path)
    try:
        entry = await store.get(request_id)
        assert entry
        return entry
    finally:
        await store.close()


async def test_the_last_mark_is_what_is_known_of_an_interrupted_stream(tmp_path: Path):
    path, marks, stream = tmp_path / "ledger.db", Marks(), Stream()
    store = SqliteStore.open(path)
    marks.watch(await begun(store, "r1"), DEAR, stream, since=NOW)

    await marks.mark()  # it has said nothing yet
    stream.comes_to(40)
    await marks.mark()
    stream.comes_to(200)
    await marks.mark()
    stream.comes_to(300)  # the gateway dies before the next mark
    await store.close()

    settled = (await after_the_crash(path, "r1")).settlement
    assert settled
    assert (settled.outcome, settled.deployment) == ("interrupted", "dear")
    assert settled.usage == Usage(100, 200, estimated=True)
    assert settled.cost == Decimal("0.0055")


async def test_what_was_settled_is_marked_no_more(tmp_path: Path):
    path, marks, stream = tmp_path / "ledger.db", Marks(), Stream()
    store = SqliteStore.open(path)
    record = await begun(store, "r1")
    marks.watch(record, DEAR, stream, since=NOW)

    stream.comes_to(40)
    await record.settle("completed", deployment=DEAR, usage=Usage(100, 50))
    await marks.mark()
    await store.close()

    settled = (await after_the_crash(path, "r1")).settlement
    assert settled
    assert (settled.outcome, settled.usage) == ("completed", Usage(100, 50))


async def test_what_was_called_on_the_way_is_marked_too(tmp_path: Path):
    path, marks, stream = tmp_path / "ledger.db", Marks(), Stream()
    store = SqliteStore.open(path)
    marks.watch(await begun(store, "r1", ASKED), DEAR, stream, since=NOW)

    stream.comes_to(200)
    await marks.mark()
    await store.close()

    settled = (await after_the_crash(path, "r1")).settlement
    assert settled
    assert settled.usage == Usage(100, 200, estimated=True)
    assert settled.overhead == Decimal("0.00105")
    assert settled.cost == Decimal("0.0055") + Decimal("0.00105")


async def test_what_is_paid_by_time_is_marked_with_the_time_of_its_own_attempt(tmp_path: Path):
    path, marks, stream, clock = tmp_path / "ledger.db", Marks(), Stream(), ManualClock()
    store = SqliteStore.open(path)
    record = await begun(store, "r1", clock=clock)
    clock.advance(30)  # another deployment was tried first, and failed
    marks.watch(record, RENTED, stream, since=clock.monotonic())

    clock.advance(10)
    stream.comes_to(40)
    await marks.mark()
    await store.close()

    settled = (await after_the_crash(path, "r1")).settlement
    assert settled
    assert settled.cost == Decimal("0.1")


async def test_of_many_streams_all_are_marked(tmp_path: Path):
    path, marks, stream = tmp_path / "ledger.db", Marks(), Stream()
    store = SqliteStore.open(path)
    names = [f"r{number}" for number in range(100)]
    for name in names:
        marks.watch(await begun(store, name), DEAR, stream, since=NOW)

    stream.comes_to(200)
    await marks.mark()
    await store.close()

    settled = [(await after_the_crash(path, name)).settlement for name in names]
    assert {each.usage for each in settled if each} == {Usage(100, 200, estimated=True)}


async def test_one_that_can_not_be_marked_keeps_no_other_from_it(tmp_path: Path):
    path, marks, stream = tmp_path / "ledger.db", Marks(), Stream()
    store = SqliteStore.open(path)
    names = [f"r{number}" for number in range(100)]
    for name in names:
        record = await begun(store, name)
        marks.watch(record, UNPRICED if name == "r3" else DEAR, stream, since=NOW)

    stream.comes_to(200)
    with pytest.raises(KeyError):
        await marks.mark()
    await store.close()

    settled = [(await after_the_crash(path, name)).settlement for name in names]
    assert [each.usage is None for each in settled if each] == [name == "r3" for name in names]
