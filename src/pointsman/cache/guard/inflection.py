"""The forms an English word may take: more than exist, as no text holds those that don't."""

from __future__ import annotations

_VOWELS = frozenset("aeiou")
_HISSES = ("s", "x", "z", "ch", "sh", "o")
_SHORTEST = 3


def forms(word: str) -> set[str]:
    """`word` with -s, -ed and -ing."""
    if len(word) < _SHORTEST or not word.isalpha():
        return {word}
    if word.endswith("y") and word[-2] not in _VOWELS:
        return {word, f"{word[:-1]}ies", f"{word[:-1]}ied", f"{word}ing"}
    if word.endswith("e"):
        return {word, f"{word}s", f"{word}d", f"{word[:-1]}ing"}
    plural = f"{word}es" if word.endswith(_HISSES) else f"{word}s"
    found = {word, plural, f"{word}ed", f"{word}ing"}
    if _doubles(word):
        found |= {f"{word}{word[-1]}ed", f"{word}{word[-1]}ing"}
    return found


def _doubles(word: str) -> bool:
    """Whether the last letter may be doubled: stop, stopped."""
    return (
        word[-1] not in _VOWELS
        and word[-1] not in "wxy"
        and word[-2] in _VOWELS
        and word[-3] not in _VOWELS
    )
