"""Means with what is known of them, as they are shown: at 95 %, whenever one looks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from statistics import fmean

import msgspec

from pointsman.feedback import sequential

#: How often an interval may leave the truth out.
ALPHA = 0.05


class Interval(msgspec.Struct, frozen=True):
    """A mean, and between which it lies; None where too little is known."""

    value: float | None
    low: float | None
    high: float | None
    #: Values that it is of; for a difference, on each side.
    n: int


NOTHING = Interval(None, None, None, 0)


def mean_of(values: Sequence[float], *, bounded: bool) -> Interval:
    """Of values in the order of time; `bounded`: all lie between 0 and 1."""
    if not values:
        return NOTHING
    low, high = sequential.mean(values, ALPHA, bounded=bounded)
    return Interval(fmean(values), _finite(low), _finite(high), len(values))


def difference_of(a: Sequence[float], b: Sequence[float], *, bounded: bool) -> Interval:
    """B less a."""
    if not a or not b:
        return NOTHING
    found = sequential.compare(a, b, ALPHA, bounded=bounded)
    return Interval(found.value, _finite(found.low), _finite(found.high), min(found.a, found.b))


def _finite(bound: float) -> float | None:
    return bound if isfinite(bound) else None
