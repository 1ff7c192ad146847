"""How good an answer was: one score from what users said of it, or else from its signals. Pure.

A rating says it, and alone: the last one, for people change their minds. Without one the score is
what such signals have gone with where there were ratings too:

    quality = base + sum over the signals of worth * (signal - 1/2)

A signal of 1/2 is neutral, and so is one that is absent. `worth` is by how much ratings (0-1) are
higher where a signal speaks for the answer than where it speaks against it. It starts from
`signals.TRUST` and is drawn to what ratings say by ridge regression around that prior (Hoerl and
Kennard 1970, Technometrics 12:55), all signals at once, so that two which say the same don't count
twice. It is never below 0: a signal that points the wrong way is not believed at all.

The score is thus a mean of what ratings would have been. It moves less than they would, and
**trust** says how much less: by the share of their variance that it explains (Spearman 1904, Am. J.
Psychol. 15:72, on attenuation). One signal of worth w explains w^2 where it is as often for as
against; several of them 1 - product(1 - w^2), times what was measured of that on rated outcomes.
As evidence, ten outcomes of trust .1 are worth about one rating.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

import msgspec

from pointsman.feedback.signals import TRUST
from pointsman.types import Evidence, Json, Observed, Quality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The name of what users said, among the parts.
RATING = "rating"
#: Of answers with neutral signals, while there are no ratings; and how many of these it is worth.
_BASE, _BASE_RATINGS = 0.6, 4.0
#: The worth of a signal that has none in `TRUST`.
_UNKNOWN = 0.05
#: How many outcomes with a signal at one end outweigh its first worth.
_PRIOR_OUTCOMES = 20.0
#: How many ratings outweigh the first belief in how much signals explain.
_PRIOR_RATINGS = 50.0
#: Signals are never trusted like ratings.
_MOST = 0.9
_SWEEPS = 100
_SETTLED = 1e-9


class Calibration(msgspec.Struct, frozen=True):
    """How far signals are to be trusted. What it is without arguments ships with Pointsman."""

    #: Quality of an answer whose signals are neutral, 0-1.
    base: float = _BASE
    #: By signal, 0-1, see the module; those that are not here have that of `TRUST`.
    worth: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: How much of what signals should explain they were found to; above 1 where it is more.
    scale: float = 1.0
    #: That it was made of.
    ratings: int = 0

    def of(self, signal: str) -> float:
        """The worth of a signal."""
        return self.worth.get(signal, TRUST.get(signal, _UNKNOWN))

    def part(self, signal: str, value: float) -> float:
        """The quality that one signal alone speaks for."""
        return _clipped(self.base + self.of(signal) * (value - 0.5))

    def expected(self, signals: Mapping[str, float]) -> float:
        """The quality that they speak for together."""
        return _clipped(self.base + sum(self.of(s) * (v - 0.5) for s, v in sorted(signals.items())))

    def trust(self, signals: Iterable[str]) -> float:
        """How much of what a rating says they say together."""
        return min(self.scale * _explained(self.of(each) for each in sorted(signals)), _MOST)

    def as_json(self) -> dict[str, Json]:
        """For people."""
        return {
            "base": self.base,
            "worth": {each: self.of(each) for each in sorted({*TRUST, *self.worth})},
            "scale": self.scale,
            "ratings": self.ratings,
        }


SHIPPED = Calibration()


def quality(observed: Observed, calibration: Calibration = SHIPPED) -> Quality | None:
    """How good the answer was; None where nothing is known of it."""
    parts = {name: calibration.part(name, value) for name, value in observed.signals.items()}
    said = rated(observed)
    if said is not None:
        return Quality(said, 1.0, {**parts, RATING: said})
    if not parts:
        return None
    return Quality(calibration.expected(observed.signals), calibration.trust(parts), parts)


def rated(observed: Observed) -> float | None:
    """What the user said last, 0-1; None where nobody said anything."""
    return (observed.ratings[-1] + 1.0) / 2.0 if observed.ratings else None


def evidence(observed: Iterable[Observed], calibration: Calibration = SHIPPED) -> list[Evidence]:
    """What can be learned from: of what somebody answered, that of which anything is known."""
    found = ((each, quality(each, calibration)) for each in observed if each.served_tier)
    return [_evidence(each, known) for each, known in found if known is not None]


def calibrate(observed: Iterable[Observed]) -> Calibration:
    """How far signals are to be trusted, by the outcomes that were rated too."""
    import numpy as np  # noqa: PLC0415 - it takes longer than a command has

    both = [(each.signals, last) for each in observed if (last := rated(each)) is not None]
    if not both:
        return SHIPPED
    names = sorted({name for signals, _ in both for name in signals})
    at = np.array([[signals.get(name, 0.5) - 0.5 for name in names] for signals, _ in both])
    said = np.array([rating for _, rating in both])
    prior = np.array([SHIPPED.of(name) for name in names])
    base, worth = _fitted(at.reshape(len(both), len(names)), said, prior)
    unscaled = Calibration(base, dict(zip(names, worth.tolist(), strict=True)))
    return Calibration(base, unscaled.worth, _scale(unscaled, both), len(both))


def _fitted(
    at: NDArray[np.float64], said: NDArray[np.float64], prior: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Base and worths of least squares, the worths within 0 and 1: one after the other."""
    pull = _PRIOR_OUTCOMES / 4.0  # a signal at one end is 1/2 from the middle
    worth, squares = prior.copy(), (at**2).sum(axis=0)
    base = _BASE
    for _ in range(_SWEEPS):
        before = (base, worth.copy())
        left = said - at @ worth
        base = float((left.sum() + _BASE_RATINGS * _BASE) / (len(said) + _BASE_RATINGS))
        left = left - base
        for each in range(len(worth)):
            column = at[:, each]
            found = column @ left + squares[each] * worth[each] + pull * prior[each]
            new = min(max(found / (squares[each] + pull), 0.0), 1.0)
            left += column * (worth[each] - new)
            worth[each] = new
        if abs(base - before[0]) + abs(worth - before[1]).sum() < _SETTLED:
            break
    return base, worth


def _scale(calibration: Calibration, both: Sequence[tuple[Mapping[str, float], float]]) -> float:
    """Of what the signals should explain of the ratings, how much they do."""
    import numpy as np  # noqa: PLC0415 - it takes longer than a command has

    said = np.array([rating for _, rating in both])
    expected = np.array([calibration.expected(signals) for signals, _ in both])
    claimed = float(np.mean([calibration.trust(signals) for signals, _ in both]))
    if claimed <= 0:
        return 1.0
    spread = float(said.var())
    together = float(((said - said.mean()) * (expected - expected.mean())).mean())
    found = max(together / spread, 0.0) if spread > 0 else claimed
    weighed = (len(both) * found / claimed + _PRIOR_RATINGS) / (len(both) + _PRIOR_RATINGS)
    return float(weighed)


def _explained(worths: Iterable[float]) -> float:
    return 1.0 - prod(1.0 - worth**2 for worth in worths)


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _evidence(observed: Observed, known: Quality) -> Evidence:
    chances, as_decided = observed.informed.propensities, observed.served_tier == observed.tier
    return Evidence(
        request_id=observed.request_id,
        time=observed.time,
        tier=observed.served_tier,
        features=observed.informed.features,
        cold=observed.informed.cold,
        quality=known.value,
        trust=known.trust,
        propensity=chances.get(observed.tier) if as_decided else None,
        domain=observed.domain,
        score=observed.score,
        cost=observed.cost,
        decided="" if as_decided else observed.tier,
        propensities=chances,
    )
