"""What a policy would have been worth on traffic that another one decided. Pure.

Of each outcome only the tier that was chosen is known, and how likely every tier was to be chosen
then. From that the mean reward of any other policy follows, in three ways:

* ``ips``: each outcome counts by how much likelier the policy would have made it (Horvitz and
  Thompson 1952, J. Am. Stat. Assoc. 47:663);
* ``snips``: the same, divided by the sum of these weights instead of their number (Swaminathan and
  Joachims 2015, NeurIPS: "The self-normalized estimator for counterfactual learning");
* ``dr``: what is predicted of each tier, corrected by the weighted errors of the prediction
  (Dudik, Langford and Li 2011, ICML: "Doubly robust policy evaluation and learning"). It is right
  whatever was predicted, and narrow where the prediction is good. The prediction must not have
  seen the row's own reward.

**The interval.** The usual one takes the variance of the weighted rewards as they came. But a
tier that was explored in one of twenty cases has weights of twenty, in few rows, and without luck
in none: that variance is itself a matter of luck, and too small when the estimate is far off. The
weights of the tiers *not* chosen are known too, though. So the variance is computed over all tiers
of every row, ``E[sum_a pi(a)^2 / p(a) * E[error^2 | a]]``, and only the mean squared errors are
estimated: one per tier, drawn towards that of the tier's other rows, and counted half a standard
error higher, for rare errors are the large ones. The quantile is Student's, with as many degrees of
freedom as rows that carry the estimate. `bench/off_policy.py` says how often the interval holds.

**Clipping.** No propensity counts as less than `FLOOR`, so no weight is above 1 / `FLOOR`. What
that leaves out, and what could never have been chosen, is not assumed away: the interval is
widened by the most that it could matter, the rewards being within their bounds. A policy that does
what was never tried has a wide interval, not a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf, sqrt
from statistics import NormalDist, fmean
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from msgspec.structs import asdict, replace
from numpy.typing import NDArray

from pointsman.types import Json

Method: TypeAlias = Literal["ips", "snips", "dr"]
METHODS: tuple[Method, ...] = ("ips", "snips", "dr")
Floats: TypeAlias = NDArray[np.float64]
#: The least propensity that a weight is made of.
FLOOR = 0.002
#: Rows' worth of the widest error in the common one, and of the common one in that of each tier.
_PRIOR_ROWS = 2.0
#: Rows' worth of a tier's error wherever it was chosen in that where it counts.
_OWN_ROWS = 10.0
#: Standard errors by which a mean squared error counts as more than it was seen to be.
_DOUBT = 0.5


class Logged(msgspec.Struct, frozen=True):
    """One outcome, how it came to be chosen, and what the policies that are judged would do."""

    #: That was chosen; one of `propensities`.
    tier: str
    #: How likely each tier was to be chosen. One that is not here was not admissible.
    propensities: Mapping[str, float]
    #: How likely the policy would choose each tier.
    target: Mapping[str, float]
    #: Of the tier that was chosen.
    reward: float
    #: The reward that was expected of each tier, by something that did not see this row's.
    predicted: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: The policy that `target` is compared with; empty: none, `target`'s own value is wanted.
    reference: Mapping[str, float] = msgspec.field(default_factory=dict)


class Estimate(msgspec.Struct, frozen=True):
    """A mean, and between which it lies in so many cases as the confidence says."""

    value: float
    low: float
    high: float
    #: Rows that it is made of.
    n: int
    #: As how many rows of the policy's own traffic they count (Kish 1965): (sum w)^2 / sum w^2.
    effective: float
    #: How much of the interval, on each side, is what was clipped or could not be known.
    unknown: float = 0.0

    def times(self, factor: float) -> Estimate:
        """The same in another unit; the factor is positive."""
        return replace(
            self,
            value=factor * self.value,
            low=factor * self.low,
            high=factor * self.high,
            unknown=factor * self.unknown,
        )

    def as_json(self) -> dict[str, Json]:
        """The same by name; ends that are infinite are null."""
        return {name: value if abs(value) < inf else None for name, value in asdict(self).items()}


class Table(msgspec.Struct, frozen=True):
    """Outcomes as matrices, rows x tiers: what `Logged` says of each."""

    #: Index of the tier that was chosen, and its reward.
    chosen: NDArray[np.intp]
    reward: Floats
    propensity: Floats
    target: Floats
    reference: Floats
    predicted: Floats

    @classmethod
    def of(cls, rows: Sequence[Logged]) -> Table:
        """The tiers in the order of their names."""
        tiers = sorted({tier for row in rows for tier in (*row.propensities, *row.target)})
        index = {tier: at for at, tier in enumerate(tiers)}
        return cls(
            chosen=np.array([index[row.tier] for row in rows], dtype=np.intp),
            reward=np.array([row.reward for row in rows], dtype=np.float64),
            propensity=matrix([row.propensities for row in rows], tiers),
            target=matrix([row.target for row in rows], tiers),
            reference=matrix([row.reference for row in rows], tiers),
            predicted=matrix([row.predicted for row in rows], tiers),
        )

    @property
    def counted(self) -> Floats:
        """The propensities as they count, see `FLOOR`."""
        return np.maximum(self.propensity, FLOOR)

    @property
    def gain(self) -> Floats:
        """What the target does more often."""
        return self.target - self.reference

    @property
    def weights(self) -> Floats:
        """Of the rewards, if each tier had been chosen."""
        return self.gain / self.counted


def matrix(rows: Sequence[Mapping[str, float]], tiers: Sequence[str]) -> Floats:
    """Rows x tiers, 0 where a row has nothing for one."""
    found = [[row.get(tier, 0.0) for tier in tiers] for row in rows]
    return np.array(found, dtype=np.float64).reshape(len(rows), len(tiers))


def estimate(
    rows: Sequence[Logged] | Table,
    method: Method = "dr",
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate:
    """The mean reward of the target, or by how much it is above the reference's.

    `bounds` are those of a reward. Raises ValueError for a tier that could not have been chosen.
    """
    return estimates(rows, [method], confidence=confidence, bounds=bounds)[method]


def estimates(
    rows: Sequence[Logged] | Table,
    methods: Iterable[Method] = METHODS,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[Method, Estimate]:
    """The same by several methods."""
    table = rows if isinstance(rows, Table) else Table.of(rows)
    if not len(table.reward):
        return dict.fromkeys(methods, Estimate(0.0, -inf, inf, 0, 0.0))
    if np.min(_picked(table.propensity, table)) <= 0.0:
        raise ValueError("a tier was chosen whose propensity is 0")
    return {each: _estimate(table, each, confidence, bounds) for each in methods}


def _estimate(
    table: Table, method: Method, confidence: float, bounds: tuple[float, float]
) -> Estimate:
    base = _baseline(table, method)
    error = table.reward - _picked(base, table)
    weights, n = _picked(table.weights, table), len(table.reward)
    value = float(((table.gain * base).sum(axis=1) + weights * error).mean())
    cut = 1.0 - table.propensity / table.counted
    unknown = float((np.abs(table.gain) * cut * _reach(base, bounds)).sum(axis=1).mean())
    spread = _variance(table, base, error, bounds[1] - bounds[0])
    quantile = _student(confidence, _kish(weights**2) + _PRIOR_ROWS)
    half = quantile * sqrt(spread / n) + unknown
    effective = _kish(_picked(table.target / table.counted, table))
    return Estimate(value, value - half, value + half, n, effective, unknown)


def _picked(values: Floats, table: Table) -> Floats:
    """Of each row the value of the tier that was chosen."""
    return np.take_along_axis(values, table.chosen[:, None], axis=1)[:, 0]


def _baseline(table: Table, method: Method) -> Floats:
    """What the reward is measured from: nothing, the policies' own mean, or the prediction."""
    if method == "dr":
        return table.predicted
    level = 0.0
    if method == "snips":
        policies = [each for each in (table.target, table.reference) if each.any()]
        level = fmean(_self_normalised(table, each) for each in policies)
    return np.full_like(table.predicted, level)


