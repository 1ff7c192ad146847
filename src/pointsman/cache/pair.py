"""What two prompts have in common and what tells them apart, beyond what a guard can name. Pure.

Every feature is symmetric. Few are enough: what else was tried, the card of the weights
(`data/pairs.md`) says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from pointsman.cache.words import STOP, stem, words
from pointsman.types import Alignment

#: The features, in the order of the weights.
NAMES = ("similarity", "lead", "alone", "spelling", "auxiliaries", "sentences")

_READ = 120  # words of a text; a longer one is judged by its beginning
_AUXILIARY_WORDS = """
can could should would will must may might shall do does did was were is are has have had been going
gonna ought need
"""
_AUXILIARIES = frozenset(_AUXILIARY_WORDS.split())
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")


def features(a: str, b: str, similarity: float, alignment: Alignment) -> dict[str, float]:
    """What is to be known of a pair, by name. `similarity` is the cosine of the two, -1 to 1.

    - `lead`: how well the first content word of either side is met on the other, as a cosine.
    - `alone`: content words that only one side has; of the side that has fewer of them.
    - `spelling`: the share of groups of three characters that both have, 0-1.
    - `auxiliaries`: words like "can" and "was" that stand on one side only.
    - `sentences`: by how many sentences one side is longer.
    """
    one, two = words(a)[:_READ], words(b)[:_READ]
    return {
        "similarity": similarity,
        "lead": min(_lead(alignment.a), _lead(alignment.b)),
        "alone": _alone(one, two),
        "spelling": _shared(_threes(one), _threes(two)),
        "auxiliaries": _unmatched(_auxiliaries(one), _auxiliaries(two)),
        "sentences": float(abs(_sentences(a) - _sentences(b))),
    }


def _lead(pieces: Sequence[tuple[str, float]]) -> float:
    """The best cosine of the first content word; 1 where there is none."""
    for at, (piece, fit) in enumerate(pieces):
        if piece.startswith("##") or not piece.isalnum():
            continue
        word, fits = piece, [fit]
        for more, fit_of_more in pieces[at + 1 :]:
            if not more.startswith("##"):
                break
            word += more.removeprefix("##")
            fits.append(fit_of_more)
        if word not in STOP:
            return sum(fits) / len(fits)
    return 1.0


def _alone(one: Sequence[str], two: Sequence[str]) -> float:
    in_one, in_two = _stems(one), _stems(two)
    return float(min(len(in_one - in_two), len(in_two - in_one)))


def _stems(found: Sequence[str]) -> set[str]:
    return {stem(word) for word in found if word not in STOP}


def _threes(found: Sequence[str]) -> Counter[str]:
    text = " ".join(found)
    return Counter(text[at : at + 3] for at in range(max(1, len(text) - 2)))


def _shared(one: Counter[str], two: Counter[str]) -> float:
    return 2.0 * (one & two).total() / (one.total() + two.total())


def _auxiliaries(found: Iterable[str]) -> Counter[str]:
    return Counter(word for word in found if word in _AUXILIARIES)


def _unmatched(one: Counter[str], two: Counter[str]) -> float:
    return float(((one - two) + (two - one)).total())


def _sentences(text: str) -> int:
    return max(1, len(_SENTENCE_END.findall(text)))
