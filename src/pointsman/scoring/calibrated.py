"""A scorer whose score means on one's own traffic what it says. Pure, given its calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from pointsman.ports import Scorer
from pointsman.scoring.calibration import Calibration
from pointsman.types import Score, Turn

_TOP = 100.0


class CalibratedScorer(msgspec.Struct, frozen=True):
    """Moves another scorer's scores to where labelled outcomes put them; their order stays."""

    scorer: Scorer
    calibration: Calibration

    def score(self, turns: Sequence[Turn]) -> Score:
        """See `ports.Scorer`; the part `calibration` says how far the score was moved."""
        plain = self.scorer.score(turns)
        value = round(self.moved(plain.value), 2)
        return replace(
            plain,
            value=value,
            parts={**plain.parts, "calibration": round(value - plain.value, 2)},
            suffices=tuple(1.0 - self.calibration.apply(1.0 - p) for p in plain.suffices),
        )

    def moved(self, score: float) -> float:
        """Where a score of 0-100 lies now."""
        return _TOP * self.calibration.apply(score / _TOP)

    def thresholds(self, plain: Mapping[str, float]) -> dict[str, float]:
        """The other scorer's thresholds, moved along, so that the same prompts reach them."""
        return {name: self.moved(bound) for name, bound in plain.items()}
