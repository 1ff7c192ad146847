"""Work that is done again and again in the background, until the gateway stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pointsman.errors import Unavailable
from pointsman.ports import Observer


class Rounds:
    """Each piece of work has a task of its own; a round that fails is reported, and the next comes.

    Of rounds that fail because something is away, the first is reported until one succeeds.
    """

    def __init__(self, observer: Observer) -> None:
        """The observer is told of rounds that fail."""
        self._observer = observer
        self._tasks: list[asyncio.Task[None]] = []

    def every(
        self,
        interval_s: float,
        name: str,
        work: Callable[[], Awaitable[object]],
        *,
        first_s: float | None = None,
    ) -> None:
        """Do `work` every so many seconds; the first time after `first_s`, else after one interval."""
        first_s = interval_s if first_s is None else first_s
        self._tasks.append(asyncio.create_task(self._run(first_s, interval_s, name, work)))

    def soon(self, name: str, work: Callable[[], Awaitable[object]]) -> Callable[[], None]:
        """What has `work` done soon: once, however often it is called before it begins."""
        wanted = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._whenever(wanted, name, work)))
        return wanted.set

    async def close(self) -> None:
        """Stop all of them. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, first_s: float, interval_s: float, name: str, work: Callable[[], Awaitable[object]]
    ) -> None:
        await asyncio.sleep(first_s)
        away = False
        while True:
            away = await self._round(name, work, away=away)
            await asyncio.sleep(interval_s)

    async def _whenever(
        self, wanted: asyncio.Event, name: str, work: Callable[[], Awaitable[object]]
    ) -> None:
        away = False
        while True:
            await wanted.wait()
            wanted.clear()
            away = await self._round(name, work, away=away)

    async def _round(self, name: str, work: Callable[[], Awaitable[object]], *, away: bool) -> bool:
        """Whether what it needs is away; `away` says whether it was the last time."""
        try:
            await work()
        except Unavailable as error:
            if not away:
                self._observer.fault(name, error)
            return True
        except Exception as error:  # noqa: BLE001 - whatever one round meets, the next one comes
            self._observer.fault(name, error)
        return False
