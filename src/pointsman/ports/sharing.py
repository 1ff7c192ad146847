"""What gateways share, besides the books and the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from pointsman.types import Allowance, Subject, Tally

#: Told of a message; must not block. What it raises is reported and goes no further.
Hear: TypeAlias = Callable[[bytes], None]


class SharedCounts(Protocol):
    """Requests and tokens of all gateways together. Every method raises SharingUnavailable."""

    async def admit(
        self, request_id: str, allowances: Sequence[Allowance], tokens: int
    ) -> tuple[bool, Sequence[Tally]]:
        """Count a request and its `tokens` against all of the limits, or none.

        Whether it was counted, and how each of them stands: before, where it was not, else after.
        """

    async def leave(self, request_id: str, allowances: Sequence[Allowance], more: int) -> None:
        """It is not open any more, and took so many tokens `more` than were counted, or fewer."""

    async def charge(self, allowance: Allowance, requests: int, tokens: int) -> None:
        """So much was used of it without being counted, and is not back yet."""

    async def renew(self, open_requests: Mapping[Subject, Sequence[str]]) -> int:
        """This gateway lives, and so do its open requests, of subjects that may have so many.

        What is not renewed in time ends by itself. Returns how many gateways live.
        """


class Bus(Protocol):
    """Words between gateways, to act sooner than one would by looking: any may get lost."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Tell the others. Returns at once and never raises; what is too much is dropped."""

    def subscribe(self, topic: str, hear: Hear) -> None:
        """Have `hear` told what others publish; not what this gateway does itself."""

    async def start(self) -> None:
        """Begin to send and to hear, as soon as there is somebody to ask. Idempotent."""

    async def close(self) -> None:
        """Send what waits where that is possible now, and stop. Idempotent."""
