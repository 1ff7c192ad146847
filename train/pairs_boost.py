"""Gradient boosting of small trees, the same bit for bit wherever numpy adds up alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: A leaf's log-odds, or [feature, threshold, where lower or equal, where higher].
Tree = float | list["int | float | Tree"]

_BINS = 64
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """How the trees are grown."""

    trees: int = 100
    rate: float = 0.1
    leaves: int = 8
    #: Least number of rows in a leaf, and what its sum of curvatures is raised by.
    rows: int = 60
    ridge: float = 5.0


@dataclass(slots=True, eq=False)
class _Leaf:
    rows: Ints
    value: float
    low: float
    high: float
    #: Gain, feature, bin; None where no split is worth it.
    split: tuple[float, int, int] | None
    #: Where it stands in the tree being grown.
    node: list[object]


class Binned:
    """A table of features, each cut into at most 64 bins."""

    def __init__(self, values: Floats) -> None:
        """`values` has a row per pair and a column per feature."""
        self.cuts = [_cuts(column) for column in values.T]
        self.bins = np.stack(
            [np.searchsorted(cut, column) for cut, column in zip(self.cuts, values.T, strict=True)]
        ).astype(np.int64)


def _cuts(column: Floats) -> Floats:
    """Thresholds: a value belongs to the bin whose threshold is the first not below it."""
    known = np.unique(column)
    if len(known) > _BINS:
        known = np.unique(np.quantile(column, np.linspace(0.0, 1.0, _BINS + 1), method="lower"))
    return np.unique(np.round((known[:-1] + known[1:]) / 2.0, DIGITS))


def boosted(
    table: Binned, label: Floats, weight: Floats, rising: Sequence[bool], shape: Shape
) -> tuple[float, list[Tree]]:
    """Fit: the log-odds to begin with, and the trees that add to them.

    `rising` marks features that may only ever raise the result.
    """
    share = float(np.dot(weight, label) / weight.sum())
    start = round(float(np.log(share / (1.0 - share))), DIGITS)
    odds = np.full(len(label), start)
    trees: list[Tree] = []
    for _ in range(shape.trees):
        chance = 1.0 / (1.0 + np.exp(-odds))
        grower = _Grower(
            table, weight * (label - chance), weight * chance * (1.0 - chance), rising, shape
        )
        tree, step = grower.grow()
        trees.append(tree)
        odds += step
    return start, trees


class _Grower:
    """Grows one tree, the best split first."""

    def __init__(
        self, table: Binned, slope: Floats, curve: Floats, rising: Sequence[bool], shape: Shape
    ) -> None:
        self._table, self._slope, self._curve = table, slope, curve
        self._rising, self._shape = rising, shape

    def grow(self) -> tuple[Tree, Floats]:
        """The tree, and what it adds to every row."""
        every = np.arange(len(self._slope))
        leaves = [self._leaf(every, -np.inf, np.inf)]
        root = leaves[0].node
        while len(leaves) < self._shape.leaves:
            best = max(leaves, key=lambda leaf: leaf.split[0] if leaf.split else -1.0)
            if best.split is None:
                break
            leaves.remove(best)
            leaves += self._divided(best, best.split)
        step = np.zeros(len(self._slope))
        for leaf in leaves:
            value = round(self._shape.rate * leaf.value, DIGITS)
            leaf.node[:] = [value]
            step[leaf.rows] = value
        return _tidy(root), step

    def _leaf(self, rows: Ints, low: float, high: float) -> _Leaf:
        value = self._value(self._slope[rows].sum(), self._curve[rows].sum(), low, high)
        return _Leaf(rows, value, low, high, self._best(rows, low, high), [])

    def _value(self, slope: float, curve: float, low: float, high: float) -> float:
        return float(min(max(slope / (curve + self._shape.ridge), low), high))

    def _best(self, rows: Ints, low: float, high: float) -> tuple[float, int, int] | None:
        found: tuple[float, int, int] | None = None
        if len(rows) < 2 * self._shape.rows:
            return None
        slopes, curves, ridge = self._slope[rows], self._curve[rows], self._shape.ridge
        whole = slopes.sum() ** 2 / (curves.sum() + ridge)
        for feature, cuts in enumerate(self._table.cuts):
            bins = self._table.bins[feature][rows]
            size = len(cuts) + 1
            left = np.cumsum(np.bincount(bins, slopes, size))
            under = np.cumsum(np.bincount(bins, curves, size))
            count = np.cumsum(np.bincount(bins, minlength=size))
            right, over = left[-1] - left, under[-1] - under
            gain = left**2 / (under + ridge) + right**2 / (over + ridge) - whole
            allowed = (count >= self._shape.rows) & (count[-1] - count >= self._shape.rows)
            if self._rising[feature]:
                less = np.clip(left / (under + ridge), low, high)
                allowed &= less <= np.clip(right / (over + ridge), low, high)
            gain = np.where(allowed, gain, 0.0)
            at = int(np.argmax(gain))
            if gain[at] > (found[0] if found else 1e-6):
                found = float(gain[at]), feature, at
        return found

    def _divided(self, leaf: _Leaf, split: tuple[float, int, int]) -> list[_Leaf]:
        _, feature, at = split
        lower = self._table.bins[feature][leaf.rows] <= at
        parts = leaf.rows[lower], leaf.rows[~lower]
        middle = None
        if self._rising[feature]:
            values = [
                self._value(self._slope[part].sum(), self._curve[part].sum(), leaf.low, leaf.high)
                for part in parts
            ]
            middle = sum(values) / 2.0
        low, high = leaf.low, leaf.high
        halves = [
            self._leaf(parts[0], low, high if middle is None else middle),
            self._leaf(parts[1], low if middle is None else middle, high),
        ]
        leaf.node[:] = [
            feature,
            round(float(self._table.cuts[feature][at]), DIGITS),
            *(half.node for half in halves),
        ]
        return halves


def _tidy(node: list[object]) -> Tree:
    """Leaves as bare numbers."""
    if len(node) == 1:
        return node[0]  # type: ignore[return-value]
    feature, threshold, lower, higher = node
    return [feature, threshold, _tidy(lower), _tidy(higher)]  # type: ignore[list-item, arg-type]
