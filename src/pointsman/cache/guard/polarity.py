"""Negation and opposites: what turns the meaning of a text, and what turns it back."""

from __future__ import annotations

from collections.abc import Iterator

from pointsman.cache.guard.lists import Tongue
from pointsman.cache.guard.reading import STEM, Reading, opposites, same_subject

_CLEARLY = 0.34  # of the words that say what a text is about: it is about the same
_LARGELY = 0.6
_REACH = 6  # tokens after a negator that it may speak of
_STRONG = ("un", "non")
_PREFIXES = ("un", "non", "in", "im", "il", "ir", "dis", "de", "mis")
_SHORTEST = {"un": 3, "non": 3}
_ELSE = 5
_ENDS = frozenset({".", "?", "!", ";", ",", ":", "\u3002", "\uff0c", "\u0964"})


def polarity(x: Reading, y: Reading, tongue: Tongue) -> str | None:
    """`negation` or `antonym` where one of them turns the meaning; both together keep it."""
    prefixed = _prefixed(x, y, tongue)
    one_negates = x.has("negator") != y.has("negator")
    if prefixed or opposites(x, y, "antonym"):
        turned = not one_negates and same_subject(x, y, prefixed) >= _CLEARLY
        return "antonym" if turned else None
    if _plainly_negated(x, y) or _plainly_negated(y, x):
        return "negation"
    return "negation" if one_negates and _unsaid(x, y) else None


def _prefixed(x: Reading, y: Reading, tongue: Tongue) -> frozenset[str]:
    """The stems of a word of one text and of the same with `un-`, `in-`, `dis-` in the other."""
    ours, theirs = x.words - y.words, y.words - x.words
    if not (ours and theirs):
        return frozenset()
    return frozenset(
        stem[:STEM]
        for words, others in ((ours, theirs), (theirs, ours))
        for word in words
        for prefix in _PREFIXES
        if f"{prefix}{word}" in others
        and len(word) >= _SHORTEST.get(prefix, _ELSE)
        and word not in tongue.unrelated
        for stem in (word, f"{prefix}{word}")
    )


def _plainly_negated(x: Reading, y: Reading) -> bool:
    """Whether `x` negates a word that `y` says without a negation anywhere near."""
    if not x.has("negator") or same_subject(x, y) < _CLEARLY:
        return False
    near = {stem for _, stem in _negated(x, 1)}
    if not near or _reworded(y, x):
        return False
    far = {stem for _, stem in _negated(y, _REACH)}
    return bool((near & y.stems) - far) and _count(x) != _count(y)


def _count(reading: Reading) -> int:
    return sum(tag.kind == "negator" for p in reading.phrases.values() for tag in p.tags)


def _negated(reading: Reading, most: int) -> Iterator[tuple[int, str]]:
    """The content words after each negator, up to `most` of them."""
    for start, phrase in reading.phrases.items():
        if not any(tag.kind == "negator" for tag in phrase.tags):
            continue
        found = 0
        first = start + 1 + len(phrase.rest)
        for at in range(first, min(first + _REACH, len(reading.tokens))):
            token = reading.tokens[at]
            if token.raw in _ENDS:
                break
            stem = token.text[:STEM]
            if stem in reading.stems and token.kind in {"word", "han"}:
                yield at, stem
                found += 1
                if found == most:
                    break


def _unsaid(x: Reading, y: Reading) -> bool:
    """Whether the text that does not negate says nothing that may stand for the negation."""
    plain, negated = (y, x) if x.has("negator") else (x, y)
    return same_subject(x, y) >= _LARGELY and not _reworded(plain, negated)


def _reworded(plain: Reading, negated: Reading) -> bool:
    """Whether `plain` may say by other words what `negated` denies."""
    privative, others = plain.tags.get("privative", {}), negated.tags.get("privative", {})
    return any(tag not in others for tag in privative) or any(
        stem.startswith(_STRONG) for stem in plain.stems - negated.stems
    )
