"""A tap that remembers what it hears, for whoever wants to read it when it is over."""

from __future__ import annotations

from collections.abc import Callable

from pointsman.calling.delivery import Tap
from pointsman.errors import UpstreamError
from pointsman.tape import Tape
from pointsman.types import Outcome


class Listening:
    """Passes a reply on to another tap, and tells the bytes of it when it has ended; a `Tap`."""

    def __init__(self, tap: Tap, heard: Callable[[bytes | None, Outcome], None], most: int) -> None:
        """`heard` is told the client's bytes, or None where they were more than `most`."""
        self._tap = tap
        self._heard = heard
        self._most = most
        self._tape = Tape()
        self._is_overlong = False

    @property
    def wanted(self) -> bool:
        """See `Tap`."""
        return self._tap.wanted

    def piece(self, data: bytes) -> None:
        """See `Tap`."""
        self._note(data)
        self._tap.piece(data)

    def left(self) -> None:
        """See `Tap`."""
        self._tap.left()

    def ended(self, outcome: Outcome, ending: bytes, error: UpstreamError | None) -> None:
        """See `Tap`."""
        self._note(ending)
        self._tap.ended(outcome, ending, error)
        self._heard(None if self._is_overlong else self._tape.whole(), outcome)

    def _note(self, data: bytes) -> None:
        self._is_overlong |= self._tape.size + len(data) > self._most
        if self._is_overlong:
            self._tape.clear()
        else:
            self._tape.add(data)
