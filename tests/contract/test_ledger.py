"""What every ledger does, whatever it keeps its books in: `ports.Ledger`, `ports.FeedbackStore`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.support.books import Store

from pointsman.errors import NotFound
from pointsman.types import (
    Attempt,
    Decision,
    Dropped,
    Entry,
    Feedback,
    Filter,
    Plan,
    PlannedAttempt,
    Principal,
    ReportRow,
    Score,
    Settlement,
    Target,
    Usage,
)

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
        written_1h_tokens=5,
        audio_input_tokens=7,
        audio_output_tokens=6,
        image_input_tokens=9,
        image_output_tokens=3,
        searches=2,
        service=("priority", "us"),
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


async def test_an_entry_is_open_until_it_is_settled(books: Store):
    await books.reserve(entry())
    assert await books.get("r1") == entry()

    await books.settle("r1", COMPLETED)
    assert await books.get("r1") == replace(entry(), settlement=COMPLETED)


async def test_what_was_asked_for_may_be_several_deployments(books: Store):
    target = Target("deployment", "gpt-4o", (("gpt-4o", "gpt-4o-2"), ("haiku",)))
    listed = replace(entry(), decision=replace(DECISION, target=target))

    await books.reserve(listed)

    assert await books.get("r1") == listed


async def test_an_unknown_entry_is_none(books: Store):
    assert await books.get("nobody") is None


async def test_settling_a_settled_entry_changes_nothing(books: Store):
    await books.reserve(entry())
    await books.settle("r1", COMPLETED)
    await books.settle("r1", Settlement(outcome="failed", error="too late"))

    assert await books.get("r1") == replace(entry(), settlement=COMPLETED)


async def test_settling_what_was_never_reserved_makes_no_entry(books: Store):
    await books.settle("r1", COMPLETED)
    assert await books.get("r1") is None


async def test_reserving_twice_keeps_the_first(books: Store):
    await books.reserve(entry())
    await books.settle("r1", COMPLETED)
    await books.reserve(replace(entry(), model_asked="other"))

    assert await books.get("r1") == replace(entry(), settlement=COMPLETED)


async def test_an_entry_may_come_settled(books: Store):
    refused = replace(entry(), settlement=Settlement(outcome="refused", error="no deployment"))
    await books.reserve(refused)
    assert await books.get("r1") == refused


async def test_a_settlement_without_usage_has_none(books: Store):
    await books.reserve(entry())
    await books.settle("r1", Settlement(outcome="client_left"))

    found = await books.get("r1")
    assert found
    assert found.settlement == Settlement(outcome="client_left")


async def test_money_is_exact_to_the_pico_dollar(books: Store):
    cost = Decimal("1234567.000000000001")
    await books.reserve(entry())
    await books.settle("r1", replace(COMPLETED, cost=cost))

    found = await books.get("r1")
    assert found
    assert found.settlement
    assert found.settlement.cost == cost


async def test_a_moment_is_the_same_in_any_time_zone(books: Store):
    kolkata = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await books.reserve(entry(time=kolkata))

    found = await books.get("r1")
    assert found
    assert found.time == NOON


@pytest.mark.parametrize(
    "text", ["", "a\0b", "'; DROP TABLE entries; --", "\r\n\x1b[31m", "日本 🚂"]
)
async def test_text_comes_back_as_it_went_in(books: Store, text: str):
    said = Feedback("r1", NOON, comment=text)
    asked = replace(entry(), model_asked=text, client_request_id=text)
    failed = Settlement(outcome="failed", error=text, reason=text)
    await books.reserve(asked)
    await books.settle("r1", failed)
    await books.add(said)

    assert await books.get("r1") == replace(asked, settlement=failed, feedback=(said,))


async def test_feedback_stays_with_its_entry_in_the_order_given(books: Store):
    said = (
        Feedback("r1", NOON + SECOND, rating=-1.0, comment="wrong"),
        Feedback("r1", NOON, rating=0.5),
    )
    await books.reserve(entry())
    await books.reserve(entry("r2", NOON - SECOND))
    for feedback in said:
        await books.add(feedback)
    await books.settle("r1", COMPLETED)

    settled = replace(entry(), settlement=COMPLETED, feedback=said)
    assert await books.get("r1") == settled
    assert list(await books.list(limit=2)) == [settled, entry("r2", NOON - SECOND)]


async def test_feedback_on_no_entry_is_not_found(books: Store):
    with pytest.raises(NotFound, match="'nobody'"):
        await books.add(Feedback("nobody", NOON, rating=1.0))


async def test_feedback_comes_only_through_add(books: Store):
    await books.reserve(replace(entry(), feedback=(Feedback("r1", NOON, rating=1.0),)))
    assert await books.get("r1") == entry()


async def test_the_newest_come_first_page_by_page(books: Store):
    for number in (2, 0, 4, 1, 3):
        await books.reserve(entry(f"r{number}", NOON + number * SECOND))

    page = await books.list(limit=2)
    assert [e.request_id for e in page] == ["r4", "r3"]
    page = await books.list(limit=2, before=page[-1].time)
    assert [e.request_id for e in page] == ["r2", "r1"]
    page = await books.list(limit=2, before=page[-1].time)
    assert [e.request_id for e in page] == ["r0"]
    assert list(await books.list(limit=0)) == []


async def test_at_the_same_moment_the_order_is_by_id(books: Store):
    for request_id in ("b", "c", "a"):
        await books.reserve(entry(request_id))

    assert [e.request_id for e in await books.list(limit=5)] == ["c", "b", "a"]


async def test_the_report_sums_per_deployment_tier_and_outcome(books: Store):
    unpriced = replace(COMPLETED, cost=None)
    no_baseline = replace(COMPLETED, baseline_cost=None)
    left = Settlement(outcome="client_left", deployment="haiku", served_tier="medium")
    for number, settlement in enumerate([COMPLETED, COMPLETED, unpriced, no_baseline, left, None]):
        await books.reserve(entry(f"r{number}"))
        if settlement:
            await books.settle(f"r{number}", settlement)

    assert list(await books.report()) == [
        ReportRow(1, outcome="open", cache="bypass"),
        ReportRow(
            1, deployment="haiku", served_tier="medium", outcome="client_left", cache="bypass"
        ),
        ReportRow(
            4,
            deployment="haiku",
            served_tier="medium",
            outcome="completed",
            cache="bypass",
            input_tokens=480,
            output_tokens=160,
            cached_tokens=400,
            written_tokens=60,
            reasoning_tokens=32,
            cost=3 * Decimal("0.000320000001"),
            baseline_cost=2 * Decimal("0.0048"),
            saved=2 * Decimal("0.004479999999"),
            compared=2,
            unpriced=1,
            estimated=4,
            estimated_cost=3 * Decimal("0.000320000001"),
            latency_ms=4 * 820.75,
            completed=4,
        ),
    ]


async def test_the_report_starts_where_it_is_told(books: Store):
    await books.reserve(entry("early", NOON))
    await books.reserve(entry("late", NOON + SECOND))

    assert [row.requests for row in await books.report(Filter(since=NOON))] == [2]
    assert [row.requests for row in await books.report(Filter(since=NOON + SECOND))] == [1]
    assert list(await books.report(Filter(since=NOON + 2 * SECOND))) == []


async def test_many_at_once_are_all_in_the_books(books: Store):
    async def client(number: int) -> None:
        await books.reserve(entry(f"r{number}", NOON + number * SECOND))
        await books.settle(f"r{number}", COMPLETED)
        found = await books.get(f"r{number}")
        assert found
        assert found.settlement == COMPLETED

    await asyncio.gather(*(client(number) for number in range(200)))

    [row] = await books.report()
    assert row.requests == 200
    assert row.cost == 200 * Decimal("0.000320000001")


async def test_a_cancelled_reservation_can_be_settled(books: Store):
    reserving = asyncio.create_task(books.reserve(entry()))
    await asyncio.sleep(0)
    reserving.cancel()
    await asyncio.gather(reserving, return_exceptions=True)
    await books.settle("r1", Settlement(outcome="client_left"))

    found = await books.get("r1")
    assert found is None or found.outcome == "client_left"


async def test_closing_twice_is_closing(books: Store):
    await books.close()
