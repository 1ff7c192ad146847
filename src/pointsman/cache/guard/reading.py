"""What the guard sees in one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.cache.guard.lists import Phrase, Tag, Tongue, Unit
from pointsman.cache.guard.names import Name, names
from pointsman.cache.guard.quantities import Quantity, quantities
from pointsman.cache.guard.tokens import Token, cut, quoted

_TURNS = frozenset({"antonym", "negator"})
STEM = 5  # words that share so many first letters count as one


class Reading(msgspec.Struct, frozen=True, eq=False):
    """A text, read in one language."""

    tokens: tuple[Token, ...]
    #: The texts of the tokens, and each once.
    texts: tuple[str, ...]
    words: frozenset[str]
    #: The first letters of the words that say what it is about.
    stems: frozenset[str]
    #: Those of them that neither negate nor have an opposite.
    subject: frozenset[str]
    #: The phrases of the lists by the token where they start.
    phrases: Mapping[int, Phrase]
    #: What those phrases mean, by kind; for each meaning the token where it stands first.
    tags: Mapping[str, Mapping[Tag, int]]
    names: tuple[Name, ...]
    quantities: tuple[Quantity, ...]
    #: The units that occur, and those of them without a number, or with "one", each with the
    #: word before it.
    units: frozenset[Unit]
    bare_units: frozenset[tuple[Unit, str]]
    #: Identifiers, flags, paths, versions, operators.
    code: frozenset[str]
    #: What stands between quotation marks, as tokens.
    quotes: tuple[frozenset[str], ...]

    def has(self, kind: str) -> bool:
        """Whether a phrase of the list `kind` occurs."""
        return kind in self.tags


def read(text: str, tongue: Tongue, language: str) -> Reading:
    """Look at `text` as one of `language`. Linear in its length."""
    tokens = cut(text)
    texts = tuple(token.text for token in tokens)
    phrases = _phrases(texts, tongue)
    tags: dict[str, dict[Tag, int]] = {}
    turns: set[int] = set()
    units: dict[int, Unit] = {}
    named: dict[int, Phrase] = {}
    for at, phrase in phrases.items():
        for tag in phrase.tags:
            tags.setdefault(tag.kind, {}).setdefault(tag, at)
            if tag.kind in _TURNS:
                turns.add(at)
            elif tag.kind == "unit":
                units[at] = tongue.units[tag.of]
            elif tag.kind == "name":
                named[at] = phrase
    stems = {
        at: token.text[:STEM]
        for at, token in enumerate(tokens)
        if token.kind in {"word", "han"} and token.text not in tongue.function_words
    }
    amounts = quantities(tokens, phrases, tongue, language)
    counted = {at for q in amounts if q.said != 1 for at in range(q.start, q.end)}
    return Reading(
        tokens=tokens,
        texts=texts,
        words=frozenset(texts),
        stems=frozenset(stems.values()),
        subject=frozenset(stem for at, stem in stems.items() if at not in turns),
        phrases=phrases,
        tags=tags,
        names=names(tokens, named, units, tongue, language),
        quantities=amounts,
        units=frozenset(units.values()),
        bare_units=frozenset(
            (unit, texts[at - 1] if at else "") for at, unit in units.items() if at not in counted
        ),
        code=frozenset(token.text for token in tokens if token.kind == "code"),
        quotes=tuple(frozenset(t.text for t in cut(q)) for q in quoted(text)),
    )


def same_subject(x: Reading, y: Reading, besides: frozenset[str] = frozenset()) -> float:
    """The share of the shorter text's subject that the other has, too."""
    ours, theirs = x.subject - besides, y.subject - besides
    fewer = min(len(ours), len(theirs))
    return len(ours & theirs) / fewer if fewer else 1.0


def opposites(x: Reading, y: Reading, kind: str) -> set[str]:
    """The entries of the list `kind` of which each text has a side that the other has not."""
    ours, theirs = x.tags.get(kind), y.tags.get(kind)
    if ours is None or theirs is None or ours.keys() == theirs.keys():
        return set()
    return {tag.of for tag in ours if tag not in theirs} & {
        tag.of for tag in theirs if tag not in ours
    }


def _phrases(texts: Sequence[str], tongue: Tongue) -> dict[int, Phrase]:
    """The longest phrase at each place, from left to right, without overlap."""
    found = {}
    end = 0
    starts, stems = tongue.phrases, tongue.stems
    for at, word in enumerate(texts):
        if at < end or not (stems or word in starts):
            continue
        phrase = tongue.longest(texts, at)
        if phrase is not None:
            found[at] = phrase
            end = at + 1 + len(phrase.rest)
    return found
