"""An additive model of step functions, boosted: each round moves one feature's odds at one bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Most bounds of a feature, and decimals that they are rounded to.
_BOUNDS, _DIGITS = 63, 4


@dataclass(frozen=True, slots=True)
class Shape:
    """How it is fitted."""

    rounds: int
    #: The share of the best step that is taken.
    rate: float
    #: Least number of rows on either side of a bound, and what sums of curvatures are raised by.
    rows: int
    ridge: float


@dataclass(frozen=True, slots=True)
class Steps:
    """Of one feature: `odds[i]` up to and with `bounds[i]`, the last of them beyond all bounds."""

    bounds: Floats
    odds: Floats

    def of(self, values: Floats) -> Floats:
        """The log-odds that values add."""
        return self.odds[np.searchsorted(self.bounds, values)]

    def scaled(self, factor: float, digits: int) -> Steps:
        """In other units, rounded, without bounds that nothing changes at."""
        odds = np.round(self.odds * factor, digits)
        moves = np.flatnonzero(odds[1:] != odds[:-1])
        return Steps(self.bounds[moves], np.append(odds[moves], odds[-1]))


@dataclass(frozen=True, slots=True)
class Additive:
    """Log-odds to begin with, and what each feature adds."""

    start: float
    steps: Sequence[Steps]

    def odds(self, values: Floats) -> Floats:
        """Of a table with a column per feature."""
        return self.start + sum(
            (steps.of(column) for steps, column in zip(self.steps, values.T, strict=True)),
            np.zeros(len(values)),
        )


def fitted(
    values: Floats, label: Floats, weight: Floats, rising: Sequence[bool], shape: Shape
) -> Additive:
    """Fit a table with a row per pair; `rising` marks features that may only ever add odds."""
    columns = [_Column.of(column) for column in values.T]
    share = float(np.dot(weight, label) / weight.sum())
    start = float(np.log(share / (1.0 - share)))
    odds = np.full(len(label), start)
    totals = [np.zeros(len(column.bounds) + 1) for column in columns]
    for _ in range(shape.rounds):
        chance = 1.0 / (1.0 + np.exp(-odds))
        slope, curve = weight * (label - chance), weight * chance * (1.0 - chance)
        moves = [
            column.best(slope, curve, shape, only_up=up)
            for column, up in zip(columns, rising, strict=True)
        ]
        feature = max(range(len(moves)), key=lambda at: moves[at].gain)
        best, bins = moves[feature], columns[feature].bins
        step = np.where(np.arange(len(totals[feature])) <= best.at, best.lower, best.higher)
        totals[feature] += shape.rate * step
        odds += shape.rate * step[bins]
    return Additive(
        start, [Steps(column.bounds, total) for column, total in zip(columns, totals, strict=True)]
    )


@dataclass(frozen=True, slots=True)
class _Move:
    """The best bound of a feature, and the odds to add on its sides."""

    gain: float
    at: int
    lower: float
    higher: float


@dataclass(frozen=True, slots=True)
class _Column:
    """A feature, cut into bins."""

    bounds: Floats
    bins: Ints
    #: Rows up to each bound, and in all.
    counts: Ints

    @classmethod
    def of(cls, values: Floats) -> _Column:
        known = np.unique(values)
        if len(known) > _BOUNDS:
            shares = np.linspace(0.0, 1.0, _BOUNDS + 2)
            known = np.unique(np.quantile(values, shares, method="lower"))
        bounds = np.unique(np.round((known[:-1] + known[1:]) / 2.0, _DIGITS))
        bins = np.searchsorted(bounds, values)
        return cls(bounds, bins, np.cumsum(np.bincount(bins, minlength=len(bounds) + 1)))

    def best(self, slope: Floats, curve: Floats, shape: Shape, *, only_up: bool) -> _Move:
        size = len(self.bounds) + 1
        left = np.cumsum(np.bincount(self.bins, slope, size))
        under = np.cumsum(np.bincount(self.bins, curve, size)) + shape.ridge
        right, over = left[-1] - left, under[-1] - under + shape.ridge
        lower, higher = left / under, right / over
        allowed = np.minimum(self.counts, self.counts[-1] - self.counts) >= shape.rows
        if only_up:
            allowed &= lower <= higher
        gain = np.where(allowed, lower * left + higher * right, -1.0)
        at = int(np.argmax(gain))
        return _Move(float(gain[at]), at, float(lower[at]), float(higher[at]))
