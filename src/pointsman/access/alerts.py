"""A word to the operator before a budget is spent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from pointsman.errors import PointsmanError
from pointsman.ports import Clock
from pointsman.types import Balance, Json, Period, Subject

#: Seconds before each further attempt.
_PAUSES_S = (1.0, 10.0, 60.0)
#: Seconds for an answer.
_TIMEOUT_S = 10.0
#: The first and the last status that says that it arrived.
_ARRIVED = range(200, 300)

#: A budget as it is bounded, and when it begins anew.
_Window: TypeAlias = tuple[Subject, Period, Decimal, datetime]


class Poster(Protocol):
    """Sends JSON somewhere and reads a small answer; follows no redirect."""

    async def ask(
        self, url: str, question: Mapping[str, object], headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        """Status and body. Raises UpstreamError."""


class Alerts:
    """POSTs an event when a budget is nearly spent: once for each limit and window.

    What was sent is remembered in memory: after a restart it may be sent once more. The address is
    a secret, as people put tokens into it, so no error and no log has it.
    """

    def __init__(
        self,
        poster: Poster,
        url: str | None,
        *,
        at: float,
        clock: Clock,
        fault: Callable[[str, BaseException], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Without a `url` nothing is sent. `at` is a share of a budget's limit.

        `fault` is told of an event that could not be delivered. `pause` waits for some seconds.
        """
        self._poster = poster
        self._url = url
        self._at = Decimal(str(at))
        self._clock = clock
        self._fault = fault
        self._pause = pause
        self._told: set[_Window] = set()
        #: Called with what is sent, for other gateways not to send it, too.
        self.announced: Callable[[Balance], None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def note(self, balances: Sequence[Balance]) -> None:
        """Look at how budgets stand, and have sent what is to be told; returns at once."""
        if self._url is None:
            return
        for balance in balances:
            budget, window = balance.budget, _window(balance)
            nearly = budget.limit > 0 and balance.spent >= self._at * budget.limit
            if nearly and window not in self._told:
                self._tell(window, balance, self._url)

    def heed(self, balance: Balance) -> None:
        """Another gateway sends it."""
        self._remember(_window(balance))

    async def close(self) -> None:
        """Give up what is under way."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _tell(self, window: _Window, balance: Balance, url: str) -> None:
        if self.announced is not None:
            self.announced(balance)
        self._remember(window)
        now = self._clock.now()
        task = asyncio.get_running_loop().create_task(self._deliver(url, event(balance, now)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _remember(self, window: _Window) -> None:
        now = self._clock.now()
        self._told = {told for told in self._told if told[-1] > now} | {window}

    async def _deliver(self, url: str, said: Mapping[str, Json]) -> None:
        failure = ""
        for pause_s in (0.0, *_PAUSES_S):
            if pause_s:
                await self._pause(pause_s)
            try:
                status, _ = await self._poster.ask(url, said, {}, _TIMEOUT_S)
            except PointsmanError as error:
                failure = str(error)
                continue
            if status in _ARRIVED:
                return
            failure = f"it answered {status}"
        lost = PointsmanError(f"a budget alert could not be sent to the webhook: {failure}")
        self._fault("alert", lost)


def _window(balance: Balance) -> _Window:
    budget = balance.budget
    return budget.subject, budget.period, budget.limit, balance.until


def event(balance: Balance, now: datetime) -> dict[str, Json]:
    """What is sent. Money is in US dollars, exact, as strings; times are in UTC."""
    budget = balance.budget
    subject = budget.subject
    return {
        "event": "budget_alert",
        "subject": subject.name or subject.organisation,
        "kind": subject.kind,
        "organisation": subject.organisation,
        "period": budget.period,
        "limit": _exact(budget.limit),
        "spent": _exact(balance.spent),
        "reserved": _exact(balance.reserved),
        "share": round(float(balance.spent / budget.limit), 4),
        "window_ends": _utc(balance.until),
        "time": _utc(now),
    }


def _exact(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
