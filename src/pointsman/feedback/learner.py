"""From outcomes to a belief: a pure function of both, so that replicas learn the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

import numpy as np

from pointsman.feedback.belief import Belief
from pointsman.feedback.features import unpacked
from pointsman.feedback.gathered import Gathered
from pointsman.feedback.prior import BEFORE, COLD, LEVEL, Array, Prior
from pointsman.types import Evidence

#: What an outcome from before the traffic changed counts, beside one from after it.
_FORMER = 0.05


def learn(
    evidence: Sequence[Evidence],
    tiers: Sequence[str],
    *,
    prior: Belief,
    version: str,
    since: datetime | None = None,
) -> Belief:
    """Learn from outcomes, the oldest first; `tiers` are the lowest first.

    `since` is when the last drift began: what was before it counts for little.

    `prior` is the shipped belief or what others' outcomes say; however many these are, they count
    as a few. Outcomes of other tiers, or measured by another kind of features, are left out.
    """
    known = prior.prior
    places = [prior.tiers.index(tier) if tier in prior.tiers else None for tier in tiers]
    others = prior.gathered.chosen(places)
    count = others.counts.sum()
    if count > known.pooled:
        others = others.times(known.pooled / count)
    kept = [each for each in evidence if each.tier in tiers and each.trust > 0 and each.features]
    return Belief(known, version, tuple(tiers), others.plus(_gathered(kept, tiers, known, since)))


def _gathered(
    evidence: Sequence[Evidence], tiers: Sequence[str], prior: Prior, drift: datetime | None
) -> Gathered:
    """Sums over outcomes, where one counts half of another that is `half_life` younger."""
    rows = np.empty((len(evidence), prior.size))
    usable: list[Evidence] = []
    for each in evidence:
        with suppress(ValueError):  # measured by a version of Pointsman with other features
            rows[len(usable), BEFORE:] = unpacked(each.features, prior.size - BEFORE)
            usable.append(each)
    rows = rows[: len(usable)]
    rows[:, LEVEL] = 1.0
    rows[:, COLD] = prior.standard(_array(each.cold for each in usable))
    trust = _array(each.trust for each in usable)
    since = np.cumsum(trust[::-1])[::-1] - trust
    former = _array(drift is not None and each.time < drift for each in usable)
    return Gathered.of(
        len(tiers),
        np.array([tiers.index(each.tier) for each in usable], dtype=np.intp),
        rows,
        _array(each.quality for each in usable),
        trust * 0.5 ** (since / prior.half_life) * _FORMER**former,
    )


def _array(numbers: Iterable[float]) -> Array:
    return np.fromiter(numbers, np.float64)
