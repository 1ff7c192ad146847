"""One file of the guard's word lists, read and checked.

A file that names a `language` holds what only that language says; the others (names, units)
count for every language. Its members:

- `function_words`, `letters`, `articles`, `unrelated`, `cased`, `implied`: words, parted by blanks;
- `numbers`, `loose_numbers`, `scales`: `word=value`, parted by blanks;
- `joiner`: what stands between ones and tens where they are one word (`einundzwanzig`);
- `unit`: `"measure size: words ; signs"`;
- every other member: a list of entries. In an entry a comma parts words that mean the same and
  ` / ` parts opposites: `"open / close, shut"`. `word*` stands for every word that starts so,
  and `word=` for the word alone where its inflected forms would be taken for it as well.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from fractions import Fraction

from pointsman.cache.guard.inflection import forms
from pointsman.cache.guard.tokens import cut
from pointsman.errors import ConfigError
from pointsman.types import Json

_TEXTS = frozenset(
    {
        "language",
        "function_words",
        "letters",
        "cased",
        "implied",
        "articles",
        "unrelated",
        "numbers",
        "loose_numbers",
        "scales",
        "joiner",
    }
)
_FULLY_INFLECTED = frozenset({"antonym", "privative"})


class Source:
    """The members of one file. Every method raises ConfigError for what it can't read."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        try:
            self._members: dict[str, Json] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"guard list {name} is not TOML: {error}") from error
        self.language = self.text("language")

    def text(self, member: str) -> str:
        """A member that is one text; empty where it is missing."""
        value = self._members.get(member, "")
        if not isinstance(value, str):
            raise ConfigError(f"guard list {self._name}: {member} is not a text")
        return value

    def words(self, member: str) -> frozenset[str]:
        """A member that holds words parted by blanks."""
        return frozenset(token.text for token in cut(self.text(member)))

    def numbers(self, member: str) -> dict[str, Fraction]:
        """A member that holds `word=value`."""
        values = {}
        for entry in self.text(member).split():
            word, _, value = entry.partition("=")
            try:
                values[self._phrase(word)[0]] = Fraction(value)
            except ValueError as error:
                raise ConfigError(f"guard list {self._name}: {entry!r} has no value") from error
        return values

    def units(self) -> Iterator[tuple[str, Fraction, list[tuple[str, ...]], list[str]]]:
        """Each unit's measure, size, phrases and signs."""
        for entry in self._entries("unit"):
            head, _, names = entry.partition(":")
            words, _, signs = names.partition(";")
            try:
                measure, size = head.split()
                amount = Fraction(size)
            except ValueError as error:
                raise ConfigError(f"guard list {self._name}: unit {entry!r}") from error
            phrases = [self._phrase(word) for word in _parted(words, ",")]
            yield measure, amount, phrases, _parted(signs, ",")

    def cues(self) -> Iterator[tuple[tuple[str, ...], str, str, int]]:
        """Every phrase with its list, entry and side."""
        for member in self._members:
            if member in _TEXTS or member == "unit":
                continue
            for entry in self._entries(member):
                for side, part in enumerate(entry.split(" / ")):
                    for word in _parted(part, ","):
                        for phrase in self._written(member, word):
                            yield phrase, member, entry, side

    def _entries(self, member: str) -> Iterator[str]:
        value = self._members.get(member, [])
        if not isinstance(value, list):
            raise ConfigError(f"guard list {self._name}: {member} is not a list")
        for entry in value:
            if not isinstance(entry, str):
                raise ConfigError(f"guard list {self._name}: {member} holds {entry!r}")
            yield entry

    def _written(self, member: str, word: str) -> set[tuple[str, ...]]:
        """How `word` may stand in a text."""
        phrase = self._phrase(word.removesuffix("*").removesuffix("="))
        if word.endswith("*"):
            return {(*phrase[:-1], phrase[-1] + "*")}
        if word.endswith("=") or self.language != "en" or member not in _FULLY_INFLECTED:
            return {phrase}
        return {(form, *phrase[1:]) for form in forms(phrase[0])}

    def _phrase(self, text: str) -> tuple[str, ...]:
        words = tuple(token.text for token in cut(text))
        if not words:
            raise ConfigError(f"guard list {self._name}: {text!r} holds no word")
        return words


def _parted(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]
