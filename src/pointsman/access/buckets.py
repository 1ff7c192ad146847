"""A bucket that refills steadily, in whole numbers: nothing is lost or won by rounding. Pure."""

from __future__ import annotations

#: Nanoseconds.
MINUTE = 60_000_000_000


class Bucket:
    """Holds as much as may be taken in a minute, and refills at that rate.

    More may be taken out than is there: it is owed, and refilled first. Times are nanoseconds of a
    clock that never runs backwards.
    """

    __slots__ = ("_at", "_missing", "per_minute")

    def __init__(self, per_minute: int, now: int) -> None:
        """A full one. `per_minute` is at least 1."""
        self.per_minute = per_minute
        #: What was taken and had not come back at `_at`, times a minute's nanoseconds: a nanosecond
        #: brings back `per_minute` of that.
        self._missing = 0
        self._at = now

    def resize(self, per_minute: int, now: int) -> None:
        """Another rate from now on; what is missing stays missing."""
        self._refill(now)
        self.per_minute = per_minute

    def left(self, now: int) -> int:
        """How many are there, whole ones; below zero where some are owed."""
        self._refill(now)
        return self.per_minute - -(-self._missing // MINUTE)

    def wait(self, amount: int, now: int) -> int:
        """Nanoseconds until `amount` may be taken; of more than it holds, until it is full."""
        self._refill(now)
        amount = min(amount, self.per_minute)
        short = self._missing - (self.per_minute - amount) * MINUTE
        return max(0, -(-short // self.per_minute))

    def take(self, amount: int, now: int) -> None:
        """Take out, also what is not there; a negative amount is put back."""
        self._refill(now)
        self._missing = max(0, self._missing + amount * MINUTE)

    def until_full(self, now: int) -> int:
        """Nanoseconds."""
        return self.wait(self.per_minute, now)

    def _refill(self, now: int) -> None:
        self._missing = max(0, self._missing - (now - self._at) * self.per_minute)
        self._at = now
