"""The vectors of one partition, compact and side by side, and the search through all of them.

A vector takes 1 byte per dimension, rounded to 127ths of its greatest, and 1 bit more: its signs.
A search compares signs with signs, 64 dimensions at a time, and computes the cosine only of the rows
that differ least; the rounding changes that by some 0.0005 for MiniLM's 384 dimensions.
numpy is imported where it is needed: requests that use no vectors need none of its memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = "NDArray[np.float32]"

#: Rows that are allocated together: 2 MB of MiniLM's.
BLOCK = 4096
#: Rows of the first allocation of a partition; it doubles up to a block.
_FIRST = 8
#: Rows whose cosine is computed; where there are no more than these, the search is exhaustive. Of
#: 3,000 prompts in `train/cache_pairs` the nearest was among the first 32 each time.
RESCORED = 64
#: Differing signs of a row that has expired: more than a vector has.
_NEVER = 65535


@dataclass(slots=True)
class Block:
    """Room for some rows."""

    #: (words of 64 signs, rows)
    signs: NDArray[np.uint64]
    #: (rows, dimensions); times `scales`, (rows,), they are the vectors.
    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    #: Microseconds since 1970, (rows,)
    expires: NDArray[np.int64]

    @property
    def room(self) -> int:
        """Rows."""
        return len(self.values)


class Rows:
    """Vectors of one size, by row number: 0 to `len(self)` - 1, without gaps.

    `search` may run in another thread than the rest: what changes meanwhile it may see as it was,
    as it is, or half of each, so its word is to be checked.
    """

    def __init__(self, dimensions: int) -> None:
        """Without rows."""
        self._dimensions = dimensions
        self._blocks: list[Block] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def memory(self) -> int:
        """Bytes."""
        blocks = self._blocks
        return sum(
            b.signs.nbytes + b.values.nbytes + b.scales.nbytes + b.expires.nbytes for b in blocks
        )

    def append(self, vector: Floats, expires: int) -> None:
        """Add a row at the end; `expires` in microseconds since 1970."""
        import numpy as np  # noqa: PLC0415

        place = self._count % BLOCK
        if place == 0 or place == self._blocks[-1].room:
            self._grow()
        block = self._blocks[-1]
        scale = float(np.max(np.abs(vector))) / 127 or 1.0
        block.values[place] = (vector / scale).round()
        block.scales[place] = scale
        block.signs[:, place] = _signs(vector)
        block.expires[place] = expires
        self._count += 1

    def remove(self, row: int) -> None:
        """The last row takes the place of this one."""
        last = self._count - 1
        to, source = self._blocks[row // BLOCK], self._blocks[-1]
        to.values[row % BLOCK] = source.values[last % BLOCK]
        to.scales[row % BLOCK] = source.scales[last % BLOCK]
        to.signs[:, row % BLOCK] = source.signs[:, last % BLOCK]
        to.expires[row % BLOCK] = source.expires[last % BLOCK]
        self._count = last
        if last % BLOCK == 0:
            self._blocks.pop()

    def search(self, vector: Floats, *, limit: int, now: int) -> list[tuple[int, float]]:
        """Rows with their cosines, the greatest first, of those that expire after `now`."""
        import numpy as np  # noqa: PLC0415

        blocks, count = list(self._blocks), self._count
        if not count:
            return []
        rescored = max(RESCORED, 8 * limit)
        if count <= rescored:
            rows = np.arange(count)
        else:
            differing = np.concatenate(_differing(blocks, count, _signs(vector), now))
            rows = np.argpartition(differing, rescored - 1)[:rescored]
        scored = _cosines(blocks, np.sort(rows), vector, now)
        return sorted(scored, key=lambda pair: -pair[1])[:limit]

    def _grow(self) -> None:
        """Double the last block, or begin another."""
        import numpy as np  # noqa: PLC0415

        last = self._blocks[-1] if self._count % BLOCK else None
        room = min(2 * last.room, BLOCK) if last else BLOCK if self._blocks else _FIRST
        block = Block(
            signs=np.zeros((-(-self._dimensions // 64), room), dtype=np.uint64),
            values=np.zeros((room, self._dimensions), dtype=np.int8),
            scales=np.zeros(room, dtype=np.float32),
            expires=np.zeros(room, dtype=np.int64),
        )
        if last:
            block.signs[:, : last.room] = last.signs
            block.values[: last.room] = last.values
            block.scales[: last.room] = last.scales
            block.expires[: last.room] = last.expires
            self._blocks.pop()
        self._blocks.append(block)


def _signs(vector: Floats) -> NDArray[np.uint64]:
    """One bit for each dimension, padded with zeros."""
    import numpy as np  # noqa: PLC0415

    packed = np.packbits(vector > 0)
    padded = np.zeros(-(-len(packed) // 8), dtype=np.uint64)
    padded.view(np.uint8)[: len(packed)] = packed
    return padded


def _differing(
    blocks: list[Block], count: int, signs: NDArray[np.uint64], now: int
) -> list[NDArray[np.uint16]]:
    """How many signs of each row differ; `_NEVER` where it has expired."""
    import numpy as np  # noqa: PLC0415

    counted = []
    for number, block in enumerate(blocks):
        rows = min(count - number * BLOCK, block.room)
        differing = np.bitwise_count(block.signs[:, :rows] ^ signs[:, None])
        total = differing.sum(axis=0, dtype=np.uint16)
        total[block.expires[:rows] <= now] = _NEVER
        counted.append(total)
    return counted


def _cosines(
    blocks: list[Block], rows: NDArray[np.intp], vector: Floats, now: int
) -> list[tuple[int, float]]:
    """Of the rows given, in ascending order; those that have expired are left out."""
    import numpy as np  # noqa: PLC0415

    scored: list[tuple[int, float]] = []
    edges = np.searchsorted(rows, [number * BLOCK for number in range(1, len(blocks))])
    for number, (block, here) in enumerate(zip(blocks, np.split(rows, edges), strict=True)):
        within = here - number * BLOCK
        within = within[block.expires[within] > now]
        # Bytes times parts of a unit vector can't overflow; some kernels raise flags for what they
        # read beyond the end of a small matrix.
        with np.errstate(all="ignore"):
            cosines = block.values[within].astype(np.float32) @ vector * block.scales[within]
        scored += zip((within + number * BLOCK).tolist(), cosines.tolist(), strict=True)
    return scored
