"""Makes a score mean on your traffic what it says: fitted to a few labelled outcomes. Pure.

Platt scaling with a prior: log-odds out = slope * log-odds in + offset. Few outcomes hardly say
more than how often the event happens at all, so the slope stays near what the prior expects and
the offset moves; many outcomes overrule the prior. From some hundreds on the line may bend: through
the outcomes of equal groups of scores, as far as order allows (isotonic regression: Barlow et al.
1972, by pooling adjacent violators).
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from math import exp, isfinite, log
from operator import itemgetter
from typing import Self

import msgspec
from msgspec.structs import asdict, replace

from pointsman.errors import ConfigError

#: Probabilities are kept this far from 0 and 1, so that their log-odds are finite.
_EDGE = 0.01
_STEPS = 50
#: Outcomes from which the line may bend, how many make a group, and how many groups at most.
_MANY, _GROUP, _GROUPS = 250, 60, 12
#: Outcomes that the line itself counts for in each group.
_LINE_COUNTS = 10.0
#: What of the line's rise is left where the outcomes do not rise, so that order is kept.
_RISE = 1e-3
_ENOUGH = 1e-9
#: Log-odds by which two groups of scores differ at least.
_APART = 1e-6


class Prior(msgspec.Struct, frozen=True):
    """What is expected of the line before any outcome: means and standard deviations."""

    #: 1 believes the score as it stands, 0 believes only in the mean outcome. On ten labelled
    #: sources, each scored by what was learned from the others, a prior around a quarter left the
    #: smallest error after 50 outcomes (.054; .064 around 1).
    slope: float = 0.25
    slope_sd: float = 0.25
    #: Of the offset at the mean score, in log-odds, around the identity.
    offset_sd: float = 3.0


DEFAULT_PRIOR = Prior()


class Calibration(msgspec.Struct, frozen=True):
    """A line through log-odds, perhaps bent; `Calibration()` leaves a probability (nearly) as it is."""

    slope: float = 1.0
    offset: float = 0.0
    #: Labelled outcomes that it was fitted to.
    outcomes: int = 0
    #: Whose scores these were, as `name/version`: another scorer's mean something else.
    scorer: str = ""
    #: Where the line bends: log-odds before and after, both rising; empty where it is straight.
    bends: tuple[tuple[float, float], ...] = ()

    @classmethod
    def fit(
        cls,
        pairs: Iterable[tuple[float, float]],
        prior: Prior = DEFAULT_PRIOR,
        *,
        scorer: str = "",
    ) -> Self:
        """Fit to (predicted probability, outcome) pairs, both 0-1; outcomes may be fractions.

        The most probable line under the prior, by Newton's method. Without pairs: the identity.
        """
        known = [(_log_odds(predicted), outcome) for predicted, outcome in pairs]
        if not known:
            return cls(scorer=scorer)
        centre = sum(x for x, _ in known) / len(known)
        centred = [(x - centre, y) for x, y in known]
        slope, level = _most_probable(centred, centre, prior)
        line = cls(slope, level - slope * centre, len(known), scorer)
        return replace(line, bends=_bends(known, line)) if len(known) >= _MANY else line

    def apply(self, probability: float) -> float:
        """The calibrated probability; order is kept."""
        x = _log_odds(probability)
        if not self.bends:
            return _sigmoid(self._line(x))
        at = bisect_left(self.bends, (x,))
        if 0 < at < len(self.bends):
            (left, low), (right, high) = self.bends[at - 1 : at + 1]
            return _sigmoid(low + (high - low) * (x - left) / (right - left))
        end, level = self.bends[min(at, len(self.bends) - 1)]
        return _sigmoid(level + _RISE * (x - end))

    def _line(self, x: float) -> float:
        return self.slope * x + self.offset

    def to_json(self) -> str:
        """As the text that `parse` reads."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `to_json` wrote. Raises ConfigError where it is damaged."""
        try:
            read = json.loads(text)
            calibration = cls(
                slope=float(read["slope"]),
                offset=float(read["offset"]),
                outcomes=int(read["outcomes"]),
                scorer=str(read["scorer"]),
                bends=tuple((float(x), float(y)) for x, y in read.get("bends", ())),
            )
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise ConfigError(
                f"the calibration is damaged ({error}); write it again with `pointsman calibrate`"
            ) from error
        rising = all(
            left < right and low <= high
            for (left, low), (right, high) in pairwise(calibration.bends)
        )
        line = isfinite(calibration.offset) and 0.0 <= calibration.slope < float("inf")
        if not (line and rising):
            raise ConfigError(
                "the calibration is damaged (its line is impossible); "
                "write it again with `pointsman calibrate`"
            )
        return calibration


def _bends(known: list[tuple[float, float]], line: Calibration) -> tuple[tuple[float, float], ...]:
    """Through the outcomes of equal groups of scores; groups out of order are made one."""
    ordered = sorted(known, key=itemgetter(0))
    count = min(_GROUPS, len(ordered) // _GROUP)
    cuts = [len(ordered) * i // count for i in range(count + 1)]
    groups: list[tuple[float, float, float]] = []
    for start, end in pairwise(cuts):
        size = float(end - start)
        x = sum(x for x, _ in ordered[start:end]) / size
        expected = _LINE_COUNTS * line.apply(_sigmoid(x))
        came = (sum(y for _, y in ordered[start:end]) + expected) / (size + _LINE_COUNTS)
        groups.append((x, came, size))
        while len(groups) > 1 and not _rises(*groups[-2:]):
            groups[-2:] = [_pooled(*groups[-2:])]
    return tuple((x, _log_odds(came) + _RISE * x) for x, came, _ in groups)


def _rises(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return other[0] - one[0] > _APART and other[1] >= one[1]


def _pooled(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> tuple[float, float, float]:
    size = one[2] + other[2]
    mean = [(a * one[2] + b * other[2]) / size for a, b in zip(one[:2], other[:2], strict=True)]
    return mean[0], mean[1], size


def _most_probable(
    pairs: list[tuple[float, float]], centre: float, prior: Prior
) -> tuple[float, float]:
    """Slope and offset where the log-posterior, which is concave, is highest."""
    slope, level = prior.slope, centre
    slope_weight, level_weight = prior.slope_sd**-2, prior.offset_sd**-2
    for _ in range(_STEPS):
        by_slope = slope_weight * (slope - prior.slope)
        by_level = level_weight * (level - centre)
        slopes, crossed, levels = slope_weight, 0.0, level_weight
        for x, y in pairs:
            p = _sigmoid(slope * x + level)
            weight = p * (1.0 - p)
            by_slope += (p - y) * x
            by_level += p - y
            slopes += weight * x * x
            crossed += weight * x
            levels += weight
        determinant = slopes * levels - crossed * crossed
        down_slope = (levels * by_slope - crossed * by_level) / determinant
        down_level = (slopes * by_level - crossed * by_slope) / determinant
        longest = max(1.0, abs(down_slope), abs(down_level))  # far from the top Newton overshoots
        slope = max(0.0, slope - down_slope / longest)
        level -= down_level / longest
        if abs(down_slope) + abs(down_level) < _ENOUGH:
            break
    return slope, level


def _log_odds(probability: float) -> float:
    kept = min(1.0 - _EDGE, max(_EDGE, probability))
    return log(kept / (1.0 - kept))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-x)) if x >= 0.0 else exp(x) / (1.0 + exp(x))
