"""How many requests are served at once, and who is next."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf

from pointsman.errors import Busy
from pointsman.ports import Clock
from pointsman.turns import Place, Turns

#: How much of the mean service time the latest one makes up.
_SMOOTHING = 0.2
#: Whether a slot was given, to whoever waits for it.
_Waiter = asyncio.Future[bool]


class Slots:
    """A gate: so many requests at once, the others in a bounded queue.

    A slot is held from `acquire` until `release`, whichever task calls that. Whose turn it is next
    says `Turns`: no organisation waits for what another has piled up, and where the queue is full
    the one with the most in it gives way. For one event loop.
    """

    def __init__(self, limit: int | None, queue: int, clock: Clock) -> None:
        """At most `limit` at once, None for any number, and `queue` that wait."""
        self._limit = None if limit is None else max(1, limit)
        self._queue = queue
        self._clock = clock
        self._turns = Turns[_Waiter]()
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
        return len(self._turns)

    @property
    def places(self) -> float:
        """How many can be here at once, those included that wait; infinite without a limit."""
        return inf if self._limit is None else self._limit + self._queue

    @property
    def limit(self) -> int | None:
        """Slots there are, at least 1; None for any number. May be set at any time."""
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = None if limit is None else max(1, limit)
        self._hand_out()

    async def acquire(self, priority: int, wait_s: float, who: str = "") -> None:
        """Wait for a slot, at most `wait_s` seconds; whoever returns from here holds one.

        `priority` is 1 for what nobody waits for, else 0; `who` is the organisation that asks.
        Raises Busy when the time is over, when others need the place in the queue more, and at
        once where there is no place or the wait is expected to be longer.
        """
        if self.try_acquire():
            return
        background = bool(priority)
        self.check(priority, wait_s, who)
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        deadline = self._clock.monotonic() + wait_s
        place = self._turns.add(who, waiter, background=background, deadline=deadline)
        done = False
        try:
            await asyncio.wait((waiter,), timeout=None if wait_s == inf else wait_s)
            done = waiter.done()
        finally:
            if not done:
                self._withdraw(place)
        if not (done and waiter.result()):
            reason = (
                "the place in the queue went to another organisation's request"
                if done and self._clock.monotonic() < deadline
                else f"no slot was free within {wait_s:g} s"
            )
            raise Busy(reason, retry_after=self._expected(who, background=background))

    def check(self, priority: int, wait_s: float, who: str = "") -> None:
        """Make sure of a place in the queue that is worth it, where no slot is free.

        Raises Busy as `acquire` does at once.
        """
        background = bool(priority)
        expected = self._expected(who, background=background)
        if expected > wait_s:
            raise Busy(f"a slot is expected in {expected:.1f} s only", retry_after=expected)
        if self.waiting < self._queue:
            return
        yielding = self._turns.yielding(who, background=background)
        if yielding is None:
            raise Busy(f"{self.waiting} requests wait for a slot already", retry_after=expected)
        self._turns.remove(yielding)
        yielding.item.set_result(False)

    def try_acquire(self, spare: int = 0) -> bool:
        """Take a slot where one is free, or would be with so many `spare` ones; whether it was."""
        free = self._limit is None or self.busy < self._limit + spare
        if free:
            self._since.append(self._clock.monotonic())
        return free

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

    def _expected(self, who: str, *, background: bool) -> float:
        """Seconds that a newcomer waits, by what the last ones took."""
        ahead = self._turns.ahead(who, background=background)
        return self._mean_s * (ahead + 1) / (self._limit or 1)

    def _withdraw(self, place: Place[_Waiter]) -> None:
        """Leave the queue; a slot that was given at the same moment goes to the next."""
        if not place.item.done():
            self._turns.remove(place)
        elif place.item.result():
            self._since.pop()
            self._hand_out()

    def _hand_out(self) -> None:
        """Free slots to those whose turn it is; who has waited too long by now gets none."""
        now = self._clock.monotonic()
        while self.waiting and self._has_free():
            place = self._turns.pop()
            in_time = place.deadline >= now
            if in_time:
                self._since.append(now)
            place.item.set_result(in_time)
