"""Sums over outcomes: all that a belief keeps of them."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pointsman.feedback.prior import Array

_ROWS = 8_192  # taken at a time
_PACKED = np.dtype("<f4")


@dataclass(frozen=True)
class Gathered:
    """Weighted sums for each tier; outcomes are rows of measures (the first being 1) with 0-1."""

    #: Of measures times measures: tiers, size, size.
    products: Array
    #: Of measures times qualities: tiers, size.
    sums: Array
    #: Of squared qualities.
    squares: Array

    @classmethod
    def nothing(cls, tiers: int, size: int) -> Gathered:
        """No outcome at all."""
        return cls(np.zeros((tiers, size, size)), np.zeros((tiers, size)), np.zeros(tiers))

    @classmethod
    def of(cls, tiers: int, which: Array, rows: Array, quality: Array, weight: Array) -> Gathered:
        """`which` tier each row is of, by number."""
        found = cls.nothing(tiers, rows.shape[1])
        for begin in range(0, len(rows), _ROWS):
            part = slice(begin, begin + _ROWS)
            for tier in range(tiers):
                mine = which[part] == tier
                measured, said = rows[part][mine], quality[part][mine]
                weighed = measured * weight[part][mine, None]
                found.products[tier] += weighed.T @ measured
                found.sums[tier] += weighed.T @ said
                found.squares[tier] += weight[part][mine] @ np.square(said)
        return found

    @property
    def counts(self) -> Array:
        """Outcomes of each tier."""
        found: Array = self.products[:, 0, 0]
        return found

    def times(self, factor: float) -> Gathered:
        """As if there were so many times as many."""
        return Gathered(self.products * factor, self.sums * factor, self.squares * factor)

    def plus(self, other: Gathered) -> Gathered:
        """Of both."""
        return Gathered(
            self.products + other.products, self.sums + other.sums, self.squares + other.squares
        )

    def chosen(self, places: Sequence[int | None]) -> Gathered:
        """The tiers at these places; None is a tier without outcomes."""
        size = self.sums.shape[1]
        found = Gathered.nothing(len(places), size)
        for to, place in enumerate(places):
            if place is not None:
                found.products[to] = self.products[place]
                found.sums[to] = self.sums[place]
                found.squares[to] = self.squares[place]
        return found

    def pack(self) -> str:
        """As text: float32, little-endian, base64."""
        upper = np.triu_indices(self.sums.shape[1])
        parts = [*(each[upper] for each in self.products), *self.sums, self.squares]
        return b64encode(np.concatenate(parts).astype(_PACKED).tobytes()).decode("ascii")

    @classmethod
    def unpack(cls, packed: str, tiers: int, size: int) -> Gathered:
        """The opposite of `pack`. Raises ValueError."""
        try:
            numbers = np.frombuffer(b64decode(packed, validate=True), _PACKED).astype(np.float64)
        except binascii.Error as error:
            raise ValueError(f"sums can't be read: {error}") from error
        upper = np.triu_indices(size)
        each = len(upper[0])
        if len(numbers) != tiers * (each + size + 1) or not np.isfinite(numbers).all():
            raise ValueError("sums can't be read: they are not of these tiers")
        products, sums, squares = np.split(numbers, [tiers * each, tiers * (each + size)])
        found = cls(np.zeros((tiers, size, size)), sums.reshape(tiers, size), squares)
        for tier, triangle in enumerate(products.reshape(tiers, each)):
            found.products[tier][upper] = triangle
            found.products[tier].T[upper] = triangle
        return found
