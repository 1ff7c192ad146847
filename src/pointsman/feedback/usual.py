"""What is usual for somebody, and how far a value is from it. Pure.

A strong model's answers are longer, hedge more or less, and look better or worse to the verifier
than a weak one's, whichever of them are good: of 13 models, those that solved most did not look
best. So answers are only held beside others of the same deployment, to the same kind of prompt.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Values of somebody from which on it is known what is usual.
LEAST = 20
#: What one value moves that by, when many are known.
_WEIGHT = 0.02


class Usual:
    """The mean of each value, lately, by whose it is."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[tuple[str, str], tuple[int, float]] = {}

    def apart(self, whose: str, values: Mapping[str, float]) -> dict[str, float]:
        """By how much each value is above the usual one; they count from now on.

        Those of which too few are known are left out.
        """
        found: dict[str, float] = {}
        for name, value in values.items():
            known, usual = self._known.get((whose, name), (0, value))
            if known >= LEAST:
                found[name] = value - usual
            weight = max(_WEIGHT, 1.0 / (known + 1))
            self._known[whose, name] = known + 1, usual + weight * (value - usual)
        return found
