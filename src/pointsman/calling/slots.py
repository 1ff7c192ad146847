"""How many requests a deployment serves at once, and who is next."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf

from pointsman.errors import Busy
from pointsman.ports import Clock

#: Interactive requests served in a row while a background one waits.
IN_A_ROW = 4
#: How much of the mean service time the latest one makes up.
_SMOOTHING = 0.2


class Slots:
    """A deployment's gate: so many requests at once, the others in a bounded queue.

    A slot is held from `acquire` until `release`, whichever task calls that. Interactive requests
    (priority 0) go before background ones (1), but one of these gets in after every four; within
    a priority the first to come is the first to go. For one event loop.
    """

    def __init__(self, limit: int | None, queue: int, clock: Clock) -> None:
        """At most `limit` at once, None for any number, and `queue` that wait."""
        self._limit = None if limit is None else max(1, limit)
        self._queue = queue
        self._clock = clock
        self._interactive: deque[asyncio.Future[None]] = deque()
        self._background: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0
        #: When each slot in use was given away, the oldest first.
        self._since: deque[float] = deque()
        self._mean_s = 0.0

    @property
    def busy(self) -> int:
        """Slots in use."""
        return len(self._since)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._interactive) + len(self._background)

    @property
    def limit(self) -> int | None:
        """Slots there are, at least 1; None for any number. May be set at any time."""
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = None if limit is None else max(1, limit)
        self._hand_out()

    async def acquire(self, priority: int, wait_s: float) -> None:
        """Wait for a slot, at most `wait_s` seconds; whoever returns from here holds one.

        Raises Busy when the time is over, and at once where the queue is full or the wait is
        expected to be longer.
        """
        if self._has_free():
            self._since.append(self._clock.monotonic())
            return
        queue = self._background if priority else self._interactive
        self._refuse_the_hopeless(priority, wait_s)
        waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        granted = False
        try:
            await asyncio.wait((waiter,), timeout=None if wait_s == inf else wait_s)
            granted = waiter.done()
        finally:
            if not granted:
                self._withdraw(waiter, queue)
        if not granted:
            raise Busy(
                f"no slot was free within {wait_s:g} s", retry_after=self._expected(priority)
            )

    def release(self) -> None:
        """Give a slot back; the next in line gets it.

        Which of them it is does not matter: taken for the oldest, the service times have the right
        mean, and where a few slots are held for long they show how seldom the others come free.
        """
        served_s = self._clock.monotonic() - self._since.popleft()
        self._mean_s += _SMOOTHING * (served_s - self._mean_s) if self._mean_s else served_s
        self._hand_out()

    def _has_free(self) -> bool:
        return self._limit is None or self.busy < self._limit

    def _refuse_the_hopeless(self, priority: int, wait_s: float) -> None:
        expected = self._expected(priority)
        if self.waiting >= self._queue:
            raise Busy(f"{self.waiting} requests wait for a slot already", retry_after=expected)
        if expected > wait_s:
            raise Busy(f"a slot is expected in {expected:.1f} s only", retry_after=expected)

    def _expected(self, priority: int) -> float:
        """Seconds that a newcomer waits, by what the last ones took."""
        ahead = self.waiting if priority else len(self._interactive)
        return self._mean_s * (ahead + 1) / (self._limit or 1)

    def _withdraw(self, waiter: asyncio.Future[None], queue: deque[asyncio.Future[None]]) -> None:
        """Leave the queue; a slot that was given at the same moment goes to the next."""
        if waiter.done():
            self._since.pop()
            self._hand_out()
        else:
            queue.remove(waiter)

    def _hand_out(self) -> None:
        while self.waiting and self._has_free():
            self._since.append(self._clock.monotonic())
            self._next().set_result(None)

    def _next(self) -> asyncio.Future[None]:
        turn = self._in_a_row >= IN_A_ROW
        if self._background and (turn or not self._interactive):
            self._in_a_row = 0
            return self._background.popleft()
        self._in_a_row = self._in_a_row + 1 if self._background else 0
        return self._interactive.popleft()
