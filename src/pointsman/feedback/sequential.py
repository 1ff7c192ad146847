"""Comparing two sides while the outcomes come in, as often as one likes. Pure.

A usual 95 % interval holds for one look. Who looks every day and stops at the first difference is
fooled far more often than in 5 % of cases. These intervals hold at all times at once: the chance
that any of them, at whatever look, leaves out the true difference is at most `alpha`.

* **Values between 0 and 1** (quality): the i-th outcome of one side is paired with the i-th of the
  other, and it is betted on the mean of their differences. A mean is left out once a gambler who
  bets against it has multiplied the stake by 2 / alpha, which by Ville's inequality happens with
  probability alpha / 2 if it is the true one, on each side (Waudby-Smith and Ramdas 2024, J. R.
  Stat. Soc. B 86:1, "Estimating means of bounded random variables by betting"). Nothing is assumed
  but that the expected difference stays the same; both sides may drift together. Outcomes without
  a partner wait for one, so both sides should get as many.
* **Values without bounds** (cost, latency): the normal mixture (Robbins 1970, Ann. Math. Stat.
  41:1397) with estimated variances, an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha,
  Kennedy and Ramdas 2024, Ann. Stat. 52:2613). Assumed are independent outcomes with a finite
  variance, and enough of them that means are about normal: with fewer than `FEWEST` on a side
  nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, sqrt
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Values: TypeAlias = Sequence[float] | Floats

#: On each side, before anything is said of values without bounds.
FEWEST = 50
#: Outcomes on each side at which the normal mixture is narrowest, for what it can be.
_TUNED_FOR = 500
#: No bet risks more than this share of the stake.
_BOLDEST = 0.5
_HALVINGS = 24


class Difference(msgspec.Struct, frozen=True):
    """By how much the mean of b is above that of a, and between which it lies, at any time."""

    value: float
    low: float
    high: float
    #: Outcomes that it is made of, on each side.
    a: int
    b: int

    @property
    def higher(self) -> Literal["a", "b"] | None:
        """The side that surely has the higher mean; None while that can't be told."""
        if self.low > 0:
            return "b"
        return "a" if self.high < 0 else None


def compare(a: Values, b: Values, alpha: float = 0.05, *, bounded: bool = True) -> Difference:
    """The difference of their means, b less a. The values come in the order of time.

    `bounded`: all lie between 0 and 1. Raises ValueError where they do not, and for one that is no
    finite number.
    """
    first, second = _checked(a, bounded=bounded), _checked(b, bounded=bounded)
    if bounded:
        pairs = min(len(first), len(second))
        halves = (1.0 + second[:pairs] - first[:pairs]) / 2.0
        low, high = _between(halves, alpha)
        value = float(halves.mean()) if pairs else 0.5
        return Difference(2 * value - 1, 2 * low - 1, 2 * high - 1, pairs, pairs)
    counts = len(first), len(second)
    value = float(second.mean() - first.mean()) if all(counts) else 0.0
    if min(counts) < FEWEST:
        return Difference(value, -inf, inf, *counts)
    variance = first.var(ddof=1) / counts[0] + second.var(ddof=1) / counts[1]
    half = sqrt(variance) * _mixture(counts[0] * counts[1] / sum(counts), _TUNED_FOR / 2, alpha)
    return Difference(value, value - half, value + half, *counts)


def mean(values: Values, alpha: float = 0.05, *, bounded: bool = True) -> tuple[float, float]:
    """Between which the mean of one side lies, at any time; as in `compare`."""
    known = _checked(values, bounded=bounded)
    if bounded:
        return _between(known, alpha)
    if len(known) < FEWEST:
        return -inf, inf
    half = sqrt(known.var(ddof=1) / len(known)) * _mixture(len(known), _TUNED_FOR, alpha)
    return float(known.mean() - half), float(known.mean() + half)


def _checked(values: Values, *, bounded: bool) -> Floats:
    import numpy as np  # noqa: PLC0415 - it takes longer than a command has

    known = np.asarray(values, dtype=np.float64)
    if not np.isfinite(known).all():
        raise ValueError("not all values are finite numbers")
    if bounded and len(known) and not 0.0 <= np.min(known) <= np.max(known) <= 1.0:
        raise ValueError("not all values are between 0 and 1")
    return known


def _mixture(count: float, tuned_for: float, alpha: float) -> float:
    """How many standard errors to each side."""
    scale = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuned_for
    known = count * scale + 1.0
    return sqrt(known / (known - 1.0) * log(known / alpha**2))


def _between(values: Floats, alpha: float) -> tuple[float, float]:
    """Between which the mean of values in 0-1 lies, at any time."""
    if not len(values):
        return 0.0, 1.0
    return _lowest(values, alpha), 1.0 - _lowest(1.0 - values, alpha)


def _lowest(values: Floats, alpha: float) -> float:
    """The least mean that bets on a higher one did not refute, rounded down."""
    import numpy as np  # noqa: PLC0415 - it takes longer than a command has

    bets, goal = _bets(values, alpha), log(2.0 / alpha)
    refuted, stands = 0.0, 1.0
    for _ in range(_HALVINGS):
        supposed = (refuted + stands) / 2.0
        stakes = np.minimum(bets, _BOLDEST / supposed)
        if np.max(np.cumsum(np.log1p(stakes * (values - supposed)))) >= goal:
            refuted = supposed
        else:
            stands = supposed
    return refuted


def _bets(values: Floats, alpha: float) -> Floats:
    """What is betted on each value, by what was seen before it."""
    import numpy as np  # noqa: PLC0415 - it takes longer than a command has

    at = np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(values)) / (at + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2)) / (at + 1)
    before = np.concatenate(([0.25], variances[:-1]))
    return np.asarray(np.sqrt(2.0 * log(2.0 / alpha) / (before * at * np.log1p(at))))
