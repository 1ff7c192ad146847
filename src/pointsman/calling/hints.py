"""What gateways tell each other of servers that all of them use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from pointsman.calling.line import Line
from pointsman.calling.rest import Rests

#: Seconds: nobody is left alone for longer on hearsay.
LONGEST_S = 60.0


class Hint(msgspec.Struct, frozen=True):
    """A deployment's breaker is open, or its provider asked to be left alone."""

    what: Literal["open", "rest"]
    #: Which server, and for `open` which model of it: equal in all gateways, and says nothing.
    of: str
    #: Seconds.
    for_s: float


class Hints:
    """Said where somebody wants to hear them; a server of one machine alone is nobody else's."""

    def __init__(self) -> None:
        """Nobody wants to hear them."""
        self.tell: Callable[[Hint], None] | None = None

    def opened(self, line: Line, for_s: float) -> None:
        """Its breaker has opened."""
        self._tell(line, Hint("open", _mark(line.quota_group, line.deployment.model), for_s))

    def rests(self, line: Line, for_s: float) -> None:
        """Its provider said so."""
        self._tell(line, Hint("rest", _mark(line.quota_group), for_s))

    def _tell(self, line: Line, hint: Hint) -> None:
        if self.tell is not None and line.is_shared and hint.for_s > 0:
            self.tell(hint)


def heed(hint: Hint, lines: Iterable[Line], rests: Rests, now: float) -> None:
    """Leave those that it is of alone, no longer than it says."""
    for_s = min(hint.for_s, LONGEST_S)
    for line in lines:
        if not (line.is_shared and for_s > 0):
            continue
        if hint.what == "rest" and hint.of == _mark(line.quota_group):
            rests.rest(line.quota_group, now + for_s)
        if hint.what == "open" and hint.of == _mark(line.quota_group, line.deployment.model):
            line.breaker.hint(now, for_s)


def _mark(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
