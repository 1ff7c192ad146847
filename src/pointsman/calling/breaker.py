"""A circuit breaker per deployment: after repeated failures it is left alone for a while."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

BreakerState: TypeAlias = Literal["closed", "open", "half-open"]


class Breaker:
    """Closed, open for a cool-down, then half open for one probe at a time.

    It opens at the third failure in a row, or at a later one where so many fail anyway that chance
    makes rows of three, and where half of at least ten results within half a minute are failures.
    The cool-down doubles with each failed probe and each relapse within half a minute. Time is
    handed in (monotonic seconds), so the rule is a pure state machine.
    """

    FAILURES = 3
    #: Rows of failures that chance may make in a window; a longer one is an outage.
    ROWS_BY_CHANCE = 0.01
    SHARE = 0.5
    RESULTS = 10
    WINDOW_S = 30.0
    COOL_DOWN_S = 2.0
    LONGEST_COOL_DOWN_S = 60.0

    def __init__(self) -> None:
        """Closed."""
        self._failures = 0
        self._recent = _Recent(self.WINDOW_S)
        self._cool_down = 0.0
        #: When the last cool-down ends or ended.
        self._rested_at = float("-inf")
        self._open = False
        self._probing = False
        self._proven = False
        self._hinted_until = float("-inf")

    @property
    def proven(self) -> bool:
        """Whether it answered when it was last asked."""
        return self._proven

    @property
    def suspect(self) -> bool:
        """Whether it has failed since it last succeeded."""
        return self._failures > 0

    def is_open(self, now: float) -> bool:
        """Whether a request would be turned away."""
        return self._open and (self._probing or now < self._rested_at)

    def state(self, now: float) -> BreakerState:
        """Half open is when one request may try, or does."""
        if not self._open:
            return "closed"
        return "half-open" if self._probing or now >= self._rested_at else "open"

    def wait(self, now: float) -> float:
        """Seconds until a request may pass."""
        return max(0.0, self._rested_at - now) if self._open else 0.0

    def enter(self, now: float) -> bool:
        """Ask to pass; whoever passes reports `succeeded`, `failed` or `left`."""
        if self.is_open(now):
            return False
        self._probing = self._open
        return True

    def answered(self) -> None:
        """It has begun to answer: let others pass; earlier failures count until a reply is whole."""
        self._proven = True
        if self._probing:
            self._open = self._probing = False

    def succeeded(self, now: float) -> None:
        """A reply is whole: a probe's closes it."""
        self._failures = 0
        self._hinted_until = float("-inf")
        self.answered()
        self._count(now, failed=False)

    def failed(self, now: float) -> None:
        """Count a failure; a probe's opens it again."""
        self._proven = False
        self._failures += 1
        self._count(now, failed=True)

    def hint(self, now: float, for_s: float) -> None:
        """Somebody else's is open, for so long: meanwhile the first failure opens this one.

        It may be their way there that is cut, so hearsay alone turns nobody away.
        """
        if not self._open:
            self._hinted_until = now + for_s

    def left(self) -> None:
        """The request ended without evidence either way."""
        self._probing = False

    def _count(self, now: float, *, failed: bool) -> None:
        """Open where it is time to; what was under way when it opened changes nothing any more."""
        if self._open and not self._probing:
            return
        self._recent.add(now, failed=failed)
        hinted = failed and now < self._hinted_until
        if self._probing or hinted or self._is_outage() or self._is_flapping():
            self._rest(now)

    def _is_outage(self) -> bool:
        """Whether the failures in a row are more than chance makes of those that fail anyway.

        Of n results, each a failure with the probability p, at most n p^k begin a row of k.
        """
        if self._failures < self.FAILURES:
            return False
        before = max(0, self._recent.results - self._failures)
        if before < self.RESULTS:
            return True
        failing = max(0, self._recent.failures - self._failures) / before
        return before * failing**self._failures <= self.ROWS_BY_CHANCE

    def _is_flapping(self) -> bool:
        recent = self._recent
        return recent.results >= self.RESULTS and recent.share >= self.SHARE

    def _rest(self, now: float) -> None:
        relapse = self._probing or now < self._rested_at + self.WINDOW_S
        longer = min(max(self._cool_down * 2, self.COOL_DOWN_S), self.LONGEST_COOL_DOWN_S)
        self._cool_down = longer if relapse else self.COOL_DOWN_S
        self._rested_at = now + self._cool_down
        self._open, self._probing = True, False
        self._recent = _Recent(self.WINDOW_S)


@dataclass(slots=True)
class _Second:
    at: int
    results: int = 0
    failures: int = 0


class _Recent:
    """Results of the last so many seconds, counted by the second."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seconds: deque[_Second] = deque()
        self.results = 0
        self.failures = 0

    @property
    def share(self) -> float:
        """Of failures; 0-1."""
        return self.failures / max(1, self.results)

    def add(self, now: float, *, failed: bool) -> None:
        if not self._seconds or self._seconds[-1].at != int(now):
            self._seconds.append(_Second(int(now)))
        second = self._seconds[-1]
        second.results += 1
        second.failures += failed
        self.results += 1
        self.failures += failed
        while self._seconds[0].at <= now - self._window_s:
            past = self._seconds.popleft()
            self.results -= past.results
            self.failures -= past.failures
