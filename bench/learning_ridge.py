"""The reference that `learning.py` compares with: ridge regression on MiniLM, one for each tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from train.data import Row

from pointsman.embedding.reader import Reader

Floats = NDArray[np.float64]

PENALTY = 4.0  # the best of 1, 4, 16 and 64 after 200 events
EVERY = 25  # outcomes after which it learns again
WINDOW = 200  # pieces of a prompt that are embedded


def embedded(folder: Path, sources: Mapping[str, Sequence[Row]]) -> dict[str, Floats]:
    """A row of length 1 for each prompt."""
    model = Reader(folder, kept_bytes=0).load()
    known: dict[str, Floats] = {}
    for row in (row for rows in sources.values() for row in rows):
        if row.prompt not in known:
            pieces = model.pieces.split(row.prompt[: 16 * WINDOW])[:WINDOW]
            mean = model.network(model.pieces.numbered(pieces)).mean(axis=0)
            known[row.prompt] = mean / np.sqrt(mean @ mean)
    return {name: np.array([known[row.prompt] for row in rows]) for name, rows in sources.items()}


class Ridge:
    """Two linear models of outcomes."""

    def __init__(self, vectors: Floats) -> None:
        """`vectors` are of all prompts."""
        self._vectors = vectors
        self._above = np.zeros(len(vectors), dtype=bool)
        self._next = 0
        self._seen: dict[bool, tuple[list[int], list[float]]] = {False: ([], []), True: ([], [])}

    def add(self, at: int, strong: bool, quality: float) -> None:  # noqa: FBT001
        """Learn an outcome."""
        places, qualities = self._seen[strong]
        places.append(at)
        qualities.append(quality)

    def gaps(self) -> Floats:
        """What the strong tier is thought to add, for every prompt."""
        return self._quality(strong=True) - self._quality(strong=False)

    def prefers(self, at: int) -> bool:
        """Whether the strong tier is thought to add more than usual; thought over now and then."""
        if len(self._seen[True][0]) + len(self._seen[False][0]) >= self._next:
            self._next += EVERY
            gaps = self.gaps()
            self._above = gaps > np.median(gaps)
        return bool(self._above[at])

    def _quality(self, *, strong: bool) -> Floats:
        places, qualities = self._seen[strong]
        if not places:
            return np.zeros(len(self._vectors))
        rows, said = self._vectors[places], np.array(qualities)
        usual, middle = rows.mean(axis=0), said.mean()
        centred = rows - usual
        products = centred @ centred.T + PENALTY * np.eye(len(rows))
        weights = centred.T @ np.linalg.solve(products, said - middle)
        found: Floats = middle + (self._vectors - usual) @ weights
        return found
