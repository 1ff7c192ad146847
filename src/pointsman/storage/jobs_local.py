"""Jobs of a gateway that has the books to itself. Nothing is stored: what is unfinished is."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

from msgspec.structs import replace

from pointsman.ports import Clock, Job, Work

#: Seconds until a job that failed is done again.
_PAUSE_S = 5.0
#: Seconds between two looks at the clock while jobs wait for their time.
_LOOK_S = 0.2
_log = logging.getLogger("pointsman.batching")


class LocalJobs:
    """`ports.Jobs` in memory."""

    def __init__(self, clock: Clock, *, at_once: int, grace_s: float) -> None:
        """So many jobs at once; `end` waits so many seconds for them."""
        self._clock = clock
        self._at_once = at_once
        self._grace_s = grace_s
        self._numbers = count()
        self._ready: list[tuple[int, int, Job]] = []
        self._later: list[tuple[datetime, int, Job]] = []
        self._waiting: set[tuple[str, int | None]] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._workers: list[asyncio.Task[None]] = []

    async def start(self, work: Work) -> None:
        """See `ports.Jobs`."""
        self._workers = [asyncio.create_task(self._run(work)) for _ in range(self._at_once)]

    async def offer(self, jobs: Sequence[Job]) -> None:
        """See `ports.Jobs`."""
        for job in jobs:
            if (job.batch, job.portion) in self._waiting:
                continue
            self._waiting.add((job.batch, job.portion))
            if job.at is None:
                self._put(job)
            else:
                heapq.heappush(self._later, (job.at, next(self._numbers), job))
        self._wake.set()

    async def end(self) -> None:
        """See `ports.Jobs`."""
        self._closing = True
        self._wake.set()
        workers, self._workers = self._workers, []
        if not workers:
            return
        try:
            await asyncio.wait(workers, timeout=self._grace_s)
        finally:
            for late in workers:
                late.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def close(self) -> None:
        """See `ports.Jobs`."""
        await self.end()

    async def _run(self, work: Work) -> None:
        while not self._closing:
            job = self._next()
            if job is None:
                await self._changed()
                continue
            try:
                await work(job)
            except Exception:  # noqa: BLE001 - whatever it was, it is tried again
                _log.exception("a job of %s failed", job.batch)
                at = self._clock.now() + timedelta(seconds=_PAUSE_S)
                await self.offer([replace(job, at=at)])

    async def _changed(self) -> None:
        """Until there may be something to do."""
        self._wake.clear()
        if not self._later:
            await self._wake.wait()
            return
        wait_s = (self._later[0][0] - self._clock.now()).total_seconds()
        try:
            async with asyncio.timeout(min(max(wait_s, 0.0), _LOOK_S)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _next(self) -> Job | None:
        now = self._clock.now()
        while self._later and self._later[0][0] <= now:
            self._put(heapq.heappop(self._later)[2])
        if not self._ready:
            return None
        job = heapq.heappop(self._ready)[2]
        self._waiting.discard((job.batch, job.portion))
        return job

    def _put(self, job: Job) -> None:
        """Earlier portions first, so that no batch has to wait for all of another."""
        portion = -1 if job.portion is None else job.portion
        heapq.heappush(self._ready, (portion, next(self._numbers), job))
