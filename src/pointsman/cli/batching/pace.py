"""When the next row may be asked: so many a minute, and not before the gateway wants to be asked."""

from __future__ import annotations

import asyncio

from pointsman.ports import Clock

_MINUTE_S = 60.0


class Pace:
    """Gives turns, evenly spaced. For one event loop."""

    def __init__(self, clock: Clock, per_minute: float | None = None) -> None:
        """As fast as can be where `per_minute` is None."""
        self._clock = clock
        self._between_s = 0.0 if per_minute is None else _MINUTE_S / per_minute
        self._next = self._rested = clock.monotonic()

    def reserve(self) -> float:
        """Take a turn: the seconds until it comes."""
        now = self._clock.monotonic()
        turn = max(now, self._next, self._rested)
        self._next = turn + self._between_s
        return turn - now

    def rest(self, seconds: float) -> None:
        """No turn before so many seconds are over."""
        self._rested = max(self._rested, self._clock.monotonic() + seconds)

    async def turn(self) -> None:
        """Wait for a turn, and longer where a rest came meanwhile."""
        await asyncio.sleep(self.reserve())
        if (left := self._rested - self._clock.monotonic()) > 0:
            await asyncio.sleep(left)
            await self.turn()
