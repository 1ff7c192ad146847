"""What is believed of the tiers: how good each will be for a prompt, and how sure that is.

A Bayesian linear regression for all tiers together. Outcomes of a tier are made comparable by that
tier's own mean and spread; what makes a prompt harder for one tier mostly makes it harder for the
others, so an outcome of one tier tells something of all. What matters is the gain of a step up: a
tier that hardly ever fails has no spread, so all that is known of the gain is then known from the
tier below. A belief is its prior and sums over outcomes; the rest is worked out when it is read.

The score changes which prompts go up, not how many: it keeps the mean and the spread that the
shipped score has in the same traffic. While outcomes are few it keeps near the shipped score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import exp

import msgspec
import numpy as np

from pointsman.feedback.features import Measured
from pointsman.feedback.gathered import Gathered
from pointsman.feedback.prior import BEFORE, COLD, LEVEL, Array, Prior

#: Outcomes that a tier's mean and spread begin with, of a usual spread of qualities that are 0 or 1.
_IMAGINED_MEAN, _IMAGINED_SPREAD, _USUAL_SQUARE = 1.0, 2.0, 0.2
_IMAGINED_ROWS = 2.0
_STEEPEST = 50.0  # log-odds beyond which a score is 0 or 100
_FEW = 1e-6


class Prediction(msgspec.Struct, frozen=True):
    """What is believed of one prompt."""

    #: Of each tier, the lowest first, 0-1.
    quality: tuple[float, ...]
    #: What each step up adds to it, and the standard deviation of what is known of that.
    gap: tuple[float, ...]
    sd: tuple[float, ...]
    #: 0-100, in place of the shipped score.
    score: float
    #: Standard deviation of the score, in points, for each step up.
    spread: tuple[float, ...]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prior: Prior
    version: str = "shipped"
    tiers: tuple[str, ...] = ()
    gathered: str = ""


@dataclass(frozen=True)
class Belief:
    """The prior, and what outcomes add to it. Immutable; for any thread."""

    prior: Prior
    version: str
    #: The lowest first; empty where nothing was learned.
    tiers: tuple[str, ...]
    gathered: Gathered

    @classmethod
    def read(cls, text: str) -> Belief:
        """Read what `write` wrote; the shipped one is data/belief.json. Raises ValueError."""
        document = msgspec.json.decode(text, type=_Document)
        prior, tiers = document.prior, document.tiers
        if len(set(map(len, prior.directions))) != 1:
            raise ValueError("the directions of a belief differ in length")
        gathered = (
            Gathered.unpack(document.gathered, len(tiers), prior.size)
            if tiers
            else Gathered.nothing(0, prior.size)
        )
        return cls(prior, document.version, tiers, gathered)

    def write(self) -> str:
        """As JSON; needs nothing else to be read again."""
        packed = self.gathered.pack() if self.tiers else ""
        document = _Document(self.prior, self.version, self.tiers, packed)
        return msgspec.json.encode(document).decode()

    @property
    def outcomes(self) -> float:
        """How many it learned from, weighted; old ones count less."""
        return float(self.gathered.counts.sum())

    def predict(self, measured: Measured, cold: float) -> Prediction:
        """`measured` is of `Features`, `cold` the shipped score, 0-100."""
        known, row = self._known, np.empty(self.prior.size)
        usual, beyond = self.prior.placed(cold)
        row[LEVEL], row[COLD] = 1.0, usual
        row[BEFORE:] = measured
        seen = known.seen @ row  # all at once: numpy lets other threads go first each time
        quality: list[float] = seen[: len(known.weights)].tolist()
        doubts = seen[len(known.weights) : -1].reshape(known.usually.shape)
        apart = np.vecdot(doubts, doubts)
        doubts = doubts - known.usually
        ranks = np.vecdot(doubts, doubts)
        moved = float(seen[-1]) - known.taken_off
        share = _share(known.middle + moved + self.prior.unit * beyond)
        steep = 100.0 * share * (1.0 - share) * known.steepness
        return Prediction(
            tuple([min(max(each, 0.0), 1.0) for each in quality]),
            tuple([above - below for below, above in pairwise(quality)]),
            tuple(np.sqrt(apart).tolist()),
            100.0 * share,
            tuple((steep * np.sqrt(ranks)).tolist()),
        )

    def scores(self, measured: Measured, cold: Array) -> Array:
        """The scores of many prompts: `measured` has a row, and `cold` a shipped score for each."""
        known, odds, usual = self._known, self.prior.odds(cold), self.prior.standard(cold)
        rows = np.column_stack([np.ones_like(odds), usual, measured]) - known.usual
        moved = rows @ known.ranking + self.prior.unit * (odds - usual)
        logits = np.clip(known.middle + moved, -_STEEPEST, _STEEPEST)
        found: Array = 100.0 / (1.0 + np.exp(-logits))
        return found

    @cached_property
    def _known(self) -> _Known:
        return _worked_out(self.prior, self.gathered)


class _Known(msgspec.Struct, frozen=True):
    """What is worked out of the sums. Weights are for rows of measures."""

    #: Of each tier's quality.
    weights: Array
    #: All that is asked of a row, one below the other: the weights; for each step a root of the
    #: covariance of its gain, whose square length is a variance; the ranking.
    seen: Array
    #: What the roots make of the usual row.
    usually: Array
    #: The mean row of the traffic, and what the ranking makes of it.
    usual: Array
    taken_off: float
    #: Log-odds of the score: at the usual row, and what is added to it for another.
    middle: float
    ranking: Array
    #: What a unit of gain adds to them.
    steepness: float


def _worked_out(prior: Prior, gathered: Gathered) -> _Known:
    missing = max(0, 2 - len(gathered.counts))  # before any outcome there are two: weak and strong
    gathered = gathered.chosen([*range(len(gathered.counts)), *[None] * missing])
    means, spreads = _levels(prior, gathered)
    weights, covariance = _posterior(prior, gathered, means, spreads)
    weights[:, LEVEL] += means
    up = np.arange(len(means) - 1)
    both = covariance[up, :, up + 1]
    doubt = covariance[up, :, up] + covariance[up + 1, :, up + 1] - both - both.transpose(0, 2, 1)
    usual, around = _traffic(gathered)
    gain = weights[-1] - weights[0]
    middle, ranking, steepness = _ranked(prior, gathered, gain, usual, around)
    roots = _roots(doubt)
    return _Known(
        weights=weights,
        seen=np.vstack([weights, *roots, ranking]),
        usually=roots @ usual,
        usual=usual,
        taken_off=float(ranking @ usual),
        middle=middle,
        ranking=ranking,
        steepness=steepness,
    )


def _roots(doubt: Array) -> Array:
    """Of each covariance a matrix R with R.T @ R = it; what rounding made negative is none."""
    values, vectors = np.linalg.eigh((doubt + doubt.transpose(0, 2, 1)) / 2.0)
    found: Array = np.sqrt(np.maximum(values, 0.0))[:, :, None] * vectors.transpose(0, 2, 1)
    return found


def _levels(prior: Prior, gathered: Gathered) -> tuple[Array, Array]:
    """Mean and standard deviation of each tier's outcomes."""
    counts, sums = gathered.counts, gathered.sums[:, LEVEL]
    start = sums.sum() / counts.sum() if counts.sum() else np.linspace(*prior.means, len(counts))
    means = (sums + _IMAGINED_MEAN * start) / (counts + _IMAGINED_MEAN)
    squares = np.maximum(0.0, gathered.squares - 2 * means * sums + means**2 * counts)
    wide = (squares + _IMAGINED_SPREAD * _USUAL_SQUARE) / (counts + _IMAGINED_SPREAD)
    return means, np.sqrt(wide)


