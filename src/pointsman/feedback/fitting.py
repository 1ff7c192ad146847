"""New weights of the learned scorer's measures, from an organisation's own outcomes. Pure.

What is kept of a prompt is how many points of its score each part made (see `features.PARTS`), so
the measures of a part are weighed together. The new weights are those of the old ones times a
factor for each part, in two steps:

* **The order of prompts** is by what is gained where a higher tier answers. Each outcome is seen
  only for the tier that answered, which was seldom drawn evenly, so the gain is a doubly robust
  pseudo-outcome: what is expected of both ways, corrected by the outcome, divided by how likely its
  way was (Kennedy 2023, Electron. J. Stat. 17:3008: the DR-learner), clipped at `MOST_WEIGHT`. The
  factors are ridge regression on it around the old order. Regression on how often the lowest tier
  failed, or all of them, was worse on every large source in shared data: by .05 of APGR on one.
* **The level**: logistic regression of the tiers' failures on that order, so that scores say how
  likely the lowest tier does not suffice.

**Proof** is on the latest outcomes, which nothing was fitted to: the quality above that by the old
weights at the same cost, averaged over all shares of traffic that may go up, estimated off-policy
(see `evaluate`). The new weights are proven where that is surely above 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from pointsman.errors import ConfigError
from pointsman.feedback.evaluate import Estimate, Logged, estimate
from pointsman.feedback.features import PARTS, parts_of
from pointsman.types import Evidence, Json

Floats = NDArray[np.float64]

#: Outcomes, weighted by trust, that are the least to learn from.
LEAST = 200.0
#: No outcome counts more than so many; more of it was worse on shared data.
MOST_WEIGHT = 5.0
#: By how much the gain may move per standard deviation of a part, as the prior has it. From .02 to
#: .1 shared data tell no difference.
RIDGE = 0.05
#: What a unit of the old log-odds adds to the gain, as far as is known before; and the least.
_OLD, _LEAST_OLD = 0.25, 0.05
#: As how many outcomes it counts that the line of expected qualities is level.
_LINE = 200.0
#: Standard deviations of levels, and of the slope.
_LEVEL_SD, _SLOPE_SD, _LEAST_SLOPE = 2.0, 0.5, 0.1
_LOW, _UP = "low", "up"
_STEPS, _ENOUGH = 50, 1e-9
_DIGITS = 5
_TOP, _EDGE = 100.0, 0.005
_LEAST_SPREAD = 0.01
_CUES = ("complex", "simple")


class Measure(msgspec.Struct):
    """How one measure counts; see `scoring.learned.Measures`."""

    usual: float
    weight: float
    reply: float


class Weights(msgspec.Struct):
    """The file of the learned scorer's weights."""

    version: str
    features: dict[str, Measure]
    failing: list[float]
    slope: float
    orders: dict[str, float]
    reply: float
    thresholds: dict[str, float]
    #: What it was fitted to and how it was proven; nothing where it ships.
    fitted: dict[str, object] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ConfigError."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise ConfigError(f"learned weights are damaged: {error}") from error

    def to_json(self) -> str:
        """As the text that `parse` reads."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1).decode() + "\n"


class Outcomes(msgspec.Struct, frozen=True):
    """What is learned from, one row per outcome, the oldest first."""

    #: What each part of the score adds to the log-odds with the old weights: rows x `PARTS`.
    parts: Floats
    #: The tier that answered: 0 the lowest, 1 the highest.
    level: Floats
    #: 0-1.
    quality: Floats
    #: What each is worth beside a rating, 0-1.
    trust: Floats
    #: How likely the lowest tier was.
    lowest: Floats

    @classmethod
    def of(cls, evidence: Iterable[Evidence], tiers: Sequence[str], old: Weights) -> Self:
        """Those whose tier was chosen by known odds. Raises ValueError for unreadable features.

        `tiers` are all that there are, the lowest first; those that could never be chosen are left out
        of account.
        """
        drawn = sorted(
            (each for each in evidence if each.propensity and each.tier in tiers),
            key=lambda each: (each.time, each.request_id),
        )
        could_be = {tier for each in drawn for tier in each.propensities}
        used = [tier for tier in tiers if tier in could_be] or list(tiers)
        level = {tier: at / max(len(used) - 1, 1) for at, tier in enumerate(used)}
        points = np.array([parts_of(each.features) for each in drawn], dtype=np.float64)
        return cls(
            parts=log_odds(points.reshape(len(drawn), len(PARTS)), old.failing[0]),
            level=np.array([level[each.tier] for each in drawn]),
            quality=np.array([each.quality for each in drawn]),
            trust=np.array([each.trust for each in drawn]),
            lowest=np.array([each.propensities.get(used[0], 0.0) for each in drawn]),
        )

    def __len__(self) -> int:
        return len(self.level)

    @property
    def went_up(self) -> NDArray[np.bool_]:
        """Another tier than the lowest answered."""
        return self.level > 0.0

    def part(self, begin: int, end: int) -> Outcomes:
        """Some of them, in their order."""
        which = slice(begin, end)
        return Outcomes(
            parts=self.parts[which],
            level=self.level[which],
            quality=self.quality[which],
            trust=self.trust[which],
            lowest=self.lowest[which],
        )

    def cut(self, share: int) -> tuple[Outcomes, Outcomes]:
        """The earlier ones, and the latest: one of so many."""
        at = len(self) - len(self) // share
        return self.part(0, at), self.part(at, len(self))


class Proof(msgspec.Struct, frozen=True):
    """What later outcomes say of the new weights."""

    outcomes: int
    #: Quality (0-1) above that by the old weights at the same cost.
    quality: Estimate

    @property
    def holds(self) -> bool:
        """Whether the new weights are better."""
        return self.quality.low > 0.0

    def as_json(self) -> dict[str, Json]:
        """For the file and for people."""
        return {"holds": self.holds, "outcomes": self.outcomes, "quality": self.quality.as_json()}


class Model(msgspec.Struct, frozen=True):
    """The scorer as numbers."""

    #: What the old weights of each part are multiplied with.
    factors: Floats
    #: Log-odds that models of rising strength do not suffice at a usual prompt.
    failing: Floats

    @classmethod
    def of(cls, old: Weights) -> Self:
        """With the old weights."""
        return cls(np.ones(len(PARTS)), np.array(old.failing))

    def odds(self, outcomes: Outcomes) -> Floats:
        """Log-odds that the lowest tier does not suffice: what the score is made of."""
        return np.asarray(self.failing[0] + outcomes.parts @ self.factors)

    def suffices(self, outcomes: Outcomes, level: float) -> Floats:
        """How likely a tier suffices, 0-1."""
        places = _strengths(np.full(len(outcomes), level), self.failing)
        return 1.0 - _share(places @ self.failing + outcomes.parts @ self.factors)


def fit(outcomes: Outcomes, old: Weights) -> Model:
    """The scorer with new weights."""
    factors = _order(outcomes)
    before, after = outcomes.parts.sum(axis=1), outcomes.parts @ factors
    # As far apart as they were; the level says whether they should be.
    factors = factors * (before.std() / max(float(after.std()), _LEAST_SPREAD))
    return _levelled(outcomes, Model(factors, np.array(old.failing)))


def prove(outcomes: Outcomes, new: Model, old: Weights) -> Proof:
    """Compare the orders of both on outcomes that the new one was not fitted to."""
    before, after = _places(Model.of(old).odds(outcomes)), _places(new.odds(outcomes))
    low, up = new.suffices(outcomes, 0.0), new.suffices(outcomes, 1.0)
    rows = [
        Logged(
            tier=_UP if outcomes.went_up[at] else _LOW,
            propensities={_LOW: outcomes.lowest[at], _UP: 1.0 - outcomes.lowest[at]},
            target={_LOW: 1.0 - after[at], _UP: after[at]},
            reward=float(outcomes.quality[at]),
            predicted={_LOW: float(low[at]), _UP: float(up[at])},
            reference={_LOW: 1.0 - before[at], _UP: before[at]},
        )
        for at in range(len(outcomes))
        if 0.0 < outcomes.lowest[at] < 1.0
    ]
    return Proof(len(outcomes), estimate(rows))


def written(
    old: Weights,
    new: Model,
    outcomes: Outcomes,
    made_of: Mapping[str, Sequence[str]],
    *,
    version: str = "",
    fitted: Mapping[str, Json] | None = None,
) -> Weights:
    """The file with new weights. Its thresholds send as many of these outcomes up as the old ones.

    `made_of` are the measures that each part is made of.
    """
    before, after = np.sort(Model.of(old).odds(outcomes)), np.sort(new.odds(outcomes))
    factors = dict(zip(PARTS, new.factors.tolist(), strict=True))
    times = {measure: factors[part] for part, names in made_of.items() for measure in names}
    return Weights(
        version=version,
        features={
            name: Measure(each.usual, _rounded(each.weight * times[name]), each.reply)
            for name, each in old.features.items()
        },
        failing=[_rounded(odds) for odds in new.failing],
        slope=old.slope,
        orders={
            name: _rounded(value * factors["orders"]) if name in _CUES else value
            for name, value in old.orders.items()
        },
        reply=old.reply,
        thresholds={name: _moved(bound, before, after) for name, bound in old.thresholds.items()},
        fitted=dict(fitted or {}),
    )


def _order(outcomes: Outcomes) -> Floats:
    """What each part adds to the gain; nothing below 0: more to do never makes a prompt easier."""
    gain, spread = _gains(outcomes), outcomes.parts.sum(axis=1)
    noise = max(float(gain.var()), _LEAST_SPREAD)
    of_old = _ridge(
        spread[:, None], gain, outcomes.trust, np.array([_OLD]), np.array([noise / _OLD**2])
    )
    around = np.full(len(PARTS), max(float(of_old[0]), _LEAST_OLD))
    apart = np.maximum(outcomes.parts.std(axis=0), _LEAST_SPREAD)
    pull, free = noise * (apart / RIDGE) ** 2, np.ones(len(PARTS), dtype=np.bool_)
    while True:
        factors = np.zeros(len(PARTS))
        factors[free] = _ridge(
            outcomes.parts[:, free], gain, outcomes.trust, around[free], pull[free]
        )
        if (factors >= 0.0).all():
            return factors
        free = factors > 0.0


def _gains(outcomes: Outcomes) -> Floats:
    """Of each outcome, what a higher tier would have added to the lowest one's quality."""
    ways = (~outcomes.went_up, outcomes.went_up)
    chances = (outcomes.lowest, 1.0 - outcomes.lowest)
    low, up = (
        expected + np.where(way, (outcomes.quality - expected) * _weights(chance), 0.0)
        for way, chance in zip(ways, chances, strict=True)
        for expected in [_expected(outcomes, way)]
    )
    return np.asarray(up - low)


