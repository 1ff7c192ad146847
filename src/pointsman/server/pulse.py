"""The event loop's pulse: how far it is behind its work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Seconds between two beats.
BEAT_S = 0.1


class Pulse:
    """Beats ten times a second as long as the event loop turns."""

    def __init__(self, heard: Callable[[float], object]) -> None:
        """Each beat's lag goes to `heard`, in seconds."""
        self._heard = [heard]
        self._task: asyncio.Task[None] | None = None
        #: How late the last beat was, in seconds.
        self.lag_s = 0.0
        #: When it was, in seconds of `time.monotonic`.
        self.beat_at = time.monotonic()

    def listen(self, heard: Callable[[float], object]) -> None:
        """Have `heard` told of each beat's lag, too."""
        self._heard.append(heard)

    def silence(self) -> float:
        """Seconds since the last beat; any thread may ask."""
        return time.monotonic() - self.beat_at

    def start(self) -> None:
        """Begin. Idempotent."""
        if self._task is None:
            self.beat_at = time.monotonic()
            self._task = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """Stop. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self.beat_at = time.monotonic()
            self.lag_s = max(0.0, self.beat_at - due)
            for heard in self._heard:
                heard(self.lag_s)
