"""What is believed before any outcome: how far tiers agree, and what may matter how much."""

from __future__ import annotations

from math import log
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from pointsman.feedback.features import PARTS

Array: TypeAlias = NDArray[np.float64]

#: Stand before the measured numbers: 1, and the shipped score's log-odds.
LEVEL, COLD = 0, 1
BEFORE = 2
#: A score of 0 or 100 has no log-odds.
_LEAST = 0.001
_FAR = 4.0


class Variances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far weights may be from what is expected of them, as variances."""

    level: float
    cold: float
    #: Of each part of the score, and of each dimension of the meaning.
    parts: float
    meaning: float
    #: Of each known direction, all together having it once.
    directions: float


class Prior(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fitted on other people's outcomes, see data/belief.md. Qualities are in standard deviations.

    Scores are their log-odds, in standard deviations from the usual.
    """

    version: str
    #: Log-odds of a usual score, and their standard deviation.
    usual: float
    unit: float
    #: What a unit of score takes from the quality of the lowest and of the highest tier.
    harder: tuple[float, float]
    #: Correlation of the lowest and the highest tier's weights.
    agreement: float
    variances: Variances
    #: Along these the meaning has mattered to models elsewhere.
    directions: tuple[tuple[float, ...], ...]
    #: What a usual tier's outcomes are, the lowest and the highest: mean.
    means: tuple[float, float]
    #: Outcomes until which the shipped score counts more than what was learned.
    patience: float
    #: Outcomes after which one counts half.
    half_life: float
    #: Outcomes that those of all others may count for.
    pooled: float

    @property
    def size(self) -> int:
        """Numbers of a prompt, see `features`, with those before them."""
        return BEFORE + len(self.directions[0]) + len(PARTS)

    def standard(self, cold: Array | float) -> Array:
        """Scores of 0-100 as regression takes them: none so far out that it counts for many."""
        return np.clip(self.odds(cold), -_FAR, _FAR)

    def placed(self, cold: float) -> tuple[float, float]:
        """`standard` of one score, and how much further out its `odds` are; quicker than these."""
        share = min(max(cold / 100.0, _LEAST), 1.0 - _LEAST)
        odds = (log(share / (1.0 - share)) - self.usual) / self.unit
        usual = min(max(odds, -_FAR), _FAR)
        return usual, odds - usual

    def odds(self, cold: Array | float) -> Array:
        """Log-odds of scores of 0-100, in standard deviations from the usual."""
        share = np.clip(np.asarray(cold, np.float64) / 100.0, _LEAST, 1.0 - _LEAST)
        found: Array = (np.log(share / (1.0 - share)) - self.usual) / self.unit
        return found

    def covariance(self) -> Array:
        """Of one tier's weights; the level's is apart, as tiers do not agree in it."""
        found = np.zeros((self.size, self.size))
        width = len(self.directions[0])
        meaning = slice(BEFORE, BEFORE + width)
        known = np.array(self.directions)
        found[meaning, meaning] = self.variances.directions / len(known) * known.T @ known
        parts = np.full(len(PARTS), self.variances.parts)
        own = [self.variances.level, self.variances.cold, *np.full(width, self.variances.meaning)]
        found[np.diag_indices(self.size)] += np.array([*own, *parts])
        return found

    def agreeing(self, tiers: int) -> Array:
        """Correlation of tiers' weights: the nearer in strength, the higher."""
        places = np.linspace(0.0, 1.0, tiers)
        found: Array = self.agreement ** np.abs(places[:, None] - places[None])
        return found

    def expected(self, tiers: int) -> Array:
        """Weights before any outcome, a row for each tier."""
        found = np.zeros((tiers, self.size))
        found[:, COLD] = -np.linspace(*self.harder, tiers)
        return found
