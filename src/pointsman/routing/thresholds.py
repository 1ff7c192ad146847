"""From a score to a tier."""

from __future__ import annotations

from collections.abc import Collection, Mapping

#: Lowest score of each tier, per scorer, for the three tiers that DESIGN.md names.
DEFAULTS: Mapping[str, Mapping[str, float]] = {"heuristic": {"medium": 25.0, "complex": 50.0}}
#: Where deployments of only two tiers exist there is one line to draw.
TWO_TIERS = 50.0


def bounds(
    tiers: tuple[str, ...],
    present: Collection[str],
    scorer: str,
    overrides: Mapping[str, float],
) -> dict[str, float]:
    """The lowest score of each tier that a score can choose, lowest tier first.

    With deployments in two tiers the choice is between these, at one threshold; with one tier, or
    three and more, the whole scale counts, so that a decision says what it would have liked.
    """
    in_use = tuple(tier for tier in tiers if tier in present)
    if len(in_use) == 2:  # noqa: PLR2004 - two tiers, one line
        return {in_use[0]: 0.0, in_use[1]: overrides.get(in_use[1], TWO_TIERS)}
    defaults = DEFAULTS.get(scorer, {})
    even = {tier: 100.0 * i / len(tiers) for i, tier in enumerate(tiers)}
    return {tier: overrides.get(tier, defaults.get(tier, even[tier])) for tier in tiers} | {
        tiers[0]: 0.0
    }


def tier_for(score: float, lowest: Mapping[str, float]) -> str:
    """The highest tier whose lowest score is reached."""
    reached = [tier for tier, bound in lowest.items() if score >= bound]
    return reached[-1] if reached else next(iter(lowest))
