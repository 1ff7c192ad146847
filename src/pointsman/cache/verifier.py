"""How likely it is that the reply to one prompt is a right and complete one to another. Pure.

What is seen of a pair (`cache.pair`) adds up to log-odds; the card of the weights, `data/pairs.md`,
says how that was learned.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp

import msgspec

from pointsman.cache.pair import NAMES, features
from pointsman.errors import ConfigError
from pointsman.types import Alignment, Json

#: No number of a weights file is larger.
_MOST = 100.0


class Steps(msgspec.Struct, frozen=True):
    """What a feature adds: `odds[i]` up to and with `bounds[i]`, the last of them beyond all."""

    bounds: Sequence[float]
    odds: Sequence[float]

    def of(self, value: float) -> float:
        """The log-odds for a value of the feature."""
        return self.odds[bisect_left(self.bounds, value)]


class PairVerifier(msgspec.Struct, frozen=True):
    """Judges pairs by learned weights; the same whichever of the two was first."""

    version: str
    #: Whose similarities and alignments it was calibrated on.
    embedder: str
    #: The probability from which a reply is given.
    threshold: float
    #: The lowest cosine at which a pair is worth a look.
    floor: float
    intercept: float
    #: By feature.
    steps: Mapping[str, Steps]

    @classmethod
    def parse(cls, text: str) -> PairVerifier:
        """Read a weights file (`pointsman.data.read_pairs`). Raises ConfigError."""
        try:
            document = json.loads(text)
            return cls(
                version=str(document["version"]),
                embedder=str(document["embedder"]),
                threshold=_number(document["threshold"], 0.0, 1.0),
                floor=_number(document["floor"], -1.0, 1.0),
                intercept=_number(document["intercept"]),
                steps={name: _steps(document["features"][name]) for name in NAMES},
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"the weights for pairs can't be read: {error!r}") from error

    def probability(self, a: str, b: str, similarity: float, alignment: Alignment | None) -> float:
        """0-1, for the reply to `a` and the prompt `b`, of that cosine.

        0 without an alignment: then nobody looked at the words. Of a long text only the first 120
        words are read.
        """
        if alignment is None:
            return 0.0
        found = features(a, b, similarity, alignment)
        odds = self.intercept + sum(steps.of(found[name]) for name, steps in self.steps.items())
        return 1.0 / (1.0 + exp(-odds))


def _steps(written: Json) -> Steps:
    if not isinstance(written, dict):
        raise TypeError(f"no steps: {written!r}")
    bounds, odds = _numbers(written["bounds"]), _numbers(written["odds"])
    if len(odds) != len(bounds) + 1 or any(a >= b for a, b in pairwise(bounds)):
        raise ValueError(f"steps that don't go up, or not one more than bounds: {written!r}")
    return Steps(bounds, odds)


def _numbers(written: Json) -> list[float]:
    if not isinstance(written, list):
        raise TypeError(f"no list of numbers: {written!r}")
    return [_number(each) for each in written]


def _number(value: Json, least: float = -_MOST, most: float = _MOST) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"not a number: {value!r}")
    if not least <= value <= most:
        raise ValueError(f"not between {least:g} and {most:g}: {value!r}")
    return float(value)
