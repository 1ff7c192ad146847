"""How limits stand, wherever they are counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """How much of a minute's worth is there, of requests or of tokens."""

    per_minute: int
    #: Whole ones; below zero where some are owed.
    left: int
    #: Until what was asked for is there; 0 where it was.
    wait_s: float
    #: Until all of it is there again.
    full_s: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What a subject has used, as far as it is limited."""

    requests: Level | None = None
    tokens: Level | None = None
    #: Requests that are open.
    open: int = 0
