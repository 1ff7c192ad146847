"""What two prompts have in common, and what each has alone. Pure, and cheap: no library of numbers.

Every feature is symmetric. Where the two sides are told apart, there are two of it: `_least` of the
side that has less, `_most` of the one that has more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pointsman.cache.words import STOP, stem, words
from pointsman.types import Alignment

#: Words that are read of a text; a longer one is judged by its beginning.
_READ = 120
#: Alignment of a word that the other text does not have, where there is no alignment.
_ABSENT = 0.3
#: Letters from which on the beginning of a word tells which word it is.
_TELLING = 4
#: Rarity of a word that is in no table, the highest there is.
_RARE = 1.0

_PREPOSITIONS = frozenset(
    [
        "about",
        "above",
        "across",
        "after",
        "against",
        "along",
        "among",
        "around",
        "as",
        "at",
        "because",
        "before",
        "behind",
        "below",
        "between",
        "beyond",
        "by",
        "despite",
        "during",
        "except",
        "for",
        "from",
        "given",
        "if",
        "in",
        "inside",
        "into",
        "like",
        "near",
        "of",
        "off",
        "on",
        "onto",
        "out",
        "outside",
        "over",
        "per",
        "since",
        "through",
        "till",
        "to",
        "toward",
        "towards",
        "under",
        "unless",
        "until",
        "up",
        "upon",
        "using",
        "versus",
        "via",
        "vs",
        "when",
        "where",
        "whether",
        "while",
        "with",
        "within",
        "without",
    ]
)
_MODALS = frozenset(
    [
        "can",
        "could",
        "should",
        "would",
        "will",
        "must",
        "may",
        "might",
        "shall",
        "did",
        "do",
        "does",
        "was",
        "were",
        "is",
        "are",
        "has",
        "have",
        "had",
        "been",
        "going",
        "gonna",
        "ought",
        "need",
    ]
)
_PERSONS = (
    frozenset(["i", "me", "my", "mine", "myself", "we", "us", "our", "ours"]),
    frozenset(
        [
            "you",
            "your",
            "yours",
            "yourself",
            "one",
            "people",
            "someone",
            "person",
            "anyone",
            "everybody",
            "everyone",
        ]
    ),
    frozenset(["he", "him", "his", "she", "her", "hers", "they", "them", "their", "it", "its"]),
)
_DEGREES = frozenset(
    [
        "more",
        "most",
        "less",
        "least",
        "better",
        "best",
        "worse",
        "worst",
        "only",
        "all",
        "every",
        "each",
        "any",
        "none",
        "both",
        "either",
        "neither",
        "first",
        "last",
        "next",
        "always",
        "never",
        "often",
        "ever",
        "even",
        "still",
        "too",
        "enough",
        "very",
        "much",
        "many",
        "few",
        "fewer",
        "without",
        "no",
        "not",
    ]
)
_CONJUNCTIONS = frozenset(["and", "or", "but", "also", "then", "plus", "besides"])
_NEGATIONS = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "nobody",
        "nothing",
        "neither",
        "nor",
        "without",
        "cannot",
        "nicht",
        "kein",
        "keine",
        "ohne",
        "pas",
        "sans",
        "non",
        "senza",
        "sin",
        "nunca",
        "nao",
        "sem",
    ]
)
#: What is asked for, by the words that say it; the first that is found counts.
_ASKED: Mapping[str, str] = {
    "how": "how", "why": "why", "who": "who", "whom": "who", "whose": "who", "where": "where",
    "when": "when", "which": "which", "what": "what", "is": "whether", "are": "whether",
    "do": "whether", "does": "whether", "did": "whether", "was": "whether", "were": "whether",
    "will": "whether", "has": "whether", "have": "whether", "should": "should",
    "can": "whether", "could": "whether", "would": "whether", "may": "whether",
}  # fmt: skip
#: Words after "how" that make it another question.
_MEASURES = frozenset(
    ["much", "many", "long", "old", "far", "big", "often", "tall", "fast", "soon", "high", "deep"]
)
_CAPITAL = re.compile(r"(?<=[a-z0-9,;] )[A-Z][\w.+#-]*|\b[A-Z]{2,}\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"[.!?](?:\s|$)")


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a word says of what a text is about, 0-1."""

    table: Mapping[str, float]

    def of(self, stemmed: str) -> float:
        """Of a stem; one that is in no table is rare."""
        return self.table.get(stemmed, _RARE)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two texts."""

    text: str
    words: Sequence[str]
    #: Stems of its content words.
    stems: Sequence[str]
    #: Its content words, as pieces make them up, with their best cosine in the other text.
    aligned: Sequence[tuple[str, float]]
    #: The mean of all best cosines.
    fit: float

    @classmethod
    def of(cls, text: str, pieces: Sequence[tuple[str, float]]) -> _Side:
        found = words(text)[:_READ]
        stems = [stem(word) for word in found if word not in STOP]
        whole = _whole_words(pieces[: 2 * _READ])
        aligned = [(stem(word), fit) for word, fit in whole if word not in STOP and word.isalnum()]
        fits = [fit for _, fit in whole]
        return cls(text, found, stems, aligned, sum(fits) / len(fits) if fits else 1.0)


def _whole_words(pieces: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Words put together of their pieces, each with the mean of its pieces."""
    parts: list[tuple[str, list[float]]] = []
    for piece, fit in pieces:
        if piece.startswith("##") and parts:
            word, fits = parts[-1]
            parts[-1] = (word + piece[2:], [*fits, fit])
        else:
            parts.append((piece, [fit]))
    return [(word, sum(fits) / len(fits)) for word, fits in parts]