def _self_normalised(table: Table, policy: Floats) -> float:
    weights = _picked(policy / table.counted, table)
    whole = weights.sum()
    return float(weights @ table.reward / whole if whole > 0 else table.reward.mean())


def _variance(table: Table, base: Floats, error: Floats, width: float) -> float:
    """Of one row's term; see the module."""
    weights = table.weights
    squares, errors = _picked(weights, table) ** 2, error**2
    common = _drawn_to((width / 2) ** 2, _PRIOR_ROWS, errors, np.ones_like(errors))
    total = 0.0
    for tier in range(weights.shape[1]):
        chosen = table.chosen == tier
        own = _drawn_to(common, _PRIOR_ROWS, errors, chosen.astype(np.float64))
        counting = squares * chosen
        mean = _drawn_to(own, _OWN_ROWS, errors, counting)
        apart = _drawn_to(own**2, _OWN_ROWS, errors**2, counting) - mean**2
        doubt = sqrt(max(apart, 0.0) / (_kish(counting) + _OWN_ROWS))
        total += (mean + _DOUBT * doubt) * float(
            (weights[:, tier] ** 2 * table.counted[:, tier]).mean()
        )
    direct = (table.gain * base).sum(axis=1)
    correction = float((_picked(weights, table) * error).mean())
    return max(total - correction**2, 0.0) + float(direct.var())


def _drawn_to(prior: float, rows: float, values: Floats, weights: Floats) -> float:
    """The weighted mean of the values, and of a prior that counts as so many of the heaviest."""
    heaviest = np.max(weights)
    if heaviest <= 0:
        return prior
    relative = weights / heaviest
    return float((relative @ values + rows * prior) / (relative.sum() + rows))


def _reach(base: Floats, bounds: tuple[float, float]) -> Floats:
    """By how much a reward can be off from what it is measured from."""
    return np.maximum(np.abs(bounds[1] - base), np.abs(base - bounds[0]))


def _kish(weights: Floats) -> float:
    """As how many equal ones such weights count (Kish 1965, Survey Sampling)."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _student(confidence: float, freedom: float) -> float:
    """The quantile of Student's t, by its expansion around the normal one.

    Abramowitz and Stegun 1964, 26.7.5; of three terms, within 1 % from four degrees on.
    """
    z, n = NormalDist().inv_cdf((1 + confidence) / 2), max(freedom, 4.0)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
