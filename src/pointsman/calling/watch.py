"""A look at each local server now and then: how it stands, and what it says of its model."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from pointsman.calling.line import Line
from pointsman.ports import Clock, Observer

#: Seconds between two looks.
INTERVAL_S = 15.0


class Watch:
    """Looks at lines that are watched; what is learned is theirs."""

    def __init__(
        self,
        lines: Collection[Line],
        observer: Observer,
        clock: Clock,
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Looks at nothing yet. The observer is told where a look itself fails."""
        self._lines = [line for line in lines if line.watched]
        self._observer = observer
        self._clock = clock
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now and then from now on, in the background. Idempotent."""
        if self._lines and self._task is None:
            self._task = asyncio.create_task(self._run())

    async def look(self) -> None:
        """Look at all of them once."""
        await asyncio.gather(*(self._look_at(line) for line in self._lines))

    async def close(self) -> None:
        """Look no more. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _look_at(self, line: Line) -> None:
        try:
            health = await line.provider.probe()
            line.learn(health)
            if health.state != "down":
                line.seen_at = self._clock.monotonic()
        except Exception as error:  # noqa: BLE001 - whatever one server says, the others are looked at
            self._observer.fault("watch", error)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()
