"""The scorer that learned from labelled outcomes: measures of the prompt, weighed.

What a prompt's surface tells of its difficulty is little, and most of what it seems to tell holds
for one kind of traffic only; data/learned.md says how much is left and how it was found. Orders
such as "design" hardly occur in labelled data, so the cues of the heuristic count beside the
measures while a prompt is short.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import exp, expm1, fsum
from operator import itemgetter, mul, sub

import msgspec

from pointsman.errors import ConfigError
from pointsman.scoring.essence import essence, glue_of
from pointsman.scoring.features import extract, scored_text
from pointsman.scoring.heuristic import COMPLEX_MAX, SIMPLE_MIN, Cues, cues_of
from pointsman.scoring.lexicon import Lexicon
from pointsman.scoring.surface import NAMES, measure, question
from pointsman.types import Json, Score, Turn

REPLY_TOKENS_MIN, REPLY_TOKENS_MAX = 16, 4096

#: What each part of the score is made of.
PARTS: Mapping[str, tuple[str, ...]] = {
    "length": ("words", "sentences"),
    "code": ("code_words",),
    "options": ("option_words",),
    "quantities": ("numbers", "quantities"),
    "logic": ("conditions", "links", "negations", "commas"),
    "wording": ("references", "persons"),
    "question": ("how", "begins_with_question", "ends_with_question"),
}
#: Puts what is in the order of `NAMES` in that of the parts; where each part then is.
_by_part = itemgetter(*(NAMES.index(name) for names in PARTS.values() for name in names))
_ENDS = tuple(accumulate(map(len, PARTS.values()), initial=0))
_PLACES = {part: slice(*ends) for part, ends in zip(PARTS, pairwise(_ENDS), strict=True)}
ORDERS = "orders"
BASE = "base"
_WRAPPED = 2  # times as long as what it asks: topics are looked for in that alone, too
#: One digit first: an engine that knows the first character skips all others.
_WANTED = re.compile(
    r"(\d\d{0,5})[ -]?(?:words?|w[öo]rter|mots|palabras|palavras|parole|woorden|字)(?!\w)",
    re.IGNORECASE,
)
_DIGITS = "0123456789"
_NEAR_DIGIT = 16  # characters within which the unit follows and ends
_PER_WORD = 4 / 3
_STEEP = 1e-6  # log-odds too few to divide by


class Measures(msgspec.Struct, frozen=True):
    """How each measure counts, in the order of `surface.NAMES`."""

    #: Its usual value.
    usual: tuple[float, ...]
    #: Difficulty per unit that it is above that.
    weights: tuple[float, ...]
    #: What a unit adds to the logarithm of the reply's tokens.
    replies: tuple[float, ...]


class LearnedScorer(msgspec.Struct, frozen=True):
    """Scores by how likely a weak model's answer would be good enough; pure, no model, no I/O."""

    lexicon: Lexicon
    #: See `essence.glue_of`.
    glue: frozenset[str]
    version: str
    measures: Measures
    #: Log-odds that models of rising strength do not suffice, at a usual prompt.
    failing: tuple[float, ...]
    #: Log-odds per unit of difficulty.
    slope: float
    #: Difficulty that the heuristic's complex and simple cues add at most, to an empty prompt.
    complex_cues: float
    simple_cues: float
    #: Words after which those cues no longer count.
    fade_words: float
    #: Logarithm of a usual reply's tokens.
    reply: float
    #: Scores from which a tier takes over: `medium` and `complex` of three, `two_tiers` of two.
    thresholds: Mapping[str, float]

    @classmethod
    def parse(cls, text: str, lexicon: Lexicon) -> LearnedScorer:
        """Read weights as `train.scorer` writes them. Raises ConfigError."""
        try:
            document: Json = json.loads(text)
            return _scorer(document, lexicon)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"learned weights are damaged: {error!r}") from error

    def score(self, turns: Sequence[Turn]) -> Score:
        """Score the last user turn; `parts` add up to `value`, which lies in 0-100."""
        text = scored_text(turns, self.lexicon)
        features = extract(text, self.lexicon)
        whole = cues = cues_of(features)
        asking, options = question(text)
        asked = essence(asking, self.glue)
        values = measure(asked, options, features)
        left = max(0.0, 1 - expm1(values[0]) / self.fade_words)
        if asked != text and (left or len(asking) > _WRAPPED * len(asked)):
            cues = cues_of(extract(asked, self.lexicon))
        apart = tuple(map(sub, values, self.measures.usual))
        weighed = _by_part(tuple(map(mul, self.measures.weights, apart)))
        logits = {part: self.slope * fsum(weighed[place]) for part, place in _PLACES.items()}
        logits[ORDERS] = self.slope * left * self._orders(cues)
        total = fsum(logits.values())
        parts = _points(self.failing[0], logits, total)
        value = round(min(100.0, max(0.0, fsum(parts.values()))), 2)
        stronger = [1 - _share(failing + total) for failing in self.failing[1:]]
        reply = fsum(map(mul, self.measures.replies, apart))
        return Score(
            value,
            parts,
            "learned",
            self.version,
            dimensions=whole.dimensions,
            domain=whole.domain,
            topics=whole.topics or cues.topics,
            suffices=_rising([1 - value / 100, *stronger]),
            reply_tokens=_reply_tokens(asked, self.reply + reply),
        )

    def _orders(self, cues: Cues) -> float:
        """What the cues of a short prompt add to its difficulty: one strong order, above all."""
        complex_ = cues.complex_keywords / COMPLEX_MAX
        simple = cues.simple_keywords / SIMPLE_MIN
        return self.complex_cues * complex_**2 - self.simple_cues * simple


