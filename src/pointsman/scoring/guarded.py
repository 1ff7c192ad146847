"""A scorer's fault is never a user's fault."""

from __future__ import annotations

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
            return self._scorer.score(turns)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported and survived
            self._observer.fault("score", error)
            return Score(
                value=0.0, parts={}, scorer="none", version="0", fault=type(error).__name__
            )