def _posterior(
    prior: Prior, gathered: Gathered, means: Array, spreads: Array
) -> tuple[Array, Array]:
    """Weights of each tier, and their covariance as tier, weight, tier, weight."""
    tiers, size = gathered.sums.shape
    precision = _certainty(prior, tiers).copy()
    wanted = precision @ prior.expected(tiers).ravel()
    for tier in range(tiers):
        mine = slice(tier * size, (tier + 1) * size)
        products = gathered.products[tier]
        precision[mine, mine] += products
        wanted[mine] += (gathered.sums[tier] - means[tier] * products[LEVEL]) / spreads[tier]
    covariance = np.linalg.inv(precision).astype(np.float64, copy=False)
    weights = (covariance @ wanted).reshape(tiers, size) * spreads[:, None]
    scale = np.repeat(spreads, size)
    covariance *= scale[:, None] * scale
    apart: Array = covariance.reshape(tiers, size, tiers, size)
    return weights, apart


@lru_cache(maxsize=8)
def _certainty(prior: Prior, tiers: int) -> Array:
    """The inverse of the weights' covariance before any outcome; the same for every belief."""
    size = prior.size
    alike = np.einsum("st,ij->sitj", prior.agreeing(tiers), prior.covariance())
    alike[:, LEVEL, :, LEVEL] = prior.variances.level * np.eye(tiers)
    return np.linalg.inv(alike.reshape(tiers * size, tiers * size))


def _traffic(gathered: Gathered) -> tuple[Array, Array]:
    """Mean and covariance of the rows, whatever tier answered; a few usual ones are imagined."""
    products = gathered.products.sum(axis=0)
    count = products[LEVEL, LEVEL]
    usual = products[LEVEL] / max(count, _FEW)
    usual[LEVEL] = 1.0
    around = products - count * np.outer(usual, usual)
    around[COLD, COLD] += _IMAGINED_ROWS  # of the usual spread, around the same mean
    return usual, around / (count + _IMAGINED_ROWS)


def _ranked(
    prior: Prior, gathered: Gathered, gain: Array, usual: Array, around: Array
) -> tuple[float, Array, float]:
    """The last three of `_Known`: a score from the gain from the lowest to the highest tier."""
    count = gathered.counts.sum()
    trust = count**2 / (count**2 + prior.patience**2)
    apart = np.sqrt(around[COLD, COLD])
    least = (prior.harder[0] - prior.harder[1]) * _USUAL_SQUARE**0.5
    cold = np.zeros_like(gain)
    cold[COLD] = least * max(1.0, 1.0 / apart)  # also where all scores are much the same
    ranking = trust * gain + (1.0 - trust) * cold
    wide, wide_gain = (np.sqrt(max(each @ around @ each, _FEW)) for each in (ranking, gain))
    scale, middle = prior.unit * apart, prior.usual + prior.unit * usual[COLD]
    return float(middle), ranking * scale / wide, float(scale / max(wide_gain, least))


def _share(logit: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(logit, -_STEEPEST), _STEEPEST)))
