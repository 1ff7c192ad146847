"""What a failed attempt means for those that come after it."""

from __future__ import annotations

from pointsman.calling import faults
from pointsman.calling.hints import Hints
from pointsman.calling.line import Line
from pointsman.calling.rest import Rests
from pointsman.calling.retry import parse_retry_after
from pointsman.errors import UpstreamError, UpstreamRefused
from pointsman.ports import Clock


def blame(line: Line, error: UpstreamError, rests: Rests, hints: Hints, clock: Clock) -> None:
    """Tell the breaker of a failure, where it counts, and keep a promise to stay away.

    Other gateways get to hear of it, too.
    """
    now = clock.monotonic()
    if isinstance(error, UpstreamRefused):
        wait = parse_retry_after(error.headers, clock.now())
        if wait is not None:
            rests.rest(line.quota_group, now + wait)
            hints.rests(line, wait)
    if not faults.counts_against(error):
        line.breaker.left()
        return
    waited = line.breaker.wait(now)
    line.breaker.failed(now)
    if (wait := line.breaker.wait(now)) > waited:
        hints.opened(line, wait)
