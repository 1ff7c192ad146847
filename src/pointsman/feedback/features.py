"""What is measured of a prompt so that outcomes can be learned from later: numbers, no text."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pointsman.types import Score

Measured: TypeAlias = NDArray[np.float32]

#: The parts of the learned scorer's score, in the order in which they stand behind the meaning.
PARTS = ("length", "code", "options", "quantities", "logic", "wording", "question", "orders")
#: Points of a score that count as one.
_POINTS = 10.0
_PACKED = np.dtype("<f2")


class Meaning(Protocol):
    """Where texts are among each other: `scoring.meaning.Meaning`."""

    @property
    def size(self) -> int:
        """Dimensions."""

    def of(self, text: str) -> Measured:
        """The text's vector, of length 1 or 0."""


class Features:
    """Measures prompts: what they are about, then the parts of their scores."""

    def __init__(self, meaning: Meaning) -> None:
        """`meaning` is what prompts are about."""
        self._meaning = meaning
        #: Numbers of a prompt.
        self.size = meaning.size + len(PARTS)

    def of(self, scored: Score, text: str) -> Measured:
        """Measure a prompt, `text` being what was scored. As precise as it will be packed."""
        found = np.empty(self.size, np.float32)
        found[: -len(PARTS)] = self._meaning.of(text)
        found[-len(PARTS) :] = [scored.parts.get(part, 0.0) / _POINTS for part in PARTS]
        return found.astype(_PACKED).astype(np.float32)

    def pack(self, measured: Measured) -> str:
        """As `Informed.features` has it: float16, little-endian, as base64."""
        return b64encode(measured.astype(_PACKED).tobytes()).decode("ascii")

    def unpack(self, packed: str) -> Measured:
        """The opposite of `pack`. Raises ValueError where it is not of this kind."""
        return unpacked(packed, self.size)


def unpacked(packed: str, size: int) -> Measured:
    """So many numbers, from what `Features.pack` made of them. Raises ValueError for any other."""
    try:
        found = np.frombuffer(b64decode(packed, validate=True), _PACKED)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"features can't be read: {error}") from error
    if len(found) != size:
        raise ValueError(f"features are {len(found)} numbers, not {size}")
    return found.astype(np.float32)


def parts_of(packed: str) -> Measured:
    """Of what `Features.pack` made, the parts alone, in points. Raises ValueError for any other."""
    try:
        found = np.frombuffer(b64decode(packed, validate=True), _PACKED)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"features can't be read: {error}") from error
    if len(found) < len(PARTS):
        raise ValueError(f"features are {len(found)} numbers, fewer than there are parts")
    return found[-len(PARTS) :].astype(np.float32) * np.float32(_POINTS)
