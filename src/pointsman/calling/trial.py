"""Few at a time fall back on a deployment that has not proved itself."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

from pointsman.calling.breaker import Breaker

#: Requests that try an unproven deployment at once: as many failures open its breaker.
MOST = Breaker.FAILURES
#: Seconds that the others wait for its first result. A refused connection is known in a
#: millisecond; a model that thinks is not waited for.
PATIENCE_S = 0.25


class Trials:
    """Held while a fallback is tried.

    Where everything is down, a burst of requests would else try every deployment of its plan
    before the first result is in. What has answered last time is not held up.
    """

    def __init__(self, breaker: Breaker, patience_s: float = PATIENCE_S) -> None:
        """`breaker` knows whether the deployment has proved itself."""
        self._breaker = breaker
        self._patience_s = patience_s
        self._trying = 0
        self._changed = asyncio.Event()

    async def __aenter__(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while self._trying >= MOST and not self._breaker.proven:
                    self._changed.clear()
                    await self._changed.wait()
        self._trying += 1

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._trying -= 1
        self._changed.set()
