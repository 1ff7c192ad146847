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
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pointsman.errors import ConfigError

#: Characters of a text's head and tail that are read.
HEAD, TAIL = 1_200, 600

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST = 40  # characters of a word that is made of pieces; a longer one is none
_GOES_ON = "##"  # how a piece begins that does not begin a word
_KEPT = 8_192  # words whose pieces are remembered


@dataclass(frozen=True, slots=True)
class Meaning:
    """Vectors of pieces of words, and how texts are made of them. Pure."""

    #: Where a piece stands in the table.
    places: Mapping[str, int]
    #: One row a piece: rare ones are longer, as they say more.
    table: NDArray[np.int8]
    #: By which each row is multiplied.
    scale: NDArray[np.float32]
    _cut: Callable[[str], tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive what cuts words."""
        object.__setattr__(self, "_cut", _cutter(self.places))

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
        return cls({word: place for place, word in enumerate(words)}, table, scale)

    @property
    def size(self) -> int:
        """Dimensions of a vector."""
        return int(self.table.shape[1])

    def read(self, text: str) -> list[int]:
        """The places of a text's pieces, one after the other; unknown words are left out."""
        found: list[int] = []
        for word in _words(text):
            place = self.places.get(word)
            if place is None:
                found += self._cut(word)
            else:
                found.append(place)
        return found

    def of(self, text: str) -> NDArray[np.float32]:
        """The text's vector, of length 1; zeros where no word of it is known."""
        places = self.read(text)
        if not places:
            return np.zeros(self.size, np.float32)
        # einsum, as `@` may wait for threads of a BLAS
        total: NDArray[np.float32] = np.einsum(
            "ij,i->j",
            self.table.take(places, axis=0),
            self.scale.take(places),
            dtype=np.float32,
            casting="unsafe",
        )
        length = float(np.einsum("i,i->", total, total)) ** 0.5
        return total / length if length else total


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
        apart = unicodedata.normalize("NFD", text)
        text = "".join([char for char in apart if not unicodedata.combining(char)])
    found: list[str] = _WORD.findall(text)
    return found
