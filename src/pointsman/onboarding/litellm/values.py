"""Values of a file that may hold anything. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from pointsman.types import Json

#: How a value begins that stands in the environment.
FROM_ENVIRONMENT = "os.environ/"
#: Of a key that stands in the file in the open.
NOT_COPIED = "not copied, so set that"


def mapping(value: Json) -> Mapping[str, Json]:
    """A mapping, by names; empty where it is none."""
    return {str(name): each for name, each in value.items()} if isinstance(value, dict) else {}


def names(value: Json) -> list[str]:
    """The names in a list; none where it is no list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def is_open(value: Json) -> bool:
    """A key itself, not the name of its variable."""
    return isinstance(value, str) and not value.startswith(FROM_ENVIRONMENT)


def number(value: Json) -> float | None:
    """A number of 0 or more; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(Decimal(value.strip() if isinstance(value, str) else str(value)))
    except (InvalidOperation, OverflowError):
        return None
    return read if math.isfinite(read) and read >= 0 else None


def seconds(value: Json) -> float | None:
    """A number of seconds; None where there is none above 0."""
    return number(value) or None
