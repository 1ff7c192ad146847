"""The guard: what one can point at that makes one prompt's reply wrong for another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pointsman.cache.guard import differences as differ
from pointsman.cache.guard.languages import Languages
from pointsman.cache.guard.lists import Tongue, compile_lists
from pointsman.cache.guard.order import order
from pointsman.cache.guard.polarity import polarity
from pointsman.cache.guard.reading import Reading, read
from pointsman.cache.guard.spelling import spelling

_REMEMBERED = 512  # readings, of prompts up to the next figure
_SHORT = 1000  # characters
_LONGEST = 4000  # characters; what is longer is not looked into


class Guard:
    """Compares two prompts by word lists and rules, in six languages."""

    def __init__(self, tongues: Mapping[str, Tongue]) -> None:
        self._tongues = tongues
        self._languages = Languages(tongues)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._read)

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Guard:
        """Compile TOML word lists, keyed by a name for messages. Raises ConfigError."""
        return cls(compile_lists(texts))

    def objection(self, a: str, b: str) -> str | None:
        """The name of what makes a reply to `a` wrong for `b`; None where nothing is seen.

        The names: `language`, `format`, `unit`, `number`, `code`, `spelling`, `entity`,
        `negation`, `antonym`, `quantifier`, `tense`, `time`, `order`; and `length` where a text is
        longer than 4,000 characters and the other is not the same. `(b, a)` gives None where this does.
        """
        if a == b:
            return None
        if max(len(a), len(b)) > _LONGEST:
            return "length"
        language, clash = self._languages.of_pair(a, b)
        if clash:
            return "language"
        x, y = self._reading(a, language), self._reading(b, language)
        return _first(x, y, self._tongues[language])

    def _reading(self, text: str, language: str) -> Reading:
        if len(text) > _SHORT:
            return self._read(text, language)
        return self._remembered(text, language)

    def _read(self, text: str, language: str) -> Reading:
        return read(text, self._tongues[language], language)


def _first(x: Reading, y: Reading, tongue: Tongue) -> str | None:
    """The first difference; those that are told most easily come first."""
    if differ.language(x, y):
        return "language"
    if differ.length(x, y) or differ.opposed(x, y, "format"):
        return "format"
    for name, differs in _PLAIN:
        if differs(x, y):
            return name
    turned = polarity(x, y, tongue)
    if turned is not None:
        return turned
    for kind in ("quantifier", "tense", "time"):
        if differ.opposed(x, y, kind):
            return kind
    return "order" if order(x, y, tongue) else None


def _entity(x: Reading, y: Reading) -> bool:
    return differ.entity(x, y) or differ.opposed(x, y, "entity")


_PLAIN = (
    ("unit", differ.unit),
    ("number", differ.number),
    ("code", differ.code),
    ("spelling", spelling),
    ("entity", _entity),
)
