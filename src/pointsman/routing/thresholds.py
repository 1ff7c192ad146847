"""From a score to a tier: the lowest score of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pointsman.routing.policy import TWO_TIERS, Escalate
from pointsman.types import Score

#: A bound so much above a score leaves those equal to it below.
JUST = 1e-9
#: The bound of a tier that no score reaches.
NEVER = 100.0 + JUST
#: How likely the strongest model is to answer well enough, where the scorer does not say: in the
#: mean over the six labelled sources with a judged strong model it did in 81 % of cases.
STRONGEST_SUFFICES = 0.8


def in_use(tiers: Sequence[str], present: Collection[str]) -> tuple[str, ...]:
    """The tiers that have a deployment, lowest first."""
    return tuple(tier for tier in tiers if tier in present)


def bounds(
    tiers: Sequence[str],
    present: Collection[str],
    scored: Score,
    escalate: Escalate,
    defaults: Mapping[str, float],
) -> dict[str, float]:
    """The lowest score of each tier that a score can choose, lowest tier first.

    With deployments in two tiers the choice is between these, at one threshold; with one tier, or
    three and more, the whole scale counts, so that a decision says what it would have liked.
    `defaults` are the scorer's own, see `Policy.defaults`; they hold where shares are asked for,
    which take more than one request to keep (see `spending`).
    """
    levels = in_use(tiers, present)
    if escalate.quality is not None and len(levels) > 1:
        return for_quality(levels, scored, escalate.quality)
    if len(levels) != 2:  # noqa: PLR2004 - two tiers, one line
        levels = tuple(tiers)
    own = _own(levels, defaults)
    wanted = escalate.score
    if isinstance(wanted, Mapping):
        own |= {tier: wanted[tier] for tier in levels[1:] if tier in wanted}
    elif wanted is not None and own[levels[-1]] > 0:
        own = {tier: bound * wanted / own[levels[-1]] for tier, bound in own.items()}
    return own


def for_quality(levels: Sequence[str], scored: Score, quality: float) -> dict[str, float]:
    """Bounds, for this request only, by which the lowest tier of sufficient quality is chosen.

    Sufficient is `quality` (0-1) times what is predicted of the highest of `levels`. A bound lies
    as many points above the score as the tier below it has percent of quality to spare.
    """
    predicted = _predicted(scored, len(levels))
    needed = quality * predicted[-1]
    lowest = {levels[0]: 0.0}
    for tier, below in zip(levels[1:], predicted, strict=False):
        spare = 100.0 * (below - needed)
        above = scored.value + (max(spare, JUST) if spare >= 0 else spare)
        lowest[tier] = min(max(above, 0.0), NEVER)
    return lowest


def tier_for(score: float, lowest: Mapping[str, float]) -> str:
    """The highest tier whose lowest score is reached."""
    reached = [tier for tier, bound in lowest.items() if score >= bound]
    return reached[-1] if reached else next(iter(lowest))


def shifted(lowest: Mapping[str, float], by: float) -> dict[str, float]:
    """The same with every step between tiers so many points higher; all remain within the scale."""
    first = next(iter(lowest), None)
    return {
        tier: bound if tier == first else min(max(bound + by, 0.0), NEVER)
        for tier, bound in lowest.items()
    }


def _own(levels: Sequence[str], defaults: Mapping[str, float]) -> dict[str, float]:
    """The scorer's own bounds; other numbers of tiers divide the same scale."""
    if len(levels) == 2:  # noqa: PLR2004 - two tiers, one line
        return {levels[0]: 0.0, levels[1]: defaults.get(TWO_TIERS, 50.0)}
    scale = (0.0, defaults.get("medium", 100 / 3), defaults.get("complex", 200 / 3), 100.0)
    return {tier: _between(scale, i / len(levels)) for i, tier in enumerate(levels)}


def _predicted(scored: Score, levels: int) -> list[float]:
    """How likely each of so many tiers is to suffice; a higher one is never less likely to."""
    lowest = 1.0 - scored.value / 100.0
    suffices = scored.suffices or (lowest, max(lowest, STRONGEST_SUFFICES))
    predicted: list[float] = []
    for i in range(levels):
        here = _between(suffices, i / (levels - 1))
        predicted.append(max(here, *predicted[-1:], 0.0))
    return predicted


def _between(points: Sequence[float], position: float) -> float:
    """The value at `position` (0-1) of evenly spaced points, on a straight line between two."""
    at = position * (len(points) - 1)
    left = min(int(at), len(points) - 1)
    right = min(left + 1, len(points) - 1)
    return points[left] + (at - left) * (points[right] - points[left])
