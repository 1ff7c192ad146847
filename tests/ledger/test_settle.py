"""The life of an entry, and what happens when the books can't be written."""

import asyncio
import logging
from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from pointsman.clock import ManualClock
from pointsman.errors import LedgerUnavailable
from pointsman.ledger.pricing import Free, Listed, Pricer, Rates
from pointsman.ledger.settle import Hold, Recorder
from pointsman.storage.memory import MemoryStore
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import (
    Attempt,
    Balance,
    Budget,
    Call,
    Decision,
    Deployment,
    Entry,
    Filter,
    ModelRequest,
    Plan,
    Principal,
    Score,
    Settlement,
    Subject,
    Target,
    Usage,
)

SMALL = Deployment(id="small", provider="scripted", model="m", tier="simple", location="local")
DECISION = Decision(
    tier="simple",
    target=Target("auto", "auto"),
    scored=Score(3.0, {"token_count": 3.0}, "heuristic", "1"),
    plan=Plan((), ()),
    reasoning="score 3 -> simple",
)


class FullDisk(MemoryStore):
    """Books that can be opened but not closed, or not even opened."""

    def __init__(self, *, at: str) -> None:
        super().__init__()
        self._at = at
        #: Whose settlement can never be written, whatever the disk does.
        self.impossible: str | None = None

    def has_room_again(self) -> None:
        self._at = "nowhere"

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        if self._at == "reserve":
            raise LedgerUnavailable("disk full")
        return await super().reserve(entry, budgets)

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        if self._at == "settle" or request_id == self.impossible:
            raise LedgerUnavailable("disk full")
        await super().settle(request_id, settlement)


