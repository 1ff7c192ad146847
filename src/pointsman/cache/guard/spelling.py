"""Words that are written otherwise and are others by that: accents, vowel signs, case of units."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from pointsman.cache.guard.reading import Reading

#: Words whose case says what they are: MB and Mb, mW and MW, CO and Co.
_CASED = frozenset(
    [
        "mb",
        "gb",
        "kb",
        "tb",
        "pb",
        "mbps",
        "gbps",
        "kbps",
        "tbps",
        "mw",
        "mwh",
        "ma",
        "mj",
        "mv",
        "mn",
        "pa",
        "co",
    ]
)


def spelling(x: Reading, y: Reading) -> bool:
    """Whether what is the same word without accents, or whatever its case, is written otherwise.

    Case counts in units that are written with capitals on both sides: who types in lower case
    means either.
    """
    ours, theirs = _forms(x), _forms(y)
    return any(_differ(forms, theirs[bare]) for bare, forms in ours.items() if bare in theirs)


def _forms(reading: Reading) -> dict[str, set[str]]:
    """How each word is written, by its letters alone."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for token in reading.tokens:
        if token.kind != "word":
            continue
        if token.raw.isascii():
            found[token.raw.lower()].add(token.raw)
        else:
            found[_bare(token.raw)].add(unicodedata.normalize("NFC", token.raw))
    return found


def _bare(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word).casefold()
    return "".join([each for each in letters if not unicodedata.category(each).startswith("M")])


def _differ(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    return all(_is_another(one, other) for one in ours for other in theirs)


def _is_another(one: str, other: str) -> bool:
    if one.lower() != other.lower():
        return True
    if one == other or one.lower() not in _CASED:
        return False
    return not (one.islower() or other.islower())
