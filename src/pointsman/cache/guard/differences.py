"""What may differ between two readings: one function for each, all of them symmetric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from pointsman.cache.guard.lists import Unit
from pointsman.cache.guard.names import Name
from pointsman.cache.guard.quantities import Quantity
from pointsman.cache.guard.reading import STEM, Reading, opposites, same_subject

_LARGELY = 0.5  # of the words that say what a text is about
_QUOTE_CHANGED = 0.25  # of its words
_TEXT_MEASURES = frozenset({"words", "sentences", "paragraphs", "lines", "points", "pages"})
_SPANS = frozenset({"time", "months"})
_COMPARED = 32  # quantities that may equal one that says no unit
_LONGEST_ALIAS = 4  # words written as one


def number(x: Reading, y: Reading) -> bool:
    """Whether quantities differ, or stand with other things."""
    ours, theirs = _unmatched(x.quantities, y.quantities)
    if any(not _is_one(q, y) for q in ours) or any(not _is_one(q, x) for q in theirs):
        return True
    return _swapped(_counted(x), _counted(y)) or _nothing_but_numbers(x, y)


def unit(x: Reading, y: Reading) -> bool:
    """Whether the same values have other units, or one unit stands for another."""
    ours, theirs = _unmatched(x.quantities, y.quantities)
    if ours and theirs:
        return sorted(q.said for q in ours) == sorted(q.said for q in theirs)
    if ours or theirs:
        return False
    return any(
        one not in y.units and other not in x.units and _exchanged(one, before, other, after)
        for one, before in x.bare_units
        for other, after in y.bare_units
    )


def length(x: Reading, y: Reading) -> bool:
    """Whether an answer of another length is asked for."""
    ours, theirs = _unmatched(x.quantities, y.quantities)
    return any(quantity.measure in _TEXT_MEASURES for quantity in (*ours, *theirs))


def opposed(x: Reading, y: Reading, kind: str) -> bool:
    """Whether the texts hold opposites of the list `kind`, or one alone what must be in both."""
    if opposites(x, y, kind) or _alone(x, y, f"{kind}_alone"):
        return True
    return bool(opposites(x, y, f"{kind}_strict")) and _nothing_else(x, y, f"{kind}_strict")


def language(x: Reading, y: Reading) -> bool:
    """Whether an answer in another language is asked for."""
    if opposed(x, y, "language"):
        return True
    ours, theirs = (set(reading.tags.get("language_alone", ())) for reading in (x, y))
    return bool(ours and theirs) and ours.isdisjoint(theirs)


def entity(x: Reading, y: Reading) -> bool:
    """Whether one text names what the other does not."""
    ours, theirs = _strangers(x.names, y), _strangers(y.names, x)
    return any(sure for _, sure in (*ours, *theirs)) or bool(ours and theirs)


def code(x: Reading, y: Reading) -> bool:
    """Whether code tokens or quoted words differ."""
    ours = {token for token in x.code - y.code if not _said(token, y)}
    theirs = {token for token in y.code - x.code if not _said(token, x)}
    if (ours and theirs) or any(token.startswith("--") for token in ours | theirs):
        return True
    return _quotes_differ(x, y) or _quotes_differ(y, x)


def _unmatched(
    ours: Sequence[Quantity], theirs: Sequence[Quantity]
) -> tuple[list[Quantity], list[Quantity]]:
    """The quantities that have no equal on the other side and need one."""
    missing, rest = _unpaired(ours, theirs)
    return [q for q in missing if not q.loose], [q for q in rest if not q.loose]


def _unpaired(
    ours: Sequence[Quantity], theirs: Sequence[Quantity]
) -> tuple[list[Quantity], list[Quantity]]:
    """The quantities that have no equal on the other side."""
    if not (ours or theirs):
        return [], []
    theirs_left = Counter((q.value, q.measure) for q in theirs)
    ours_left = Counter((q.value, q.measure) for q in ours)
    both = ours_left & theirs_left
    missing, rest = _besides(ours, both), _besides(theirs, both)
    still = []
    for quantity in missing:
        match = next((other for other in rest[:_COMPARED] if _roughly(quantity, other)), None)
        if match is None:
            still.append(quantity)
        else:
            rest.remove(match)
    return still, rest


def _besides(quantities: Iterable[Quantity], both: Counter[tuple[Fraction, str]]) -> list[Quantity]:
    """The quantities that are left when those of `both` are taken away."""
    taken = both.copy()
    left = []
    for quantity in quantities:
        key = (quantity.value, quantity.measure)
        if taken[key] > 0:
            taken[key] -= 1
        else:
            left.append(quantity)
    return left


def _nothing_but_numbers(x: Reading, y: Reading) -> bool:
    """Whether numbers that may be missing are all that the texts differ in."""
    ours, theirs = _unpaired(x.quantities, y.quantities)
    said = {
        reading.texts[at][:STEM]
        for reading, quantities in ((x, ours), (y, theirs))
        for quantity in quantities
        for at in range(quantity.start, quantity.end)
    }
    return any(q.value != 1 for q in (*ours, *theirs)) and (x.stems ^ y.stems) <= said


def _is_one(quantity: Quantity, other: Reading) -> bool:
    """Whether `other` has the same as a unit: "7 days" and "a week"."""
    return any(
        unit.measure == quantity.measure and unit.size == quantity.value
        for unit, _ in other.bare_units
    )


def _roughly(one: Quantity, other: Quantity) -> bool:
    """The same value where one of them does not say its unit: "half" and 50 %."""
    same = one.said == other.said or one.value == other.value
    return same and not (one.measure and other.measure)


def _counted(reading: Reading) -> dict[Fraction, str]:
    """The word after each value that occurs once."""
    found: dict[Fraction, str] = {}
    twice: set[Fraction] = set()
    for quantity in reading.quantities:
        at = quantity.end
        if quantity.value in found:
            twice.add(quantity.value)
        if at < len(reading.tokens) and reading.tokens[at].kind in {"word", "han"}:
            found[quantity.value] = reading.texts[at][:STEM]
    return {value: word for value, word in found.items() if value not in twice}


def _swapped(ours: dict[Fraction, str], theirs: dict[Fraction, str]) -> bool:
    """Whether two values have exchanged the words that they count."""
    back = {word: value for value, word in theirs.items()}
    for value, word in ours.items():
        other = back.get(word)
        if other is None or other == value or other not in ours or value not in theirs:
            continue
        if ours[other] == theirs[value] != word:
            return True
    return False


def _exchanged(one: Unit, before: str, other: Unit, before_other: str) -> bool:
    """Whether one unit stands for another; spans of time come up in passing, too."""
    if one.measure in _SPANS or other.measure in _SPANS:
        return one.measure in _SPANS and other.measure in _SPANS and before == before_other
    return one.measure == other.measure


def _alone(x: Reading, y: Reading, kind: str) -> bool:
    if not (x.has(kind) or y.has(kind)) or same_subject(x, y) < _LARGELY:
        return False
    for reading, other in ((x, y), (y, x)):
        for tag, at in reading.tags.get(kind, {}).items():
            if tag not in other.tags.get(kind, {}):
                rest = reading.phrases[at].rest
                if not rest or not _said_at_end(rest, other):
                    return True
    return False


def _said_at_end(rest: Sequence[str], other: Reading) -> bool:
    """Whether `other` says what a phrase ends with: "French" in "in French"."""
    said = rest if len(rest[-1]) == 1 else rest[-1:]
    return all(_has_word(word, other) for word in said)


def _nothing_else(x: Reading, y: Reading, kind: str) -> bool:
    """Whether the texts differ in no word but those of the list `kind`."""
    told = {reading.texts[at] for reading in (x, y) for at in reading.tags[kind].values()}
    return (x.words ^ y.words) <= told


def _strangers(names: Iterable[Name], other: Reading) -> list[tuple[Name, bool]]:
    """The names that `other` does not say, each with whether that alone is an objection."""
    found = []
    entries = {entry for name in other.names for entry in name.known}
    for name in names:
        if name.loose or name.known & entries:
            continue
        missing = [word for word in name.words if not _has_word(word, other)]
        if missing and not _spelled_otherwise(name.words, other):
            sure = name.sure and (bool(name.known) or len(missing) == len(name.words))
            found.append((name, sure))
    return found


def _has_word(word: str, other: Reading) -> bool:
    if word in other.words or (len(word) >= STEM and word[:STEM] in other.stems):
        return True
    return (word[:-1] if word.endswith("s") else f"{word}s") in other.words


def _spelled_otherwise(words: Sequence[str], other: Reading) -> bool:
    """Whether `other` has the name as one word, as several, or as initials."""
    joined = "".join(words)
    if len(words) > 1:
        return joined in other.words or "".join(word[0] for word in words) in other.words
    texts = other.texts
    for at, text in enumerate(texts):
        if text[0] != joined[0]:
            continue
        following = texts[at : at + max(len(joined), _LONGEST_ALIAS)]
        if "".join(part[0] for part in following[: len(joined)]) == joined and len(joined) > 1:
            return True
        built = ""
        for part in following[:_LONGEST_ALIAS]:
            built += part.strip("-")
            if built == joined:
                return True
    return False


def _said(token: str, other: Reading) -> bool:
    """Whether `other` says the parts of a code token as words."""
    parts = "".join(char if char.isalnum() else " " for char in token).split()
    return bool(parts) and not token.startswith("-") and other.words.issuperset(parts)


def _quotes_differ(x: Reading, y: Reading) -> bool:
    """Whether `x` quotes what `y` does not say."""
    allowed = _QUOTE_CHANGED if y.quotes else 2 * _QUOTE_CHANGED
    return any(len(quote - y.words) > allowed * len(quote) for quote in x.quotes)
