"""What limits say of a request, wherever they are counted. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from pointsman.errors import RateLimited
from pointsman.types import Allowance, Level, Standing, Tally

#: Seconds: nobody knows when an open request ends, so somebody who may have no more looks again.
_LOOK_AGAIN_S = 1.0


class Refusal(msgspec.Struct, frozen=True):
    """Why a request does not pass, and when it would."""

    message: str
    wait_s: float


def refusals(allowance: Allowance, tally: Tally, tokens: int) -> list[Refusal]:
    """What speaks against one more request, of so many tokens."""
    found, name, limits = [], allowance.subject, allowance.limits
    if limits.concurrent is not None and tally.open >= limits.concurrent:
        found.append(
            Refusal(
                f"{name} may have {_number(limits.concurrent, 'request')} open at the same "
                "time: the next one passes when one has ended",
                _LOOK_AGAIN_S,
            )
        )
    if (level := tally.requests) is not None and level.wait_s:
        found.append(
            Refusal(
                f"{name} may make {_number(level.per_minute, 'request')} per minute: "
                f"the next one passes in {_seconds(level.wait_s)}",
                level.wait_s,
            )
        )
    if (level := tally.tokens) is not None and level.wait_s:
        found.append(
            Refusal(
                f"{name} may use {_number(level.per_minute, 'token')} per minute: "
                f"this request, of up to {tokens}, passes in {_seconds(level.wait_s)}",
                level.wait_s,
            )
        )
    return found


def refused(found: Sequence[Refusal], tallies: Sequence[Tally]) -> RateLimited:
    """The error that tells the client, of several refusals the longest."""
    longest = max(found, key=lambda each: each.wait_s)
    return RateLimited(longest.message, retry_after=longest.wait_s, standing=standing(tallies))


def standing(tallies: Sequence[Tally]) -> Standing:
    """The tightest of each kind."""
    requests = _tightest([tally.requests for tally in tallies])
    tokens = _tightest([tally.tokens for tally in tallies])
    return Standing(*_figures(requests), *_figures(tokens))


def _tightest(levels: Sequence[Level | None]) -> Level | None:
    limited = [level for level in levels if level is not None]
    return min(limited, key=lambda level: level.left, default=None)


def _figures(level: Level | None) -> tuple[int | None, int | None, float | None]:
    """Limit, what remains of it, and seconds until all of it is there again."""
    if level is None:
        return None, None, None
    return level.per_minute, max(0, level.left), level.full_s


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _seconds(wait_s: float) -> str:
    """Rounded up, so that nobody comes too early."""
    return f"{math.ceil(wait_s * 10) / 10:g} s"