def features(
    a: str, b: str, similarity: float, alignment: Alignment | None, rarity: Rarity
) -> dict[str, float]:
    """What is to be known of a pair, by name. `similarity` is the cosine of the two, -1 to 1."""
    if alignment is None:
        alignment = _by_spelling(a, b)
    one, two = _Side.of(a, alignment.a), _Side.of(b, alignment.b)
    found = {"similarity": similarity}
    found.update(_fits(one, two, rarity))
    found.update(_leftovers(one, two, rarity))
    found.update(_surface(one, two))
    found.update(_grammar(one, two))
    return found


def _by_spelling(a: str, b: str) -> Alignment:
    one, two = words(a), words(b)
    return Alignment(
        tuple((word, 1.0 if word in two else _ABSENT) for word in one),
        tuple((word, 1.0 if word in one else _ABSENT) for word in two),
    )


def _both(name: str, of_a: float, of_b: float) -> dict[str, float]:
    return {f"{name}_least": min(of_a, of_b), f"{name}_most": max(of_a, of_b)}


def _fits(one: _Side, two: _Side, rarity: Rarity) -> dict[str, float]:
    """How well each side's words are met by the other's."""
    found = _both("fit", one.fit, two.fit)
    per_side = [_fit(side.aligned, rarity) for side in (one, two)]
    for name in per_side[0]:
        found.update(_both(name, per_side[0][name], per_side[1][name]))
    return found


def _fit(aligned: Sequence[tuple[str, float]], rarity: Rarity) -> dict[str, float]:
    weighed = [(fit, rarity.of(word)) for word, fit in aligned]
    total = sum(weight for _, weight in weighed)
    ranked = sorted(weighed)
    worst = ranked[0] if ranked else (1.0, 0.0)
    return {
        "content_fit": sum(fit * weight for fit, weight in weighed) / total if total else 1.0,
        "worst_fit": worst[0],
        "worst_rarity": worst[1],
        "second_fit": ranked[1][0] if len(ranked) > 1 else 1.0,
        "lost": sum((1.0 - fit) * weight for fit, weight in weighed),
        "greatest_loss": max(((1.0 - fit) * weight for fit, weight in weighed), default=0.0),
        "last_fit": aligned[-1][1] if aligned else 1.0,
        "first_fit": aligned[0][1] if aligned else 1.0,
    }


def _leftovers(one: _Side, two: _Side, rarity: Rarity) -> dict[str, float]:
    """The content words that only one side has."""
    in_one, in_two = set(one.stems), set(two.stems)
    found: dict[str, float] = {}
    per_side = [_alone(one, in_two, rarity), _alone(two, in_one, rarity)]
    for name in per_side[0]:
        found.update(_both(name, per_side[0][name], per_side[1][name]))
    shared = sum(map(rarity.of, in_one & in_two))
    union = sum(map(rarity.of, in_one | in_two))
    found["shared"] = shared
    found["overlap"] = shared / union if union else 1.0
    return found


def _alone(side: _Side, others: set[str], rarity: Rarity) -> dict[str, float]:
    alone = [word for word in dict.fromkeys(side.stems) if word not in others]
    strange = [word for word in alone if not any(_akin(word, other) for other in others)]
    fits = [(fit, rarity.of(word)) for word, fit in side.aligned if word not in others]
    return {
        "alone": float(len(alone)),
        "alone_weight": sum(map(rarity.of, alone)),
        "alone_rarest": max(map(rarity.of, alone), default=0.0),
        "alone_fit": min((fit for fit, _ in fits), default=1.0),
        "alone_lost": sum((1.0 - fit) * weight for fit, weight in fits),
        "strange": float(len(strange)),
        "strange_weight": sum(map(rarity.of, strange)),
    }


