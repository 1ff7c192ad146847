"""What MiniLM makes of texts: the work of its thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pointsman.embedding.network import Network, load_network
from pointsman.embedding.wordpiece import UNKNOWN, WordPieces
from pointsman.errors import CacheUnavailable
from pointsman.types import Alignment, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Changes with anything that changes vectors.
NAME = "minilm-int8/2"
#: Likewise: what `data/weights.toml` says the network becomes.
NETWORK = "network-2.onnx"
WINDOW = 256
#: A text with more characters for each piece of the window is not even split: it is no prose.
_LONGEST_PIECES = 16


class Reader:
    """The network, its vocabulary, and what it made of the last texts; for one thread.

    Every method raises CacheUnavailable where the weights can't be loaded; the next call tries
    again.
    """

    def __init__(self, folder: Path, kept_bytes: int) -> None:
        """`folder` holds the weights; about `kept_bytes` of what was read are kept."""
        self._folder = folder
        self._model: _Loaded | None = None
        self._kept = _Kept(kept_bytes)

    def load(self) -> _Loaded:
        """The weights, loaded by the first call."""
        if self._model is None:
            self._model = _load(self._folder)
        return self._model

    def vector(self, text: str) -> Vector | None:
        """The mean of all pieces; None where the text can't be read."""
        read = self._read(text)
        return None if read is None else read.vector

    def alignment(self, a: str, b: str) -> Alignment | None:
        """Each piece with its best cosine; None where a text can't be read."""
        one, two = self._read(a), self._read(b)
        if one is None or two is None:
            return None
        cosines = _cosines(one.states, two.states)
        return Alignment(
            one.with_names(cosines.max(axis=1, initial=-1.0)),
            two.with_names(cosines.max(axis=0, initial=-1.0)),
        )

    def _read(self, text: str) -> _Read | None:
        """None where it is longer than the window, or has a word that no pieces make.

        To the network all unknown words are one: their texts would seem equal.
        """
        if (kept := self._kept.get(text)) is not None:
            return kept
        model = self.load()
        if len(text) > WINDOW * _LONGEST_PIECES:
            return None
        pieces = model.pieces.split(text)
        numbers = model.pieces.numbered(pieces)
        if len(numbers) > WINDOW or UNKNOWN in pieces:
            return None
        read = _digested(pieces, model.network(numbers))
        self._kept.put(text, read)
        return read


class _Read(msgspec.Struct, frozen=True):
    """What the network made of a text."""

    pieces: Sequence[str]
    #: A row of length 1 for each piece.
    states: NDArray[np.float32]
    vector: Vector

    @property
    def size(self) -> int:
        """In bytes."""
        return self.states.nbytes + len(self.vector.data)

    def with_names(self, values: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        """Each piece with its value."""
        return tuple(zip(self.pieces, values.tolist(), strict=True))


def _digested(pieces: Sequence[str], hidden: NDArray[np.float32]) -> _Read:
    """`hidden` has a row for the mark before the pieces and one for that after them."""
    mean = hidden.mean(axis=0)
    vector = mean / (mean @ mean) ** 0.5
    states = hidden[1:-1]
    lengths = (states * states).sum(axis=1, keepdims=True) ** 0.5
    return _Read(pieces, states / lengths, Vector(vector.astype("<f4").tobytes(), NAME))


def _cosines(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each row with each. By einsum, as `@` calls a BLAS that waits for threads of its own."""
    import numpy as np  # noqa: PLC0415 - the network's module says why

    cosines: NDArray[np.float32] = np.einsum("ik,jk->ij", one, two)
    return cosines


class _Kept:
    """The last texts that were read, in bounded memory."""

    def __init__(self, room: int) -> None:
        self._reads: OrderedDict[str, _Read] = OrderedDict()
        self._room = room  # bytes that are left

    def get(self, text: str) -> _Read | None:
        if (read := self._reads.get(text)) is not None:
            self._reads.move_to_end(text)
        return read

    def put(self, text: str, read: _Read) -> None:
        self._reads[text] = read
        self._room -= read.size
        while self._room < 0:
            _, oldest = self._reads.popitem(last=False)
            self._room += oldest.size


class _Loaded(msgspec.Struct, frozen=True):
    pieces: WordPieces
    network: Network


class _Model(msgspec.Struct):
    vocab: dict[str, int]


class _Tokenizer(msgspec.Struct):
    """What is needed of a file in the format of the `tokenizers` library."""

    model: _Model


def _load(folder: Path) -> _Loaded:
    """Raises CacheUnavailable."""
    try:
        tokenizer = msgspec.json.decode((folder / "tokenizer.json").read_bytes(), type=_Tokenizer)
        return _Loaded(WordPieces(tokenizer.model.vocab), load_network(folder / NETWORK))
    except FileNotFoundError as error:
        raise CacheUnavailable(
            "the weights of minilm are not here; run: pointsman models pull minilm"
        ) from error
    except (OSError, ValueError) as error:  # msgspec's are ValueErrors
        raise CacheUnavailable(
            f"the weights of minilm can't be read ({error}); "
            "run: pointsman models rm minilm, and pull them again"
        ) from error
