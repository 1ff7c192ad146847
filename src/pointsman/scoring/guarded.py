"""A scorer's fault is never a user's fault."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pointsman.ports import Observer, Scorer
from pointsman.types import Score, Turn


class GuardedScorer:
    """Scores; where the scorer fails, says so, and the request goes to the default tier."""

    def __init__(self, scorer: Scorer, observer: Observer) -> None:
        """The observer is told of each fault."""
        self._scorer = scorer
        self._observer = observer

    def score(self, turns: Sequence[Turn]) -> Score:
        """See `ports.Scorer`; never raises."""
        try:
            score = self._scorer.score(turns)
            if not math.isfinite(score.value + sum(score.parts.values())):
                raise ValueError("the score is no number")  # noqa: TRY301 - handled as any fault is
            return score  # noqa: TRY300
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported and survived
            self._observer.fault("score", error)
            return Score(
                value=0.0, parts={}, scorer="none", version="0", fault=type(error).__name__
            )
