"""What is to be expected of each tier, as a straight line over the shipped score. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
#: Outcomes' worth of the mean of all tiers in each tier's own line.
_PRIOR = 2.0


class Expected:
    """Lines fitted to outcomes by ridge regression (Hoerl and Kennard 1970)."""

    def __init__(self, chosen: NDArray[np.intp], cold: Floats, values: Floats, tiers: int) -> None:
        """Of each outcome the tier (from 0), how hard it looked (0-100), and what came of it.

        A tier of which nothing was seen is expected to do as all together.
        """
        mean = float(values.mean()) if len(values) else 0.0
        own = (chosen == tier for tier in range(tiers))
        self._lines = np.array([_line(cold[of], values[of] - mean) for of in own])
        self._lines[:, 0] += mean

    def of(self, cold: Floats) -> Floats:
        """At these scores: scores x tiers."""
        return np.asarray(self._lines[:, 0] + np.outer(_along(cold), self._lines[:, 1]))


def _line(cold: Floats, above: Floats) -> Sequence[float]:
    """Level and slope."""
    at = np.column_stack([np.ones_like(cold), _along(cold)])
    found: list[float] = np.linalg.solve(at.T @ at + _PRIOR * np.eye(2), at.T @ above).tolist()
    return found


def _along(cold: Floats) -> Floats:
    return cold / 50.0 - 1.0
