"""The rows asked, some at a time, each until it is answered or can't be."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from typing import Protocol

from pointsman.cli.batching.asking import Answer, result
from pointsman.cli.batching.pace import Pace
from pointsman.cli.batching.results import Result, Results
from pointsman.cli.batching.rows import Row

#: How often a row is asked where nobody can answer it now.
TRIES = 5
#: Seconds before the second time, doubled each time.
_PAUSE_S = 1.0
#: So many rows that fail one after the other, and all will.
_TOO_MANY = 10


class Asker(Protocol):
    """Who is asked."""

    async def ask(self, row: Row) -> Answer:
        """The answer, a refusal too. Raises nothing."""


class Watcher(Protocol):
    """Who wants to know how it goes."""

    def add(self, each: Result) -> None:
        """A row is answered, or has failed."""


class Run:
    """One go at a file."""

    def __init__(
        self,
        asker: Asker,
        results: Results,
        pace: Pace,
        watcher: Watcher,
        *,
        pause_s: float = _PAUSE_S,
    ) -> None:
        """`pause_s` before a row is asked a second time, doubled each time."""
        self._asker = asker
        self._results = results
        self._pace = pace
        self._watcher = watcher
        self._pause_s = pause_s
        self._failures = 0
        #: Why no further row is asked; None where nothing is against it.
        self.stopped: str | None = None

    def stop(self, why: str) -> None:
        """Ask no further row; those on their way are waited for."""
        self.stopped = self.stopped or why

    async def ask_all(self, rows: Iterable[Row], at_once: int) -> None:
        """Ask them. Raises ConfigError where an answer can't be written down."""
        waiting = iter(rows)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._work(waiting))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _work(self, waiting: Iterator[Row]) -> None:
        for row in waiting:
            if self.stopped is not None:
                return
            found = await self._result(row)
            if found is not None:
                self._results.add(found)
                self._watcher.add(found)

    async def _result(self, row: Row) -> Result | None:
        """None where it is not the row's fault that there is no answer, and no row will have one."""
        for tried in itertools.count(1):
            await self._pace.turn()
            if self.stopped is not None:
                break
            answer = await self._asker.ask(row)
            if answer.ends_it:
                self.stop(answer.words)
                break
            if tried == TRIES or not answer.may_change:
                self._count(answer)
                return result(row, answer)
            if answer.rest_s is not None:
                self._pace.rest(answer.rest_s)
            else:
                await asyncio.sleep(self._pause_s * 2 ** (tried - 1))
        return None

    def _count(self, answer: Answer) -> None:
        self._failures = self._failures + 1 if answer.may_change else 0
        if self._failures >= _TOO_MANY:
            self.stop(f"{self._failures} rows in a row failed: {answer.words}")
