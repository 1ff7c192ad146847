"""Which of the lists' languages a text is in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pointsman.cache.guard.tokens import fold

_DEFAULT = "en"
_ENOUGH = 3  # function words that tell a language
_BEGINNING = 600  # characters that are looked at
_REMEMBERED = 4096


class Languages:
    """Tells languages by their script and their function words."""

    def __init__(self, function_words: Mapping[str, frozenset[str]]) -> None:
        self._words = {
            language: words
            for language, words in function_words.items()
            if language not in {"hi", "zh"}
        }
        self._scripts = {"hi", "zh"} & set(function_words)
        self._seen = lru_cache(maxsize=_REMEMBERED)(self._look)

    def of_pair(self, a: str, b: str) -> tuple[str, bool]:
        """The language to read both in, and whether they surely are in different ones."""
        (one, sure), (other, other_sure) = self._seen(a[:_BEGINNING]), self._seen(b[:_BEGINNING])
        if one != other and sure and other_sure:
            return one, True
        if sure == other_sure:
            return max(one, other, key=lambda language: (language == _DEFAULT, language)), False
        return (one if sure else other), False

    def _look(self, text: str) -> tuple[str, bool]:
        """The language, and whether it is sure."""
        script = _script(text)
        if script is not None:
            return (script, True) if script in self._scripts else (_DEFAULT, False)
        said = fold(text).split()
        scores = sorted(
            (
                (sum(map(words.__contains__, said)), language)
                for language, words in self._words.items()
            ),
            reverse=True,
        )
        best, language = scores[0]
        second = scores[1][0] if len(scores) > 1 else 0
        if best == second:
            return _DEFAULT, False
        return language, best >= _ENOUGH and best >= 2 * second


def _script(text: str) -> str | None:
    """`hi` or `zh` where most letters are of that script; None for all others."""
    if text.isascii():
        return None
    letters = [char for char in text if char.isalpha()]
    hindi = sum("\u0900" <= char <= "\u097f" for char in letters)
    chinese = sum("\u3400" <= char <= "\u9fff" for char in letters)
    if 2 * hindi > len(letters):
        return "hi"
    if 3 * chinese > len(letters):  # a character says more than a letter
        return "zh"
    return None