def _expected(outcomes: Outcomes, way: NDArray[np.bool_]) -> Floats:
    """The quality of all by what went one way: a line through the parts."""
    apart = np.maximum(outcomes.parts.std(axis=0), _LEAST_SPREAD)
    seen, pull = outcomes.parts[way], _LINE * apart**2
    quality, trust = outcomes.quality[way], outcomes.trust[way]
    mean = float(np.average(quality, weights=trust)) if trust.sum() > 0 else 0.5
    rise = _ridge(seen, quality - mean, trust, np.zeros(len(PARTS)), pull)
    centre = np.average(seen, axis=0, weights=trust) if trust.sum() > 0 else np.zeros(len(PARTS))
    return np.asarray(np.clip(mean + (outcomes.parts - centre) @ rise, 0.0, 1.0))


def _weights(chance: Floats) -> Floats:
    return np.asarray(np.minimum(1.0 / np.maximum(chance, 1.0 / MOST_WEIGHT), MOST_WEIGHT))


def _ridge(
    values: Floats, wanted: Floats, counting: Floats, around: Floats, pull: Floats
) -> Floats:
    """What each column adds to what is wanted: least squares, drawn to `around`."""
    whole = max(float(counting.sum()), _LEAST_SPREAD)
    values, wanted = values - counting @ values / whole, wanted - counting @ wanted / whole
    steep = (values.T * counting) @ values + np.diag(pull)
    return np.asarray(np.linalg.solve(steep, (values.T * counting) @ wanted + pull * around))


