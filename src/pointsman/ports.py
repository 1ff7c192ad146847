"""What the stages need from outside, as Protocols of at most five methods each.

Adapters (providers, storage, telemetry) implement them; only `app.py` puts the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pointsman.types import (
    DeploymentState,
    Entry,
    Feedback,
    Health,
    Outbound,
    ProviderReply,
    ReportRow,
    Score,
    Settlement,
    Turn,
)


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for durations."""


class Scorer(Protocol):
    """Says how likely it is that the lowest tier will not suffice. Pure and synchronous."""

    def score(self, turns: Sequence[Turn]) -> Score:
        """Score the last user turn, with earlier turns as context."""


class Provider(Protocol):
    """One deployment's upstream."""

    @property
    def state(self) -> DeploymentState:
        """Whether a request would be served now, as far as is known without asking."""

    async def start(self) -> None:
        """Get ready; returns at once, `state` tells when it is done. Idempotent."""

    async def open(self, sent: Outbound) -> ProviderReply:
        """Send a request, written in a format that it takes; return when the status line is there.

        Raises UpstreamUnreachable or UpstreamTimeout. The reply's chunks raise
        UpstreamBroken or UpstreamTimeout where the body stops short.
        """

    async def probe(self) -> Health:
        """Look at the upstream, without spending tokens."""

    async def close(self) -> None:
        """Give back connections and processes. Idempotent."""


class Ledger(Protocol):
    """The books: one entry per admitted request. What returned is durable."""

    async def reserve(self, entry: Entry) -> None:
        """Write an open entry. Raises LedgerUnavailable where it can't be made durable."""

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """Close an open entry; settling a settled entry changes nothing."""

    async def get(self, request_id: str) -> Entry | None:
        """The entry with its feedback, or None."""

    async def list(self, *, limit: int, before: datetime | None = None) -> Sequence[Entry]:
        """The newest entries first, older than `before` where it is given."""

    async def report(self, *, since: datetime | None = None) -> Sequence[ReportRow]:
        """Sums per deployment and outcome."""


class FeedbackStore(Protocol):
    """What users said of replies."""

    async def add(self, feedback: Feedback) -> None:
        """Store it with its entry. Raises NotFound where there is no such entry."""


class Observer(Protocol):
    """Told of each request when it is settled; must not block or raise."""

    def settled(self, entry: Entry) -> None:
        """The entry as it was written, settlement included."""

    def fault(self, stage: str, error: BaseException) -> None:
        """A stage failed and the request went on without it."""
