"""What a ranking of prompts is worth, on rows that both a weak and a strong model answered.

A row's *gap* is `strong - weak`, what the strong model adds there. A router sends the rows with
the highest scores to the strong model first; its *curve* is the part of the whole gap that it has
recovered when a given share of the rows went there. APGR is the area under that curve ("average
performance gap recovered", RouteLLM, arXiv 2406.18665): .5 for a random order, and more than 1 is
possible where the weak model is at times the better one. CPT(x) is the share of strong calls at
which x of the gap is recovered. Here the curve is exact (a step per row, not ten bins), and among
rows with equal scores every order counts alike, so that a constant score has .5.

All arrays have one element per row; qualities lie in 0-1, scores may have any scale.
"""

from __future__ import annotations

from math import erfc, sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Equal-width bins of the calibration error, as is usual (Guo et al., arXiv 1706.04599).
BINS = 10
#: An area smaller than this is rounding.
_NOTHING = 1e-9


class Curve(msgspec.Struct, frozen=True):
    """Points from (0, 0) to (1, 1), straight lines between them."""

    share: Floats
    recovered: Floats

    def at(self, share: float) -> float:
        """The part of the gap that is recovered with this share of strong calls."""
        return float(np.interp(share, self.share, self.recovered))

    def needed(self, recovered: float) -> float:
        """The smallest share of strong calls that recovers this part of the gap."""
        above = int(np.argmax(self.recovered >= recovered))
        if above == 0:
            return 0.0
        low, high = self.recovered[above - 1], self.recovered[above]
        into = (recovered - low) / (high - low)
        return float(self.share[above - 1] + into * (self.share[above] - self.share[above - 1]))


def curve(weak: ArrayLike, strong: ArrayLike, score: ArrayLike) -> Curve:
    """The recovered gap against the share of strong calls.

    Raises ValueError where the arrays differ in length, a value is no number, or the strong model
    is no better than the weak one, so that there is no gap to recover.
    """
    gap, scores = _checked(weak, strong, score)
    _, group, size = np.unique(-scores, return_inverse=True, return_counts=True)
    gained = np.bincount(group, weights=gap)
    return Curve(
        share=np.concatenate(([0.0], np.cumsum(size[:-1]) / len(gap), [1.0])),
        recovered=np.concatenate(([0.0], np.cumsum(gained[:-1]) / gap.sum(), [1.0])),
    )


def apgr(weak: ArrayLike, strong: ArrayLike, score: ArrayLike) -> float:
    """The area under the curve; see the module. Raises ValueError as `curve` does."""
    points = curve(weak, strong, score)
    return float(np.trapezoid(points.recovered, points.share))


def cpt(weak: ArrayLike, strong: ArrayLike, score: ArrayLike, recovered: float) -> float:
    """The share of strong calls, 0-1, at which this part of the gap (0-1) is recovered."""
    return curve(weak, strong, score).needed(recovered)


def oracle(weak: ArrayLike, strong: ArrayLike) -> float:
    """The highest APGR that any order can have: rows sorted by their gaps."""
    return apgr(weak, strong, np.subtract(strong, weak))


def headroom(weak: ArrayLike, strong: ArrayLike, score: ArrayLike) -> float:
    """How far the APGR is on the way from random (0) to the oracle (1).

    0 where all gaps are the same, so that no order is better than another.
    """
    room = oracle(weak, strong) - 0.5
    return (apgr(weak, strong, score) - 0.5) / room if room > _NOTHING else 0.0


def random_sd(weak: ArrayLike, strong: ArrayLike, score: ArrayLike) -> float:
    """The standard deviation of the APGR when the same scores are dealt out at random; exact."""
    gap, scores = _checked(weak, strong, score)
    if len(gap) == 1:
        return 0.0
    _, group, size = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(size) - size / 2)[group]
    spread = np.square(gap - gap.mean()).sum() * np.square(rank - rank.mean()).sum()
    return float(sqrt(spread / (len(gap) - 1)) / (len(gap) * gap.sum()))


def p_random(weak: ArrayLike, strong: ArrayLike, score: ArrayLike) -> float:
    """How likely a random order is at least as far from .5, either way (normal approximation)."""
    sd = random_sd(weak, strong, score)
    return 1.0 if sd == 0.0 else erfc(abs(apgr(weak, strong, score) - 0.5) / sd / sqrt(2.0))


def calibration_error(predicted: ArrayLike, happened: ArrayLike, bins: int = BINS) -> float:
    """The expected calibration error, 0-1: |predicted - happened| per bin, weighted by its rows.

    `predicted` are probabilities; `happened` is 0-1, fractions being partial outcomes.
    """
    p = np.asarray(predicted, dtype=np.float64)
    y = np.asarray(happened, dtype=np.float64)
    place = np.clip((p * bins).astype(np.int64), 0, bins - 1)
    excess = np.bincount(place, weights=p - y, minlength=bins)
    return float(np.abs(excess).sum() / len(p))


def _checked(weak: ArrayLike, strong: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    gap = np.asarray(strong, dtype=np.float64) - np.asarray(weak, dtype=np.float64)
    scores = np.asarray(score, dtype=np.float64)
    if gap.ndim != 1 or gap.shape != scores.shape:
        raise ValueError("weak, strong and score need one number per row each")
    if not (np.isfinite(gap).all() and np.isfinite(scores).all()):
        raise ValueError("a quality or score is no finite number")
    if not gap.sum() > 0.0:
        raise ValueError("the strong model is no better than the weak one: no gap to recover")
    return gap, scores