def _levelled(outcomes: Outcomes, model: Model) -> Model:
    """With levels, and one slope for all parts, by how often tiers did not suffice."""
    levels = len(model.failing)
    design = np.column_stack(
        [_strengths(outcomes.level, model.failing), outcomes.parts @ model.factors]
    )
    start = np.append(model.failing, 1.0)
    precision = np.append(np.full(levels, _LEVEL_SD), _SLOPE_SD) ** -2.0
    failed, found = 1.0 - outcomes.quality, start
    for _ in range(_STEPS):
        likely = _share(design @ found)
        slope = design.T @ (outcomes.trust * (failed - likely)) - precision * (found - start)
        steep = (design.T * (outcomes.trust * likely * (1.0 - likely))) @ design
        step = np.linalg.solve(steep + np.diag(precision), slope)
        found = found + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _ENOUGH:
            break
    return Model(model.factors * max(float(found[-1]), _LEAST_SLOPE), found[:levels])


def _strengths(level: Floats, failing: Floats) -> Floats:
    """Between which two of evenly spaced strengths each tier lies, as shares of 1."""
    places = level * (len(failing) - 1)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(len(failing)))))


def _places(values: Floats) -> Floats:
    """How large a share of the values is smaller, 0-1; equal ones have the same place."""
    ordered = np.sort(values)
    ends = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return np.asarray(sum(ends), dtype=np.float64) / (2.0 * max(len(values), 1))


def _moved(score: float, before: Floats, after: Floats) -> float:
    """The score that as many reach now; beyond all of them, as far beyond."""
    odds = float(np.log(score / (_TOP - score)))
    ends = np.clip(odds, before[0], before[-1])
    moved = float(np.interp(ends, before, after)) + odds - float(ends)
    return round(float(_TOP * _share(np.array(moved))), 1)


def log_odds(points: Floats, usual: float) -> Floats:
    """Of points of a score, in which a usual prompt's log-odds are `usual`."""
    low, whole = float(_share(np.array(usual))), points.sum(axis=1, keepdims=True)
    high = np.clip(low + whole / _TOP, _EDGE, 1.0 - _EDGE)
    flat = np.abs(whole) < _LEAST_SPREAD
    steep = (np.log(high / (1.0 - high)) - usual) / np.where(flat, 1.0, whole)
    return np.asarray(points * np.where(flat, 1.0 / (_TOP * low * (1.0 - low)), steep))


def _share(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS) + 0.0
