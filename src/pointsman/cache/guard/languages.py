"""Which of the lists' languages a text is in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pointsman.cache.guard.lists import Tongue
from pointsman.cache.guard.tokens import fold

_DEFAULT = "en"
_SCRIPTS = frozenset({"hi", "zh"})  # languages that their script tells
_ENOUGH = 3  # function words that tell a language
_BEGINNING = 600  # characters that are looked at
_GAPS = dict.fromkeys(map(ord, '.,;:?!()"\u00bf\u00a1\u201e\u201c\u201d\u00ab\u00bb\n'), " ")
_REMEMBERED = 4096


class Languages:
    """Tells languages by their script, their own letters and their function words."""

    def __init__(self, tongues: Mapping[str, Tongue]) -> None:
        self._tongues = {name: tongue for name, tongue in tongues.items() if name not in _SCRIPTS}
        self._scripts = _SCRIPTS & tongues.keys()
        self._seen = lru_cache(maxsize=_REMEMBERED)(self._scores)

    def of_pair(self, a: str, b: str) -> tuple[str, bool]:
        """The language to read both in, and whether they surely are in different ones."""
        one, other = self._seen(a[:_BEGINNING]), self._seen(b[:_BEGINNING])
        first, second = _surely(one), _surely(other)
        if first is not None and second is not None and first != second:
            return first, True
        both = {name: one.get(name, 0) + other.get(name, 0) for name in one | other}
        return _surely(both, enough=0) or _DEFAULT, False

    def _scores(self, text: str) -> dict[str, int]:
        """How much speaks for each language."""
        script = _script(text)
        if script is not None:
            return {script: _ENOUGH} if script in self._scripts else {}
        said = fold(text).translate(_GAPS).split()
        letters = set() if text.isascii() else set(text.lower())
        return {
            name: sum(map(tongue.function_words.__contains__, said)) + len(letters & tongue.letters)
            for name, tongue in self._tongues.items()
        }


def _surely(scores: Mapping[str, int], enough: int = _ENOUGH) -> str | None:
    """The language for which more speaks than for any other; twice as much, to be sure."""
    if not scores:
        return None
    (best, score), *others = sorted(scores.items(), key=lambda item: -item[1])
    second = others[0][1] if others else 0
    if score == second or score < enough or (enough and score < 2 * second):
        return None
    return best


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
