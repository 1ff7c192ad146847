"""A circuit breaker per deployment: after repeated failures it is left alone for a while."""

from __future__ import annotations


class Breaker:
    """Closed, open for a cool-down, then half open for one probe at a time.

    Time is handed in (monotonic seconds), so the rule is a pure state machine. The cool-down
    doubles with each failed probe.
    """

    FAILURES = 3
    COOL_DOWN_S = 2.0
    LONGEST_COOL_DOWN_S = 60.0

    def __init__(self) -> None:
        """Closed."""
        self._failures = 0
        self._cool_down = self.COOL_DOWN_S
        self._opens_at: float | None = None
        self._probing = False

    def is_open(self, now: float) -> bool:
        """Whether a request would be turned away."""
        if self._opens_at is None:
            return False
        return self._probing or now < self._opens_at

    def wait(self, now: float) -> float:
        """Seconds until a request may pass."""
        return max(0.0, self._opens_at - now) if self._opens_at is not None else 0.0

    def enter(self, now: float) -> bool:
        """Ask to pass; whoever passes reports `succeeded`, `failed` or `left`."""
        if self.is_open(now):
            return False
        self._probing = self._opens_at is not None
        return True

    def answered(self) -> None:
        """It has begun to answer: let others pass; earlier failures count until a reply is whole."""
        self._opens_at = None
        self._probing = False

    def succeeded(self) -> None:
        """Close: the deployment answers."""
        self._failures = 0
        self._cool_down = self.COOL_DOWN_S
        self._opens_at = None
        self._probing = False

    def failed(self, now: float) -> None:
        """Count a failure; open at the third in a row, and at every failed probe."""
        self._failures += 1
        if self._opens_at is not None and self._probing:
            self._cool_down = min(self._cool_down * 2, self.LONGEST_COOL_DOWN_S)
        if self._failures >= self.FAILURES:
            self._opens_at = now + self._cool_down
        self._probing = False

    def left(self) -> None:
        """The request ended without evidence either way."""
        self._probing = False