class SlowBooks(MemoryStore):
    """Books whose reservation is written while nobody waits any more."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        stands = await super().reserve(entry, budgets)
        self.written.set()
        await asyncio.Event().wait()
        return stands


class Told(SilentObserver):
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def settled(self, entry: Entry) -> None:
        self.entries.append(entry)


async def unheard(entry: Entry) -> None:
    """Nobody counts requests here."""


def recorder(store: MemoryStore, clock: ManualClock, observer: SilentObserver) -> Recorder:
    pricer = Pricer({"small": Free()}, Rates(Decimal(4), Decimal(20)))
    return Recorder(store, pricer, clock, observer, ended=unheard)


def call(clock: ManualClock, request_id: str = "req_1") -> Call:
    request = ModelRequest(model="auto", turns=(), members={})
    return Call(request_id, clock.now(), Principal(), request)


async def test_reserved_before_and_settled_after() -> None:
    store, clock, told = MemoryStore(), ManualClock(), Told()

    record = await recorder(store, clock, told).open(call(clock), DECISION)
    reserved = await store.get("req_1")
    clock.advance(0.25)
    await record.settle("completed", deployment=SMALL, usage=Usage(1000, 100))

    assert reserved is not None
    assert reserved.outcome == "open"
    entry = await store.get("req_1")
    assert entry is not None
    assert entry.settlement is not None
    assert entry.outcome == "completed"
    assert entry.settlement.cost == 0
    assert entry.settlement.saved == Decimal("0.006")
    assert entry.settlement.latency_ms == pytest.approx(250)
    assert [each.request_id for each in told.entries] == ["req_1"]


async def test_a_cost_is_marked_where_any_figure_behind_it_is_an_estimate() -> None:
    store, clock = MemoryStore(), ManualClock()
    draft = Attempt("small", "simple", "interrupted", purpose="draft")
    said, counted = (replace(draft, usage=Usage(10, 5, estimated=by_us)) for by_us in (False, True))

    marks = []
    for number, drafts in enumerate(([], [said], [counted], [said, counted])):
        name = f"req_{number}"
        record = await recorder(store, clock, Told()).open(call(clock, name), DECISION, drafts)
        settled = await record.settle("completed", deployment=SMALL, usage=Usage(1000, 100))
        assert settled.usage is not None
        assert (settled.usage.input_tokens, settled.usage.output_tokens) == (1000, 100)
        marks.append(settled.usage.estimated)

    assert marks == [False, False, True, True]
    (row,) = await store.report(Filter(), ())
    assert row.estimated == 2


async def test_a_judge_of_unknown_price_is_seen_where_nothing_was_answered() -> None:
    store, clock = MemoryStore(), ManualClock()
    asked = Attempt("small", "simple", "completed", purpose="judge", usage=Usage(90, 3))
    books = Recorder(
        store, Pricer({"small": Listed.named("nobody-knows-1")}), clock, Told(), ended=unheard
    )

    for number, judges in enumerate(([], [asked])):
        record = await books.open(call(clock, f"req_{number}"), DECISION, judges)
        await record.settle("failed", error="no deployment could answer")

    (row,) = await store.report(Filter(), ())
    assert (row.requests, row.unpriced, row.input_tokens) == (2, 1, 0)


async def test_what_can_not_be_reserved_is_not_begun() -> None:
    clock = ManualClock()

    with pytest.raises(LedgerUnavailable) as caught:
        await recorder(FullDisk(at="reserve"), clock, Told()).open(call(clock), DECISION)

    assert caught.value.status == 503


async def test_a_paid_answer_survives_a_full_disk(caplog: pytest.LogCaptureFixture) -> None:
    store, clock, told = FullDisk(at="settle"), ManualClock(), Told()
    record = await recorder(store, clock, told).open(call(clock), DECISION)

    with caplog.at_level(logging.ERROR):
        settlement = await record.settle("completed", deployment=SMALL, usage=Usage(10, 1))

    assert settlement.outcome == "completed"
    assert "record failed" in caplog.text
    entry = await store.get("req_1")
    assert entry is not None
    assert entry.outcome == "open"


async def test_a_client_that_leaves_during_the_reservation_leaves_no_open_entry() -> None:
    store, clock = SlowBooks(), ManualClock()
    opening = asyncio.ensure_future(recorder(store, clock, Told()).open(call(clock), DECISION))
    await store.written.wait()

    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)

    entry = await store.get("req_1")
    assert entry is not None
    assert entry.outcome == "client_left"


async def test_what_could_not_be_settled_is_settled_when_there_is_room_again() -> None:
    store, clock, told = FullDisk(at="settle"), ManualClock(), Told()
    writes = recorder(store, clock, told)
    budget = Budget(Subject("organisation", "default"), "day", Decimal(1))
    hold = Hold(Decimal("0.25"), (budget,))
    record = await writes.open(call(clock), DECISION, hold=hold)
    await record.settle("completed", deployment=SMALL, usage=Usage(1000, 100))
    with pytest.raises(LedgerUnavailable):
        await writes.pay()
    [held] = await store.balances((budget,), clock.now())

    store.has_room_again()
    await writes.pay()

    [freed] = await store.balances((budget,), clock.now())
    assert (held.reserved, freed.reserved) == (Decimal("0.25"), 0)
    entry = await store.get("req_1")
    assert entry
    assert entry.settlement
    assert (entry.outcome, entry.settlement.usage) == ("completed", Usage(1000, 100))
    assert [each.request_id for each in told.entries] == ["req_1"]  # it ended once


async def test_one_that_can_never_be_settled_is_in_nobodys_way() -> None:
    store, clock = FullDisk(at="settle"), ManualClock()
    writes = recorder(store, clock, SilentObserver())
    ids = ["req_1", "req_2", "req_3"]
    for request_id in ids:
        record = await writes.open(call(clock, request_id), DECISION)
        await record.settle("completed", deployment=SMALL, usage=Usage(1000, 100))

    store.has_room_again()
    store.impossible = "req_1"
    with pytest.raises(LedgerUnavailable):
        await writes.pay()
    with pytest.raises(LedgerUnavailable):
        await writes.pay()

    found = [await store.get(request_id) for request_id in ids]
    assert [each and each.outcome for each in found] == ["open", "completed", "completed"]


async def test_what_is_owed_is_bounded() -> None:
    store, clock = FullDisk(at="settle"), ManualClock()
    pricer = Pricer({"small": Free()})
    writes = Recorder(store, pricer, clock, SilentObserver(), ended=unheard, most_owed=2)
    ids = ["req_1", "req_2", "req_3"]
    for request_id in ids:
        record = await writes.open(call(clock, request_id), DECISION)
        await record.settle("completed", deployment=SMALL, usage=Usage(1000, 100))

    store.has_room_again()
    await writes.pay()

    found = [await store.get(request_id) for request_id in ids]
    assert [each and each.outcome for each in found] == ["completed", "completed", "open"]
