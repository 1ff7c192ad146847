"""What a prompt is about, as a vector: the sum of its words' vectors, which never change.

No network runs here. A sentence embedder was asked once for the vector of each piece of its
vocabulary, see data/meaning.md; a prompt then costs a look-up for each word. Needs numpy: import
it where that may take a tenth of a second.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pointsman.errors import ConfigError

#: Characters of a text's head and tail that are read.
HEAD, TAIL = 600, 300

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_MANY = 64  # different marks, from which on a pattern is faster
_LONGEST = 40  # characters of a word that is made of pieces; a longer one is none
_GOES_ON = "##"  # how a piece begins that does not begin a word
_KEPT = 8_192  # words made of pieces of which is remembered what they mean
_FIELD = 4  # bytes
_UNIT = 2**15  # of a field: what counts as 1
_MIDDLE = 2**31  # of a field: 0


def _is_mark(char: str) -> bool:
    return not char.isalnum() and not char.isspace()


_ASCII_MARKS = tuple(filter(_is_mark, map(chr, range(128))))
#: Makes each of them a blank.
_ASCII_GAPS = "".join(" " if char in _ASCII_MARKS else char for char in map(chr, range(128)))


@dataclass(frozen=True, slots=True)
class Meaning:
    """Vectors of pieces of words, and how texts are made of them. Pure.

    A vector is one whole number with a field of `_FIELD` bytes for each dimension. Sums of such
    numbers are sums of vectors, as long as no field leaves its 32 bits: a text has some thousands
    of pieces at most, and a piece is shorter than 5 in each dimension. Rare pieces are longer, as
    they say more.
    """

    #: The vector of each piece.
    pieces: Mapping[str, int]
    #: Dimensions of a vector.
    size: int
    _words: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Begin with the words that are one piece."""
        object.__setattr__(self, "_words", _Words(self.pieces))

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
        return cls(dict(zip(words, _rows(table, scale), strict=True)), int(table.shape[1]))

    def read(self, text: str) -> list[str]:
        """A text's pieces, in no order; unknown words are left out."""
        words, marks = _parted(text)
        words += [mark for mark, times in marks.items() for _ in range(times)]
        return [piece for word in words for piece in _cut(word, self.pieces)]

    def of(self, text: str) -> NDArray[np.float32]:
        """The text's vector, of length 1; zeros where no word of it is known.

        Vectors are added up as whole numbers: what numpy adds up, it adds up without the
        interpreter's lock, and after that waits for other threads, here for a millisecond.
        """
        words, marks = _parted(text)
        total = sum(map(self._words.__getitem__, words))
        for mark, times in marks.items():
            total += times * self._words[mark]
        if not total:
            return np.zeros(self.size, np.float32)
        vector = (_unpacked(total, self.size) / _UNIT).astype(np.float32)
        length = float(np.vecdot(vector, vector)) ** 0.5
        return vector / length if length else vector


class _Words(dict[str, int]):
    """What words mean: those that are a piece, and the last ones that were made of pieces."""

    def __init__(self, pieces: Mapping[str, int]) -> None:
        super().__init__(pieces)
        self._pieces = pieces
        self._made: deque[str] = deque()

    def __missing__(self, word: str) -> int:
        found = self[word] = sum(map(self._pieces.__getitem__, _cut(word, self._pieces)))
        self._made.append(word)
        if len(self._made) > _KEPT:
            self.pop(self._made.popleft(), None)
        return found


def _rows(table: NDArray[np.int8], scale: NDArray[np.float32]) -> list[int]:
    """Each row times its scale, as one whole number."""
    fields = table * (scale * np.float32(_UNIT))[:, None]
    np.rint(fields, out=fields)
    packed = (fields.astype("<i4").view("<u4") ^ np.uint32(_MIDDLE)).tobytes()
    size = table.shape[1]
    width, middles = _FIELD * size, _middles(size)
    starts = range(0, len(packed), width)
    return [int.from_bytes(packed[at : at + width], "little") - middles for at in starts]


def _unpacked(total: int, size: int) -> NDArray[np.int64]:
    """The opposite of `_rows`, for a sum."""
    raw = (total + _middles(size)).to_bytes(_FIELD * size, "little")
    return np.frombuffer(raw, "<u4").astype(np.int64) - _MIDDLE


@lru_cache
def _middles(size: int) -> int:
    """A number with the middle of its range in each field."""
    return sum(_MIDDLE << 8 * _FIELD * at for at in range(size))


def _cut(word: str, pieces: Mapping[str, int]) -> Sequence[str]:
    """The pieces of a word, the longest first; none where a part of it is unknown."""
    if word in pieces:
        return (word,)
    found: list[str] = []
    start, prefix = 0, ""
    while start < len(word) <= _LONGEST:
        for end in range(len(word), start, -1):
            piece = prefix + word[start:end]
            if piece in pieces:
                break
        else:
            return ()
        found.append(piece)
        start, prefix = end, _GOES_ON
    return found


def _parted(text: str) -> tuple[list[str], Mapping[str, int]]:
    """Words without case and accents, of the text's ends, and how often each mark is there."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]} {text[-TAIL:]}"
    text = text.lower()
    if text.isascii():
        marks = list(filter(text.__contains__, _ASCII_MARKS))
        return text.translate(_ASCII_GAPS).split(), {mark: text.count(mark) for mark in marks}
    text = unicodedata.normalize("NFD", text)
    for accent in filter(unicodedata.combining, set(text)):
        text = text.replace(accent, "")
    marks = list(filter(_is_mark, set(text)))
    if len(marks) > _MANY:
        return _WORD.findall(text), {}
    counts = {mark: text.count(mark) for mark in marks}
    for mark in marks:  # the same, four times as fast
        text = text.replace(mark, " ")
    return text.split(), counts
