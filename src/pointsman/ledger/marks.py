"""How far open streams have come, written down now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pointsman.ledger.settle import Record
from pointsman.types import Deployment, Usage

#: Marks that are written together: thousands of streams may be open.
_AT_ONCE = 32


@dataclass(slots=True)
class _Watched:
    """A stream, and what was written of it last."""

    record: Record
    deployment: Deployment
    usage: Callable[[], Usage | None]
    since: float
    marked: Usage | None = None


class Marks:
    """Marks every open stream: all that a crash may lose is what came since the last mark."""

    def __init__(self) -> None:
        """Watches nothing yet; somebody calls `mark` now and then."""
        self._watched: list[_Watched] = []

    def watch(
        self,
        record: Record,
        deployment: Deployment,
        usage: Callable[[], Usage | None],
        *,
        since: float,
    ) -> None:
        """Mark this one from now on, until it is settled.

        `usage` is what it has used so far; `since` is when its attempt was sent, in monotonic seconds.
        """
        self._watched.append(_Watched(record, deployment, usage, since))

    async def mark(self) -> None:
        """Mark all that have come further since the last time, as long as the ledger takes marks.

        Raises what marking one of them raised, when all are marked.
        """
        watched = self._watched = [each for each in self._watched if not each.record.is_settled]
        faults: list[BaseException] = []
        for first in range(0, len(watched), _AT_ONCE):
            some = watched[first : first + _AT_ONCE]
            marked = await asyncio.gather(*map(self._mark, some), return_exceptions=True)
            faults += [each for each in marked if isinstance(each, BaseException)]
            if False in marked:
                break
        if faults:
            raise faults[0]

    async def _mark(self, watched: _Watched) -> bool:
        """Whether it is marked, as far as it has come."""
        usage = watched.usage()
        if usage is None or usage == watched.marked:
            return True
        is_marked = await watched.record.mark(watched.deployment, usage, since=watched.since)
        watched.marked = usage if is_marked else watched.marked
        return is_marked
