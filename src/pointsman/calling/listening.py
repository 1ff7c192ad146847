"""A tap that remembers what it hears, for whoever wants to read it when it is over."""

from __future__ import annotations

from collections.abc import Callable

from pointsman.calling.delivery import Tap
from pointsman.errors import UpstreamError
from pointsman.types import Outcome


class Listening:
    """Passes a reply on to another tap, and tells the bytes of it when it has ended; a `Tap`."""

    def __init__(self, tap: Tap, heard: Callable[[bytes | None, Outcome], None], most: int) -> None:
        """`heard` is told the client's bytes, or None where they were more than `most`."""
        self._tap = tap
        self._heard = heard
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0

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
        self._heard(b"".join(self._pieces) if self._size <= self._most else None, outcome)

    def _note(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._most:
            self._pieces.append(data)
        else:
            self._pieces.clear()
