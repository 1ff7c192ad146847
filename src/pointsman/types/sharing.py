"""How limits stand, wherever they are counted."""

from __future__ import annotations

import msgspec


class Level(msgspec.Struct, frozen=True):
    """How much of a minute's worth is there, of requests or of tokens."""

    per_minute: int
    #: Whole ones; below zero where some are owed.
    left: int
    #: Until what was asked for is there; 0 where it was.
    wait_s: float
    #: Until all of it is there again.
    full_s: float


class Tally(msgspec.Struct, frozen=True):
    """What a subject has used, as far as it is limited."""

    requests: Level | None = None
    tokens: Level | None = None
    #: Requests that are open.
    open: int = 0
