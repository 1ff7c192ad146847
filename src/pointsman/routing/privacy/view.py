"""A text as the rules see it: without the tricks that hide a value from a pattern."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

_BOLD_ZERO = 0x1D7CE
#: Zeros of the decimal digits of other scripts; nine more follow each.
_ZEROS = (
    *(0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6),
    *(0x0D66, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810),
    *range(_BOLD_ZERO, 0x1D800, 10),
)
_INVISIBLE = (
    *(0x00AD, 0x034F, 0x061C, 0x180E, 0x20E3, 0xFEFF),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    *range(0xFE00, 0xFE10),
)
_SPACES = (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_LINES = (0x2028, 0x2029, 0x0085)
_DASHES = (*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63)
_DOTS = (0x00B7, 0x2022, 0x2024, 0x30FB)
#: Unicode's own normal forms would do most of this, but take quadratic time on piled-up accents.
_PLAIN: dict[int, str | None] = {
    **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
    **{zero + digit: str(digit) for zero in _ZEROS for digit in range(10)},
    **dict.fromkeys(_INVISIBLE),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_LINES, "\n"),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_DOTS, "."),
    0x0130: "I",  # the one letter whose lower case is longer
}
#: Any of them; the digits beyond the first plane as a range, which is quicker to search for.
_ODD = f"[{''.join(chr(code) for code in _PLAIN if code < _BOLD_ZERO)}\U0001d7ce-\U0001d7ff]"
#: One first: an engine that knows the first character skips all others.
_ODD_RUN = re.compile(f"{_ODD}{_ODD}*")
#: Begin and end in a text, as a slice has them.
Span: TypeAlias = tuple[int, int]

_HIDDEN = re.compile(f"[{''.join(chr(code) for code in _INVISIBLE)}]+")
_BREAK = re.compile(r"(?:\\?\r?\n|\\r\\n|\\n)[ \t>|+\"']{0,40}")
#: The blanks between single characters: "s k - a b c".
_SPREAD = re.compile(r"(?<![^\s])(\S)[ ](?=\S(?!\S))")
#: At least four digits, close together: the least that anything personal has.
_NUMBER = re.compile(r"[0-9](?:[^0-9]{0,3}+[0-9]){3,}+")
#: Characters kept around a number: as far as a word before it, or letters after it, may lie.
_BEFORE, _AFTER = 72, 48
_BETWEEN = "\n\n"
#: The shortest token that chance is told from words by.
_LONG = 16
_PIECES = re.compile(r"[^A-Za-z0-9+/_\-.~%]+")
_SIGN = b"x"
#: Makes every byte that is no blank this sign, so that a long word is one that can be looked for.
_SIGNS = b"".join(
    bytes((code,)) if chr(code).isascii() and chr(code).isspace() else _SIGN for code in range(256)
)
_LONG_SIGNS = _SIGN * _LONG
_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))


def _plain(found: re.Match[str]) -> str:
    return found[0].translate(_PLAIN)


class _Places:
    """Where the stretches lie that a text was put together from."""

    def __init__(self, stretches: Iterable[Span], between: int = 0) -> None:
        """Of the other text, in order; `between` are the characters that part them in this one."""
        self._stretches = list(stretches) or [(0, 0)]
        self._starts = [0]
        for start, end in self._stretches[:-1]:
            self._starts.append(self._starts[-1] + end - start + between)

    def of(self, start: int, end: int) -> Span:
        """Where a stretch of this text, not an empty one, lies in the other."""
        return self._place(start), self._place(end - 1) + 1

    def _place(self, here: int) -> int:
        number = bisect_right(self._starts, here) - 1
        start, end = self._stretches[number]
        return min(start + here - self._starts[number], end)


def _without(text: str, gaps: Iterable[Span]) -> Iterator[Span]:
    """What is left of a text."""
    edges = [(0, 0), *gaps, (len(text), len(text))]
    return ((left[1], right[0]) for left, right in pairwise(edges))


class View:
    """One text. What it holds is never shown."""

    __slots__ = ("__dict__", "_written", "text")

    def __init__(self, text: str) -> None:
        self._written = text
        #: Digits and letters of full width, other scripts' digits, rare spaces and dashes became
        #: ASCII; invisible characters are gone.
        self.text = text if text.isascii() else _ODD_RUN.sub(_plain, text)

    def in_written(self, start: int, end: int) -> Span:
        """Where a stretch of `text` lies in what was written."""
        return (start, end) if len(self.text) == len(self._written) else self._shown.of(start, end)

    @cached_property
    def _shown(self) -> _Places:
        hidden = (found.span() for found in _HIDDEN.finditer(self._written))
        return _Places(_without(self._written, hidden))

    @cached_property
    def low(self) -> str:
        """The text in lower case; places are the same as in `text`."""
        return self.text.lower()

    @cached_property
    def joined(self) -> str:
        """The text without line breaks, for values that were wrapped."""
        return _BREAK.sub("", self.text)

    def in_joined(self, start: int, end: int) -> Span:
        """Where a stretch of `joined` lies in `text`."""
        return self._unbroken.of(start, end)

    @cached_property
    def _unbroken(self) -> _Places:
        return _Places(_without(self.text, (found.span() for found in _BREAK.finditer(self.text))))

    @cached_property
    def packed(self) -> str:
        """The text without the blanks between single characters."""
        return _SPREAD.sub(r"\1", self.text)

    def in_packed(self, start: int, end: int) -> Span:
        """Where a stretch of `packed` lies in `text`."""
        return self._unspread.of(start, end)

    @cached_property
    def _unspread(self) -> _Places:
        blanks = ((found.end() - 1, found.end()) for found in _SPREAD.finditer(self.text))
        return _Places(_without(self.text, blanks))

    @cached_property
    def digits(self) -> int:
        """How many digits there are (0-9)."""
        return len(self.text.encode("utf-8", "replace").translate(None, _NOT_DIGITS))

    @cached_property
    def long_tokens(self) -> tuple[str, ...]:
        """Pieces of words that are long enough to be made by chance, and have digits or capitals."""
        signs = self.text.encode("utf-8", "replace").translate(_SIGNS)
        if _LONG_SIGNS not in signs:  # as in most texts, and known in a third of the time
            return ()
        words = [word for word in self.text.split() if len(word) >= _LONG]
        return tuple(
            piece
            for word in words
            for piece in _PIECES.split(word)
            if len(piece) >= _LONG and not (piece.isalpha() and piece.islower())
        )

    @cached_property
    def around_digits(self) -> str:
        """What stands near numbers: all that the dearer rules need to see."""
        return _BETWEEN.join(self.text[start:end] for start, end in self._near_digits)

    def in_around_digits(self, start: int, end: int) -> Span:
        """Where a stretch of `around_digits` lies in `text`."""
        return self._around.of(start, end)

    @cached_property
    def _around(self) -> _Places:
        return _Places(self._near_digits, len(_BETWEEN))

    @cached_property
    def _near_digits(self) -> list[Span]:
        near: list[Span] = []
        start, end = 0, -1
        for number in _NUMBER.finditer(self.text):
            if number.start() - _BEFORE > end:
                near.append((start, max(end, 0)))
                start = max(0, number.start() - _BEFORE)
            end = number.end() + _AFTER
        return [*near, (start, min(max(end, 0), len(self.text)))]

    @cached_property
    def around_digits_low(self) -> str:
        """The same in lower case."""
        return self.around_digits.lower()

    def __repr__(self) -> str:
        return f"View({len(self.text)} characters)"
