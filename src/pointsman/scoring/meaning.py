"""What a prompt is about, as a vector: the sum of its words' vectors, which never change.

No network runs here. A sentence embedder was asked once for the vector of each piece of its
vocabulary, see data/meaning.md; a prompt then costs a look-up for each word. Needs numpy: import
it where that may take a tenth of a second.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from string import ascii_lowercase, digits, whitespace
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pointsman.errors import ConfigError

#: Characters of a text's head and tail that are read.
HEAD, TAIL = 1_200, 600

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_PLAIN = frozenset(ascii_lowercase + digits + whitespace)
_MANY = 64  # different marks, from which on a pattern is faster
_LONGEST = 40  # characters of a word that is made of pieces; a longer one is none
_GOES_ON = "##"  # how a piece begins that does not begin a word
_KEPT = 8_192  # words of which is remembered what they mean
_FIELD = 4  # bytes
_UNIT = 2**15  # of a field: what counts as 1
_MIDDLE = 2**31  # of a field: 0


@dataclass(frozen=True, slots=True)
class Meaning:
    """Vectors of pieces of words, and how texts are made of them. Pure."""

    #: Where a piece stands in the table.
    places: Mapping[str, int]
    #: Dimensions of a vector.
    size: int
    #: One row a piece, a field of `_FIELD` bytes for each dimension; rare pieces are longer, as
    #: they say more.
    rows: bytes
    _cut: Callable[[str], tuple[int, ...]] = field(init=False, repr=False, compare=False)
    #: What a word means, see `_row`.
    _of_word: Callable[[str], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive what cuts words, and what says of words what they mean."""
        object.__setattr__(self, "_cut", _cutter(self.places))
        object.__setattr__(self, "_of_word", lru_cache(_KEPT)(self._word))

    @classmethod
    def parse(cls, packed: bytes) -> Meaning:
        """Read a table as `train.meaning` writes it. Raises ConfigError."""
        try:
            with np.load(BytesIO(packed), allow_pickle=False) as arrays:
                words = bytes(arrays["pieces"]).decode().split("\n")
                table, scale = arrays["table"], arrays["scale"].astype(np.float32)
        except (ValueError, KeyError, OSError, EOFError, BadZipFile, zlib.error) as error:
            raise ConfigError(f"the table of word vectors is damaged: {error!r}") from error
        if not len(words) == len(table) == len(scale):
            raise ConfigError("the table of word vectors is damaged: its parts differ in length")
        places = {word: place for place, word in enumerate(words)}
        return cls(places, int(table.shape[1]), _rows(table, scale))

    def read(self, text: str) -> list[int]:
        """The places of a text's pieces, in no order; unknown words are left out."""
        words = _words(text)
        places = list(map(self.places.get, words))
        found = [place for place in places if place is not None]
        if len(found) < len(words):
            for word, place in zip(words, places, strict=True):
                if place is None:
                    found += self._cut(word)
        return found

    def of(self, text: str) -> NDArray[np.float32]:
        """The text's vector, of length 1; zeros where no word of it is known.

        Vectors are added up as whole numbers, see `_row`: what numpy adds up, it adds up without
        the interpreter's lock, and after that waits for other threads, here for a millisecond.
        """
        total = sum(map(self._of_word, _words(text)))
        if not total:
            return np.zeros(self.size, np.float32)
        vector = (_unpacked(total, self.size) / _UNIT).astype(np.float32)
        length = float(np.einsum("i,i->", vector, vector)) ** 0.5
        return vector / length if length else vector

    def _word(self, word: str) -> int:
        place = self.places.get(word)
        return sum(map(self._row, self._cut(word))) if place is None else self._row(place)

    def _row(self, place: int) -> int:
        """A piece's vector as one whole number.

        Sums of such numbers are sums of vectors, as long as no field leaves its 32 bits: a text
        has some thousands of pieces at most, and a piece is shorter than 5 in each dimension.
        """
        width = _FIELD * self.size
        row = self.rows[place * width : (place + 1) * width]
        return int.from_bytes(row, "little") - _middles(self.size)


def _rows(table: NDArray[np.int8], scale: NDArray[np.float32]) -> bytes:
    """Every row times its scale, in fields that are never negative: `_MIDDLE` is 0."""
    fields = table * (scale * np.float32(_UNIT))[:, None]
    np.rint(fields, out=fields)
    return (fields.astype("<i4").view("<u4") ^ np.uint32(_MIDDLE)).tobytes()


def _unpacked(total: int, size: int) -> NDArray[np.int64]:
    """The opposite of `Meaning._row`, for a sum."""
    raw = (total + _middles(size)).to_bytes(_FIELD * size, "little")
    return np.frombuffer(raw, "<u4").astype(np.int64) - _MIDDLE


@lru_cache
def _middles(size: int) -> int:
    """A number with the middle of its range in each field."""
    return sum(_MIDDLE << 8 * _FIELD * at for at in range(size))


def _cutter(places: Mapping[str, int]) -> Callable[[str], tuple[int, ...]]:
    """What cuts a word that is not in the table into pieces, the longest first."""

    @lru_cache(_KEPT)
    def cut(word: str) -> tuple[int, ...]:
        """None of them where a part of the word is unknown."""
        found: list[int] = []
        start, prefix = 0, ""
        while start < len(word) <= _LONGEST:
            for end in range(len(word), start, -1):
                place = places.get(prefix + word[start:end])
                if place is not None:
                    break
            else:
                return ()
            found.append(place)
            start, prefix = end, _GOES_ON
        return tuple(found)

    return cut


def _words(text: str) -> Sequence[str]:
    """Words without case and accents, and marks, of the text's ends."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]} {text[-TAIL:]}"
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFD", text)
        for accent in filter(unicodedata.combining, set(text)):
            text = text.replace(accent, "")
    marks = list(filter(_is_mark, set(text) - _PLAIN))
    if len(marks) > _MANY:
        found: list[str] = _WORD.findall(text)
        return found
    for mark in marks:  # the same, four times as fast
        text = text.replace(mark, f" {mark} ")
    return text.split()


def _is_mark(char: str) -> bool:
    return not char.isalnum() and not char.isspace()
