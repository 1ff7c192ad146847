"""The word lists of the guard, compiled: one `Tongue` for each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from pointsman.cache.guard.source import Source
from pointsman.errors import ConfigError

_STEM_HEAD = 2  # a stem has at least so many letters
_TENS = range(20, 100, 10)


class Tag(NamedTuple):
    """What a phrase means to the guard."""

    #: The list that holds it: `antonym`, `name`, `unit`, `negator`, ...
    kind: str
    #: The entry of the list.
    of: str
    #: Which of the entry's opposites.
    side: int


class Phrase(NamedTuple):
    """The words that follow a phrase's first word, and what the whole means."""

    rest: tuple[str, ...]
    tags: tuple[Tag, ...]


class Unit(NamedTuple):
    """A unit of measure."""

    #: What it measures; amounts of different measures are never equal.
    measure: str
    #: How many of the measure's base unit it is.
    size: Fraction


@dataclass(slots=True, eq=False)
class Tongue:
    """What the guard knows of one language, names and units included."""

    function_words: frozenset[str] = frozenset()
    #: Letters and marks that no other of the languages has.
    letters: frozenset[str] = frozenset()
    #: Names that are common words where they are not capitalised.
    cased: frozenset[str] = frozenset()
    #: Names that are often left out.
    implied: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    #: Words that are not the opposites of those that they seem to be made of: (dis)count.
    unrelated: frozenset[str] = frozenset()
    #: The phrases by their first word, longest first.
    phrases: dict[str, tuple[Phrase, ...]] = field(default_factory=dict)
    #: What every word that starts so means.
    stems: dict[str, Phrase] = field(default_factory=dict)
    numbers: dict[str, Fraction] = field(default_factory=dict)
    #: Number words that mean other things as well.
    loose_numbers: dict[str, Fraction] = field(default_factory=dict)
    #: Words that multiply the number before them.
    scales: dict[str, Fraction] = field(default_factory=dict)
    #: Every word that may start a number.
    number_words: frozenset[str] = frozenset()
    #: By the `of` of the tags `unit`.
    units: dict[str, Unit] = field(default_factory=dict)
    #: Signs that are units after a number only, by the `of` of the unit.
    signs: dict[str, str] = field(default_factory=dict)

    def longest(self, words: Sequence[str], at: int) -> Phrase | None:
        """The longest phrase that starts at `words[at]`."""
        word = words[at]
        for phrase in self.phrases.get(word, ()):
            rest = phrase.rest
            if not rest or tuple(words[at + 1 : at + 1 + len(rest)]) == rest:
                return phrase
        if self.stems:
            for end in range(len(word), _STEM_HEAD - 1, -1):
                found = self.stems.get(word[:end])
                if found is not None:
                    return found
        return None


def compile_lists(texts: Mapping[str, str]) -> dict[str, Tongue]:
    """The tongues by language of TOML texts, keyed by a name for messages. Raises ConfigError."""
    sources = [Source(name, text) for name, text in sorted(texts.items())]
    shared = Tongue()
    common: dict[tuple[str, ...], set[Tag]] = {}
    for source in sources:
        if not source.language:
            _add(shared, common, source)
    shared.phrases = _index(common)
    tongues = {
        source.language: _tongue(source, shared, common) for source in sources if source.language
    }
    if "en" not in tongues:
        raise ConfigError("the guard has no English lists")
    return tongues


def _tongue(source: Source, shared: Tongue, common: Mapping[tuple[str, ...], set[Tag]]) -> Tongue:
    """The tongue of one language: what all have in common, and its own."""
    tongue = Tongue(
        cased=shared.cased, implied=shared.implied, units=dict(shared.units), signs=shared.signs
    )
    own: dict[tuple[str, ...], set[Tag]] = {}
    _add(tongue, own, source)
    tongue.number_words = frozenset([*tongue.numbers, *tongue.loose_numbers, *tongue.scales])
    stems = {words for words in own if len(words) == 1 and words[0].endswith("*")}
    tongue.stems = {
        words[0].removesuffix("*"): Phrase((), tuple(sorted(own[words]))) for words in stems
    }
    firsts = {words[0] for words in own.keys() - stems}
    merged = {words: tags for words, tags in common.items() if words[0] in firsts}
    for words in own.keys() - stems:
        merged[words] = merged.get(words, set()) | own[words]
    tongue.phrases = shared.phrases | _index(merged)
    return tongue


def _add(tongue: Tongue, tags: dict[tuple[str, ...], set[Tag]], source: Source) -> None:
    """Put the words of `source` into `tongue`, and what its phrases mean into `tags`."""
    tongue.function_words |= source.words("function_words")
    tongue.letters |= frozenset(source.text("letters").split())
    tongue.cased |= source.words("cased")
    tongue.implied |= source.words("implied")
    tongue.articles |= source.words("articles")
    tongue.unrelated |= source.words("unrelated")
    tongue.loose_numbers |= source.numbers("loose_numbers")
    tongue.scales |= source.numbers("scales")
    numbers = source.numbers("numbers")
    tongue.numbers |= numbers | _joined(source.text("joiner"), numbers, tongue.loose_numbers)
    for measure, size, phrases, signs in source.units():
        of = f"{measure} {size}"
        tongue.units[of] = Unit(measure, size)
        tongue.signs |= dict.fromkeys(signs, of)
        for phrase in phrases:
            tags.setdefault(phrase, set()).add(Tag("unit", of, 0))
    for phrase, kind, of, side in source.cues():
        tags.setdefault(phrase, set()).add(Tag(kind, of, side))


def _index(tags: Mapping[tuple[str, ...], set[Tag]]) -> dict[str, tuple[Phrase, ...]]:
    """The phrases by their first word, longest first."""
    found: dict[str, list[Phrase]] = {}
    for words, meant in tags.items():
        found.setdefault(words[0], []).append(Phrase(words[1:], tuple(sorted(meant))))
    return {
        first: tuple(sorted(some, key=lambda phrase: -len(phrase.rest)))
        for first, some in found.items()
    }


def _joined(
    joiner: str, numbers: Mapping[str, Fraction], loose: Mapping[str, Fraction]
) -> dict[str, Fraction]:
    """The numbers that are one word, ones first: `einundzwanzig`."""
    if not joiner:
        return {}
    return {
        f"{one}{joiner}{ten}": few + many
        for one, few in {**numbers, **loose}.items()
        if few in range(1, 10)
        for ten, many in numbers.items()
        if many in _TENS
    }
