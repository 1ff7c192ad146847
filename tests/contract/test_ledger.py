"""What every ledger does, whatever it keeps its books in: `ports.Ledger`, `ports.FeedbackStore`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest

from pointsman.errors import NotFound
from pointsman.ports import FeedbackStore, Ledger
from pointsman.storage.memory import MemoryStore
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import (
    Attempt,
    Decision,
    Dropped,
    Entry,
    Feedback,
    Plan,
    PlannedAttempt,
    Principal,
    ReportRow,
    Score,
    Settlement,
    Target,
    Usage,
)


class Store(Ledger, FeedbackStore, Protocol):
    async def close(self) -> None: ...


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = (
        MemoryStore() if request.param == "memory" else SqliteStore.open(tmp_path / "ledger.db")
    )
    yield made
    await made.close()


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

DECISION = Decision(
    tier="simple",
    target=Target("auto", "auto"),
    scored=Score(
        value=12.5,
        parts={"length": 2.5, "code": 10.0},
        scorer="learned",
        version="3",
        dimensions={"reasoning_depth": 0.1},
        domain="coding",
        topics=("high_stakes",),
        fault="too slow",
    ),
    plan=Plan(
        attempts=(
            PlannedAttempt("qwen", "simple", "cheapest"),
            PlannedAttempt("haiku", "medium", "next"),
        ),
        dropped=(Dropped("opus", "budget", "the key's budget is spent"),),
    ),
    reasoning="score 12.5: the simple tier suffices",
    estimated_cost_usd=Decimal("0.000123456789012345"),
)

COMPLETED = Settlement(
    outcome="completed",
    attempts=(
        Attempt("qwen", "simple", "failed", status=500, error="overloaded", latency_ms=3.25),
        Attempt(
            "haiku",
            "medium",
            "completed",
            status=200,
            latency_ms=812.5,
            served_model="claude-haiku-5",
            left_out=("top_k", "seed"),
        ),
    ),
    served_tier="medium",
    deployment="haiku",
    reason="fallback",
    usage=Usage(
        input_tokens=120,
        output_tokens=40,
        cached_tokens=100,
        written_tokens=15,
        reasoning_tokens=8,
        estimated=True,
        stated_cost=Decimal("0.000320000001"),
    ),
    cost=Decimal("0.000320000001"),
    baseline_cost=Decimal("0.0048"),
    latency_ms=820.75,
    ttft_ms=101.5,
)


def entry(request_id: str = "r1", time: datetime = NOON) -> Entry:
    return Entry(
        request_id=request_id,
        client_request_id="client-1",
        time=time,
        principal=Principal(organisation="acme", key="ci"),
        model_asked="auto",
        stream=True,
        decision=DECISION,
    )


async def test_an_entry_is_open_until_it_is_settled(store: Store):
    await store.reserve(entry())
    assert await store.get("r1") == entry()

    await store.settle("r1", COMPLETED)
    assert await store.get("r1") == replace(entry(), settlement=COMPLETED)


async def test_an_unknown_entry_is_none(store: Store):
    assert await store.get("nobody") is None


async def test_settling_a_settled_entry_changes_nothing(store: Store):
    await store.reserve(entry())
    await store.settle("r1", COMPLETED)
    await store.settle("r1", Settlement(outcome="failed", error="too late"))

    assert await store.get("r1") == replace(entry(), settlement=COMPLETED)


async def test_settling_what_was_never_reserved_makes_no_entry(store: Store):
    await store.settle("r1", COMPLETED)
    assert await store.get("r1") is None


async def test_reserving_twice_keeps_the_first(store: Store):
    await store.reserve(entry())
    await store.settle("r1", COMPLETED)
    await store.reserve(replace(entry(), model_asked="other"))

    assert await store.get("r1") == replace(entry(), settlement=COMPLETED)


async def test_an_entry_may_come_settled(store: Store):
    refused = replace(entry(), settlement=Settlement(outcome="refused", error="no deployment"))
    await store.reserve(refused)
    assert await store.get("r1") == refused


async def test_a_settlement_without_usage_has_none(store: Store):
    await store.reserve(entry())
    await store.settle("r1", Settlement(outcome="client_left"))

    found = await store.get("r1")
    assert found
    assert found.settlement == Settlement(outcome="client_left")


async def test_money_is_exact_to_the_pico_dollar(store: Store):
    cost = Decimal("1234567.000000000001")
    await store.reserve(entry())
    await store.settle("r1", replace(COMPLETED, cost=cost))

    found = await store.get("r1")
    assert found
    assert found.settlement
    assert found.settlement.cost == cost


async def test_a_moment_is_the_same_in_any_time_zone(store: Store):
    kolkata = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await store.reserve(entry(time=kolkata))

    found = await store.get("r1")
    assert found
    assert found.time == NOON


@pytest.mark.parametrize(
    "text", ["", "a\0b", "'; DROP TABLE entries; --", "\r\n\x1b[31m", "日本 🚂"]
)
async def test_text_comes_back_as_it_went_in(store: Store, text: str):
    said = Feedback("r1", NOON, comment=text)
    asked = replace(entry(), model_asked=text, client_request_id=text)
    failed = Settlement(outcome="failed", error=text, reason=text)
    await store.reserve(asked)
    await store.settle("r1", failed)
    await store.add(said)

    assert await store.get("r1") == replace(asked, settlement=failed, feedback=(said,))


async def test_feedback_stays_with_its_entry_in_the_order_given(store: Store):
    said = (
        Feedback("r1", NOON + SECOND, rating=-1.0, comment="wrong"),
        Feedback("r1", NOON, rating=0.5),
    )
    await store.reserve(entry())
    await store.reserve(entry("r2", NOON - SECOND))
    for feedback in said:
        await store.add(feedback)
    await store.settle("r1", COMPLETED)

    settled = replace(entry(), settlement=COMPLETED, feedback=said)
    assert await store.get("r1") == settled
    assert list(await store.list(limit=2)) == [settled, entry("r2", NOON - SECOND)]


async def test_feedback_on_no_entry_is_not_found(store: Store):
    with pytest.raises(NotFound, match="'nobody'"):
        await store.add(Feedback("nobody", NOON, rating=1.0))


async def test_feedback_comes_only_through_add(store: Store):
    await store.reserve(replace(entry(), feedback=(Feedback("r1", NOON, rating=1.0),)))
    assert await store.get("r1") == entry()


async def test_the_newest_come_first_page_by_page(store: Store):
    for number in (2, 0, 4, 1, 3):
        await store.reserve(entry(f"r{number}", NOON + number * SECOND))

    page = await store.list(limit=2)
    assert [e.request_id for e in page] == ["r4", "r3"]
    page = await store.list(limit=2, before=page[-1].time)
    assert [e.request_id for e in page] == ["r2", "r1"]
    page = await store.list(limit=2, before=page[-1].time)
    assert [e.request_id for e in page] == ["r0"]
    assert list(await store.list(limit=0)) == []


async def test_at_the_same_moment_the_order_is_by_id(store: Store):
    for request_id in ("b", "c", "a"):
        await store.reserve(entry(request_id))

    assert [e.request_id for e in await store.list(limit=5)] == ["c", "b", "a"]


async def test_the_report_sums_per_deployment_tier_and_outcome(store: Store):
    unpriced = replace(COMPLETED, cost=None)
    no_baseline = replace(COMPLETED, baseline_cost=None)
    left = Settlement(outcome="client_left", deployment="haiku", served_tier="medium")
    for number, settlement in enumerate([COMPLETED, COMPLETED, unpriced, no_baseline, left, None]):
        await store.reserve(entry(f"r{number}"))
        if settlement:
            await store.settle(f"r{number}", settlement)

    nothing = {"input_tokens": 0, "output_tokens": 0, "unpriced": 0}
    assert list(await store.report()) == [
        ReportRow(None, None, "open", 1, cost=Decimal(0), saved=Decimal(0), **nothing),
        ReportRow(
            "haiku", "medium", "client_left", 1, cost=Decimal(0), saved=Decimal(0), **nothing
        ),
        ReportRow(
            "haiku",
            "medium",
            "completed",
            requests=4,
            input_tokens=480,
            output_tokens=160,
            cost=3 * Decimal("0.000320000001"),
            saved=2 * Decimal("0.004479999999"),
            unpriced=1,
        ),
    ]


async def test_the_report_starts_where_it_is_told(store: Store):
    await store.reserve(entry("early", NOON))
    await store.reserve(entry("late", NOON + SECOND))

    assert [row.requests for row in await store.report(since=NOON)] == [2]
    assert [row.requests for row in await store.report(since=NOON + SECOND)] == [1]
    assert list(await store.report(since=NOON + 2 * SECOND)) == []


async def test_many_at_once_are_all_in_the_books(store: Store):
    async def client(number: int) -> None:
        await store.reserve(entry(f"r{number}", NOON + number * SECOND))
        await store.settle(f"r{number}", COMPLETED)
        found = await store.get(f"r{number}")
        assert found
        assert found.settlement == COMPLETED

    await asyncio.gather(*(client(number) for number in range(200)))

    [row] = await store.report()
    assert row.requests == 200
    assert row.cost == 200 * Decimal("0.000320000001")


async def test_a_cancelled_reservation_can_be_settled(store: Store):
    reserving = asyncio.create_task(store.reserve(entry()))
    await asyncio.sleep(0)
    reserving.cancel()
    await asyncio.gather(reserving, return_exceptions=True)
    await store.settle("r1", Settlement(outcome="client_left"))

    found = await store.get("r1")
    assert found is None or found.outcome == "client_left"


async def test_closing_twice_is_closing(store: Store):
    await store.close()
