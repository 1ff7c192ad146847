"""Work that nobody waits for, and that is finished before the gateway stops."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Background:
    """Tasks, held until they end."""

    def __init__(self, most: int = 256) -> None:
        """`most` of them at once."""
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Nothing more is begun now."""
        return len(self._tasks) >= self._most

    def begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None] | None:
        """Begin it; None where too much is under way, and then it is not done."""
        if self.is_full:
            work.close()
            return None
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait for all that was begun."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Give up all that was begun."""
        for task in self._tasks:
            task.cancel()
        await self.close()
