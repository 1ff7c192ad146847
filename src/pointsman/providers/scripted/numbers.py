"""A number within a JSON schema's bounds. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pointsman.types import Json

MAX_INTEGER = 2**63 - 1  # larger ones are not read alike everywhere


def a_number(parts: Sequence[Mapping[str, Json]], *, whole: bool) -> int | float | None:
    """A number that all parts allow, a plain one where it can be; None where none was found.

    Understood: minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf.
    """
    for number in _candidates(parts):
        if not math.isfinite(number) or abs(number) > MAX_INTEGER:
            continue
        if whole and number != int(number):
            continue
        if in_bounds(number, parts):
            return int(number) if whole else number
    return None


def numbers(parts: Sequence[Mapping[str, Json]], key: str) -> list[int | float]:
    """What the parts say of `key`, where it is a number."""
    values = [part.get(key) for part in parts]
    return [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]


def _candidates(parts: Sequence[Mapping[str, Json]]) -> Iterator[int | float]:
    yield from (1, 0, 0.5, -1)
    lows = numbers(parts, "minimum") + numbers(parts, "exclusiveMinimum")
    highs = numbers(parts, "maximum") + numbers(parts, "exclusiveMaximum")
    for bound in (*lows, *highs):
        yield from (math.floor(bound) + 1, math.ceil(bound) - 1, bound)
        yield from (math.nextafter(bound, math.inf), math.nextafter(bound, -math.inf))
    for step in numbers(parts, "multipleOf"):
        for bound in (*lows, *highs, 0):
            if step > 0 and math.isfinite(bound / step):
                nearest = round(bound / step)
                yield from (step * (nearest + shift) for shift in (0, 1, -1, 2, -2))


def in_bounds(number: float, parts: Sequence[Mapping[str, Json]]) -> bool:
    """Whether all parts allow the number."""
    return (
        all(number >= bound for bound in numbers(parts, "minimum"))
        and all(number <= bound for bound in numbers(parts, "maximum"))
        and all(number > bound for bound in numbers(parts, "exclusiveMinimum"))
        and all(number < bound for bound in numbers(parts, "exclusiveMaximum"))
        and all((number / step).is_integer() for step in numbers(parts, "multipleOf") if step)
    )