def _akin(word: str, other: str) -> bool:
    """Whether they begin alike: forms of one word, most likely, or one of them misspelt."""
    shorter = min(len(word), len(other))
    return shorter >= _TELLING and word[: shorter - shorter // 4] == other[: shorter - shorter // 4]


def _surface(one: _Side, two: _Side) -> dict[str, float]:
    """How alike they are written."""
    a, b = one.words, two.words
    longer = max(len(a), len(b), 1)
    shorter = min(len(a), len(b))
    prefix = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), shorter)
    suffix = next(
        (at for at, (x, y) in enumerate(zip(reversed(a), reversed(b), strict=False)) if x != y),
        shorter,
    )
    return {
        "words": float(shorter),
        "length_ratio": shorter / longer,
        "prefix": prefix / longer,
        "suffix": suffix / longer,
        "common": 2.0 * _longest_common(a, b) / max(1, len(a) + len(b)),
        "trigrams": _dice(_trigrams(a), _trigrams(b)),
        "bag": _dice(a, b),
        "glue": _dice([w for w in a if w in STOP], [w for w in b if w in STOP]),
        "in_order": 2.0
        * _longest_common(one.stems, two.stems)
        / max(1, len(one.stems) + len(two.stems)),
        "inversions": _inversions(one.stems, two.stems),
    }


def _longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for at, y in enumerate(b, start=1):
            above = row[at]
            row[at] = diagonal + 1 if x == y else max(above, row[at - 1])
            diagonal = above
    return row[-1]


def _trigrams(found: Sequence[str]) -> list[str]:
    text = " ".join(found)
    return [text[at : at + 3] for at in range(max(1, len(text) - 2))]


def _dice(a: Sequence[str], b: Sequence[str]) -> float:
    shared = (Counter(a) & Counter(b)).total()
    return 2.0 * shared / max(1, len(a) + len(b))


def _inversions(a: Sequence[str], b: Sequence[str]) -> float:
    """Share of shared words, each once in both, whose neighbour stands on the other side."""
    at = {word: place for place, word in enumerate(b)}
    places = [at[word] for word in dict.fromkeys(a) if word in at]
    return sum(x > y for x, y in pairwise(places)) / max(1, len(places) - 1)


def _grammar(one: _Side, two: _Side) -> dict[str, float]:
    """The small words, and what they make of the question."""
    a, b = one.words, two.words
    asked_a, asked_b = _asked(a), _asked(b)
    found = {
        "asked_same": float(asked_a == asked_b),
        "asked_other": float(asked_a != asked_b and "" not in (asked_a, asked_b)),
        "persons": float(_persons(a) != _persons(b)),
        "negations": abs(_count(a, _NEGATIONS) - _count(b, _NEGATIONS)),
        "numbers": float(_difference(_NUMBER.findall(one.text), _NUMBER.findall(two.text))),
        "modals": float(_difference(_those(a, _MODALS), _those(b, _MODALS))),
        "degrees": float(_difference(_those(a, _DEGREES), _those(b, _DEGREES))),
        "conjunctions": abs(_count(a, _CONJUNCTIONS) - _count(b, _CONJUNCTIONS)),
        "names": float(_names(one, two) + _names(two, one)),
    }
    sentences = [max(1, len(_SENTENCE.findall(side.text.strip()))) for side in (one, two)]
    found["sentences"] = float(abs(sentences[0] - sentences[1]))
    tails = [_those(found_words, _PREPOSITIONS) for found_words in (a, b)]
    found.update(
        _both("tails", len(set(tails[0]) - set(tails[1])), len(set(tails[1]) - set(tails[0])))
    )
    return found


def _asked(found: Sequence[str]) -> str:
    for word, following in zip(found, [*found[1:], ""], strict=True):
        if word in _ASKED:
            return following if word == "how" and following in _MEASURES else _ASKED[word]
    return ""


def _persons(found: Sequence[str]) -> tuple[bool, ...]:
    return tuple(any(word in person for word in found) for person in _PERSONS)


def _those(found: Iterable[str], among: frozenset[str]) -> list[str]:
    return [word for word in found if word in among]


def _count(found: Iterable[str], among: frozenset[str]) -> float:
    return float(sum(word in among for word in found))


def _difference(a: Iterable[str], b: Iterable[str]) -> int:
    """How many stand on one side only."""
    one, two = Counter(a), Counter(b)
    return (one - two).total() + (two - one).total()


def _names(side: _Side, other: _Side) -> int:
    """Names of one side that the other does not have."""
    has = set(other.words)
    return sum(not has.issuperset(words(name)) for name in set(_CAPITAL.findall(side.text)))
