"""The index in memory: which cached prompts of a partition mean what a new one does."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pointsman.storage.vector_rows import Rows
from pointsman.storage.word_index import WordIndex
from pointsman.types import Vector

if TYPE_CHECKING:
    from pointsman.storage.vector_rows import Floats

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Rows that are searched at once, in 0.2 ms; more are searched in a thread.
_AT_ONCE = 8192


@dataclass(slots=True, eq=False)
class _Prompt:
    """One cached prompt."""

    id: str
    #: The later it was added, the greater.
    number: int
    partition: str
    words: array[int]
    group: _Group
    row: int


@dataclass(slots=True)
class _Group:
    """The prompts of one partition and embedder; those of different ones are never compared."""

    name: tuple[str, str, int]
    rows: Rows
    prompts: list[_Prompt] = field(default_factory=list)


class Vectors:
    """Prompts by id; all but the search runs on the event loop, in some 0.01 ms each."""

    def __init__(self) -> None:
        """Empty."""
        self._prompts: dict[str, _Prompt] = {}
        self._groups: dict[tuple[str, str, int], _Group] = {}
        self._words = WordIndex()
        self._number = 0

    def __len__(self) -> int:
        return len(self._prompts)

    @property
    def memory(self) -> int:
        """Bytes of the vectors."""
        return sum(group.rows.memory for group in self._groups.values())

    def add(
        self,
        reply_id: str,
        partition: str,
        vector: Vector,
        *,
        words: Iterable[int],
        expires: datetime,
    ) -> None:
        """Take in a cached prompt, in place of what was there for the id."""
        self.remove(reply_id)
        name = (partition, vector.embedder, vector.size)
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(name, Rows(vector.size))
        group.rows.append(_floats(vector), _instant(expires))
        self._number += 1
        prompt = _Prompt(
            id=reply_id,
            number=self._number,
            partition=partition,
            words=array("I", words),
            group=group,
            row=len(group.prompts),
        )
        group.prompts.append(prompt)
        self._prompts[reply_id] = prompt
        self._words.add(partition, prompt.number, prompt.words)

    def remove(self, reply_id: str) -> None:
        """Forget it, if it is there."""
        prompt = self._prompts.pop(reply_id, None)
        if prompt is None:
            return
        self._words.remove(prompt.partition, prompt.number, prompt.words)
        group, last = prompt.group, prompt.group.prompts.pop()
        group.rows.remove(prompt.row)
        if last is not prompt:
            last.row = prompt.row
            group.prompts[last.row] = last
        if not group.prompts:
            del self._groups[group.name]

    def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """See `ports.VectorIndex`, and `word_index` for the rule."""
        return self._words.plausible(partition, words)

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> list[str]:
        """The ids of the nearest that have not expired, the nearest first.

        A hint: it may have gone since, and the cosine is for the caller to compute.
        """
        group = self._groups.get((partition, vector.embedder, vector.size))
        if group is None or limit <= 0:
            return []
        asked, time = _floats(vector), _instant(now)
        if len(group.rows) <= _AT_ONCE:
            rows = group.rows.search(asked, limit=limit, now=time)
        else:
            rows = await asyncio.to_thread(group.rows.search, asked, limit=limit, now=time)
        return [group.prompts[row].id for row, _ in rows if row < len(group.prompts)]


def cosine(a: Vector, b: Vector) -> float:
    """Of two vectors of length 1 and the same size, -1 to 1, in double precision."""
    import numpy as np  # noqa: PLC0415

    return min(1.0, max(-1.0, float(_floats(a).astype(np.float64) @ _floats(b))))


def _floats(vector: Vector) -> Floats:
    import numpy as np  # noqa: PLC0415

    return np.frombuffer(vector.data, dtype="<f4")


def _instant(time: datetime) -> int:
    """Microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND
