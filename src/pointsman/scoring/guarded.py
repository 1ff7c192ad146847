"""A scorer's fault is never a user's fault."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from pointsman.ports import Observer, Scorer
from pointsman.types import Score, Turn


class GuardedScorer:
    """Scores; where a scorer fails, the next one stands in for it, and the score says so.

    Where the last one fails too there is no score, and the request goes to the default tier.
    """

    def __init__(self, observer: Observer, *scorers: Scorer) -> None:
        """The observer is told of each fault."""
        self._observer = observer
        self._scorers = scorers

    def score(self, turns: Sequence[Turn]) -> Score:
        """See `ports.Scorer`; never raises."""
        failed: list[str] = []
        for scorer in self._scorers:
            try:
                score = scorer.score(turns)
                if not math.isfinite(score.value + sum(score.parts.values())):
                    raise ValueError("the score is no number")  # noqa: TRY301 - as any fault is
            except Exception as error:  # noqa: BLE001 - whatever it is, it is reported and survived
                self._observer.fault("score", error)
                failed.append(type(error).__name__)
            else:
                return replace(score, stands_in=", ".join(failed)) if failed else score
        return Score(0.0, {}, "none", "0", fault=", ".join(failed) or "no scorer")
