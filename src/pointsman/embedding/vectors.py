"""Between numbers and vectors. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from pointsman.types import Vector


def unit_vector(values: Sequence[float], embedder: str) -> Vector:
    """The vector of length 1 in a direction.

    Raises ValueError for one that has none: empty, all zeros, or with something that is no finite
    number.
    """
    length = math.hypot(*values)
    if not length or not math.isfinite(length):
        raise ValueError(f"a vector of length {length} has no direction")
    numbers = (value / length for value in values)
    return Vector(struct.pack(f"<{len(values)}f", *numbers), embedder)
