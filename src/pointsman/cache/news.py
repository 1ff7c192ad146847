"""What one gateway does to its cache that others have to know."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from pointsman.types import Check, Selection


def _nobody(_: object) -> None:
    """There are no others."""


class News(msgspec.Struct, frozen=True):
    """Whom to tell; nobody where there are no other gateways."""

    #: These replies are forgotten.
    forgotten: Callable[[Selection], None] = _nobody
    #: A semantic hit was checked.
    checked: Callable[[Check], None] = _nobody
    #: What was found of a route counts no more.
    reset: Callable[[str], None] = _nobody
