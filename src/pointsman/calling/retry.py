"""Whether, when and how often a failed attempt is made again. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pointsman.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)

#: Seconds that a `Retry-After` counts at most. A longer one is an outage or a mistake (a date of
#: next year, milliseconds for seconds), and must not take a provider away for good: after an hour
#: one request finds out.
LONGEST_S = 3600.0

#: Seconds before the first retry at most, and before any.
_BASE_S = 0.25
_CAP_S = 8.0
_DOUBLINGS = math.ceil(math.log2(_CAP_S / _BASE_S))
#: Statuses that the same request may not meet again; 529 is Anthropic's "overloaded".
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


class RetryBudget:
    """Keeps retries a small part of the load, so that they never are what keeps a provider down.

    Retries in flight are at most `share` of the active requests, or `least` where that is more.
    """

    def __init__(self, share: float = 0.2, least: int = 3) -> None:
        """`share` is 0-1, `least` a number of retries."""
        self._share = share
        self._least = least
        self._active = 0
        self._retries = 0

    def enter(self) -> None:
        """A request becomes active."""
        self._active += 1

    def leave(self) -> None:
        """It ended."""
        self._active -= 1

    def take(self) -> bool:
        """Whether a retry may begin; whoever is told so gives it back when the retry has ended."""
        if self._retries + 1 > max(self._least, self._share * self._active):
            return False
        self._retries += 1
        return True

    def give_back(self) -> None:
        """A retry ended."""
        self._retries -= 1


def backoff(attempt: int, random: float) -> float:
    """Seconds to wait before retry number `attempt`, counted from 0, with full jitter.

    `random` is 0-1. Spread over the whole of a doubling interval, clients that failed together
    don't come back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).
    """
    doublings = min(attempt, _DOUBLINGS)
    return random * min(_CAP_S, _BASE_S * 2.0**doublings)


def retriable(error: UpstreamError) -> bool:
    """Whether the same request to the same deployment may fare better a moment later.

    For errors before the first byte for the client; after it nothing is tried again.
    """
    if isinstance(error, UpstreamRefused):
        return error.upstream_status in _PASSING and not _discouraged(error)
    return isinstance(error, UpstreamUnreachable | UpstreamTimeout | UpstreamBroken)


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the upstream asks to wait, 0 to `LONGEST_S`; None where it asks nothing usable.

    `headers` by lower-case name: `retry-after-ms`, else `retry-after` in seconds or as a date,
    which is compared with `now` (aware).
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    stated = headers.get("retry-after", "")
    seconds = _number(stated)
    if seconds is None:
        date = _date(stated)
        seconds = None if date is None else (date - now).total_seconds()
    return None if seconds is None else _bounded(seconds)


def _discouraged(error: UpstreamRefused) -> bool:
    """OpenAI and Anthropic say it where a retry can't help, and their own clients obey."""
    return error.headers.get("x-should-retry") == "false"


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_S)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date, or one beyond the calendar
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