def _points(start: float, logits: Mapping[str, float], total: float) -> dict[str, float]:
    """How many points of the score each part makes; `base` is a usual prompt's score."""
    low, high = _share(start), _share(start + total)
    steepness = (high - low) / total if abs(total) > _STEEP else low * (1 - low)
    points = 100 * steepness
    shares = {part: round(points * logit, 2) + 0.0 for part, logit in logits.items()}
    return {BASE: round(100 * low, 2), **shares}


def _share(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def _rising(shares: Sequence[float]) -> tuple[float, ...]:
    return tuple([round(share, 4) for share in accumulate(shares, max)])


def _reply_tokens(asked: str, logarithm: float) -> int:
    """As many as the words that are asked for take, else as predicted."""
    last = max(map(asked.rfind, _DIGITS)) if asked.isascii() else len(asked)
    wanted = _WANTED.search(asked, 0, last + _NEAR_DIGIT)
    tokens = _PER_WORD * int(wanted[1]) if wanted else exp(min(20.0, logarithm))
    return round(min(REPLY_TOKENS_MAX, max(REPLY_TOKENS_MIN, tokens)))


def _scorer(document: Json, lexicon: Lexicon) -> LearnedScorer:
    top = _object(document)
    features = _object(top["features"])
    if set(features) != set(NAMES):
        raise ValueError(f"these features differ: {sorted(set(features) ^ set(NAMES))}")
    failing = top["failing"]
    if not isinstance(failing, list) or not failing:
        raise ValueError("failing is not a list of numbers")
    thresholds = _object(top["thresholds"])
    orders = _object(top["orders"])
    return LearnedScorer(
        lexicon=lexicon,
        glue=glue_of(lexicon),
        version=str(top["version"]),
        measures=_measures([_object(features[name]) for name in NAMES]),
        failing=tuple(map(_number, failing)),
        slope=_number(top["slope"]),
        complex_cues=_number(orders["complex"]),
        simple_cues=_number(orders["simple"]),
        fade_words=_number(orders["fade_words"]),
        reply=_number(top["reply"]),
        thresholds={name: _number(thresholds[name]) for name in ("medium", "complex", "two_tiers")},
    )


def _measures(documents: Sequence[Mapping[str, Json]]) -> Measures:
    return Measures(
        usual=tuple(_number(document["usual"]) for document in documents),
        weights=tuple(_number(document["weight"]) for document in documents),
        replies=tuple(_number(document["reply"]) for document in documents),
    )


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)
