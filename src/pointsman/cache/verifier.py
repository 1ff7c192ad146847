"""How likely it is that the reply to one prompt is a right and complete one to another. Pure.

Boosted trees over what two prompts have in common; see the card of the weights, `data/pairs.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite
from typing import TypeAlias

from pointsman.cache.pair import NAMES, features
from pointsman.errors import ConfigError
from pointsman.types import Alignment, Json

#: A leaf's log-odds, or a feature, a bound, the tree for values up to it, and that for the others.
Tree: TypeAlias = "float | tuple[str, float, Tree, Tree]"

_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class PairVerifier:
    """Judges pairs by learned weights; the same whichever of the two was first."""

    version: str
    #: Whose similarities and alignments it was calibrated on.
    embedder: str
    #: The probability from which a reply is given.
    threshold: float
    #: The lowest cosine at which a pair is worth a look.
    floor: float
    #: Log-odds to begin with, and the trees that add to them.
    start: float
    trees: Sequence[Tree]
    #: What makes a probability of the sum: its slope and its intercept.
    slope: float
    intercept: float

    @classmethod
    def parse(cls, text: str) -> PairVerifier:
        """Read a weights file (`pointsman.data.read_pairs`). Raises ConfigError."""
        try:
            document = json.loads(text)
            return cls(
                version=str(document["version"]),
                embedder=str(document["embedder"]),
                threshold=_share(document["threshold"]),
                floor=_share(document["floor"]),
                start=_finite(document["start"]),
                trees=[_tree(each, document["features"]) for each in document["trees"]],
                slope=_finite(document["calibration"]["slope"]),
                intercept=_finite(document["calibration"]["intercept"]),
            )
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise ConfigError(f"the weights for pairs can't be read: {error!r}") from error

    def probability(self, a: str, b: str, similarity: float, alignment: Alignment | None) -> float:
        """0-1, for the reply to `a` and the prompt `b`, of that cosine.

        0 without an alignment: nobody looked at the words. Linear in the length of the texts, of
        which the first 120 words are read.
        """
        if alignment is None:
            return 0.0
        found = features(a, b, similarity, alignment)
        odds = self.start + sum(_value(tree, found) for tree in self.trees)
        return 1.0 / (1.0 + exp(-(self.slope * odds + self.intercept)))


def _value(tree: Tree, found: Mapping[str, float]) -> float:
    while isinstance(tree, tuple):
        name, bound, lower, higher = tree
        tree = lower if found[name] <= bound else higher
    return tree


def _tree(written: Json, names: Sequence[str], depth: int = 0) -> Tree:
    if not isinstance(written, list):
        return _finite(written)
    if depth > _DEEPEST:
        raise ValueError("a tree is too deep")
    feature, bound, lower, higher = written
    if not isinstance(feature, int) or names[feature] not in NAMES:
        raise ValueError(f"no such feature: {feature!r}")
    return (
        names[feature],
        _finite(bound),
        _tree(lower, names, depth + 1),
        _tree(higher, names, depth + 1),
    )


def _share(value: Json) -> float:
    number = _finite(value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"not between 0 and 1: {value!r}")
    return number


def _finite(value: Json) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value):
        raise TypeError(f"not a number: {value!r}")
    return float(value)
