"""Alerts before a budget is spent, received by a real server."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tests.support.serving import serving

from pointsman.access.alerts import Alerts
from pointsman.clock import ManualClock
from pointsman.providers.http import HttpClient
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import Balance, Budget, Subject

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
NEXT_MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
BUDGET = Budget(Subject("key", "acme", "pm_aaaaaaaa"), "day", Decimal(5))
TOKEN = "T0ken-that-nobody-may-see"  # noqa: S105


def balance(spent: str, reserved: str = "0", until: datetime = MIDNIGHT) -> Balance:
    return Balance(BUDGET, Decimal(spent), Decimal(reserved), until)


@dataclass
class Receiver:
    """Answers with the statuses that it was given, then with 204."""

    statuses: list[int] = field(default_factory=list)
    got: list[dict[str, object]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.paths.append(request.url.path)
        assert request.headers["content-type"] == "application/json"
        self.got.append(json.loads(await request.body()))
        status = self.statuses.pop(0) if self.statuses else 204
        await Response(status_code=status, headers={"location": "/elsewhere"})(scope, receive, send)


@dataclass
class Desk:
    """The alerts, and what became of them."""

    alerts: Alerts
    clock: ManualClock
    pauses: list[float]
    faults: list[tuple[str, BaseException]]
    client: HttpClient

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not done():  # noqa: ASYNC110 - a server and a background task have no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def desk(url: str | None) -> AsyncIterator[Desk]:
    pauses: list[float] = []
    faults: list[tuple[str, BaseException]] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    clock, client = ManualClock(NOON), HttpClient()
    alerts = Alerts(
        client,
        url,
        at=0.8,
        clock=clock,
        fault=lambda stage, error: faults.append((stage, error)),
        pause=pause,
    )
    try:
        yield Desk(alerts, clock, pauses, faults, client)
    finally:
        await alerts.close()
        await client.close()


async def test_it_is_told_once_in_each_window_when_a_budget_is_nearly_spent() -> None:
    receiver = Receiver()
    async with serving(receiver) as address, desk(f"{address}/hooks/{TOKEN}") as at:
        at.alerts.note([balance("3.99", "1.00")])  # held back is not spent
        at.alerts.note([balance("4.00", "0.25")])
        at.alerts.note([balance("4.50")])
        await at.until(lambda: bool(receiver.got))
        at.alerts.note([balance("4.99")])
        at.clock.advance(24 * 3600)
        at.alerts.note([balance("4.125", until=NEXT_MIDNIGHT)])
        await at.until(lambda: len(receiver.got) == 2)
    assert receiver.paths == [f"/hooks/{TOKEN}"] * 2
    assert receiver.got[0] == {
        "event": "budget_alert",
        "subject": "pm_aaaaaaaa",
        "kind": "key",
        "organisation": "acme",
        "period": "day",
        "limit": "5",
        "spent": "4",
        "reserved": "0.25",
        "share": 0.8,
        "window_ends": "2026-11-22T00:00:00Z",
        "time": "2026-11-21T12:00:00Z",
    }
    assert receiver.got[1]["share"] == 0.825
    assert receiver.got[1]["window_ends"] == "2026-11-23T00:00:00Z"
    assert at.faults == []


async def test_a_limit_that_was_raised_is_told_of_when_it_is_nearly_spent() -> None:
    receiver = Receiver()
    raised = replace(BUDGET, limit=Decimal(10))
    async with serving(receiver) as address, desk(address) as at:
        at.alerts.note([balance("4.50")])
        at.alerts.note([replace(balance("4.50"), budget=raised)])
        at.alerts.note([replace(balance("8.00"), budget=raised)])
        at.alerts.note([replace(balance("8.50"), budget=raised)])
        await at.until(lambda: len(receiver.got) == 2)
    assert [each["limit"] for each in receiver.got] == ["5", "10"]


async def test_it_is_tried_again_until_it_arrives() -> None:
    receiver = Receiver([500, 429])
    async with serving(receiver) as address, desk(address) as at:
        at.alerts.note([balance("5")])
        await at.until(lambda: len(receiver.got) == 3)
    assert at.pauses == [1.0, 10.0]
    assert at.faults == []


@pytest.mark.parametrize("status", [302, 307, 404, 500])
async def test_what_never_arrives_is_dropped_and_logged(status: int) -> None:
    """Redirects included: nobody is told an address by whoever answers."""
    receiver = Receiver([status] * 9)
    async with serving(receiver) as address, desk(f"{address}/{TOKEN}") as at:
        at.alerts.note([balance("5")])
        await at.until(lambda: bool(at.faults))
    assert receiver.paths == [f"/{TOKEN}"] * 4
    stage, error = at.faults[0]
    assert stage == "alert"
    assert str(error) == (f"a budget alert could not be sent to the webhook: it answered {status}")


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{TOKEN}", f"no address: {TOKEN}"])
async def test_its_address_is_in_no_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with desk(url) as at:
        at.alerts.note([balance("5")])
        await at.until(lambda: bool(at.faults))
        assert TOKEN not in repr(at.alerts)
    with caplog.at_level(logging.DEBUG):
        SilentObserver().fault(*at.faults[0])
    assert "could not be sent" in caplog.text
    assert TOKEN not in caplog.text


async def test_without_an_address_or_a_limit_nothing_is_sent() -> None:
    async with desk(None) as at:
        at.alerts.note([balance("5")])
    receiver = Receiver()
    nothing = Balance(Budget(BUDGET.subject, "day", Decimal(0)), Decimal(0), Decimal(0), MIDNIGHT)
    async with serving(receiver) as address, desk(address) as at:
        at.alerts.note([nothing])
        at.alerts.note([balance("5")])
        await at.until(lambda: bool(receiver.got))
    assert len(receiver.got) == 1


async def test_what_is_under_way_does_not_hold_up_the_end() -> None:
    asked = asyncio.Event()

    class Silent:
        """Takes the request and never answers."""

        async def ask(self, *_: object) -> tuple[int, bytes]:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    alerts = Alerts(
        Silent(), "http://localhost", at=0.8, clock=ManualClock(NOON), fault=lambda *_: None
    )
    alerts.note([balance("5")])
    await asked.wait()
    await alerts.close()
