"""What serves a request: time, scores, upstreams and how much at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pointsman.types import (
    Allowance,
    DeploymentState,
    Entry,
    Filter,
    Health,
    Outbound,
    Principal,
    ProviderReply,
    Score,
    Seen,
    Standing,
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


class RateLimiter(Protocol):
    """Counts requests and tokens at a time."""

    async def admit(
        self, request_id: str, allowances: Sequence[Allowance], tokens: int
    ) -> Standing:
        """Count a request and the `tokens` that it may take against all of them, or none.

        Raises RateLimited.
        """

    async def leave(self, request_id: str, tokens: int | None) -> None:
        """It has ended and took so many `tokens`; None: as many as were counted. Idempotent."""


class ConversationStore(Protocol):
    """Conversations that any gateway can continue. Every method raises SharingUnavailable."""

    async def put(self, name: str, conversation: bytes, life_s: float) -> None:
        """Keep it for so many seconds, in place of what was there."""

    async def get(self, name: str) -> bytes | None:
        """The conversation; None where there is none, or none any more."""


class Observer(Protocol):
    """Told of each request when it is settled; must not block or raise."""

    def settled(self, entry: Entry) -> None:
        """The entry as it was written, settlement included."""

    def fault(self, stage: str, error: BaseException) -> None:
        """A stage failed and the request went on without it."""


class Watch(Protocol):
    """What one client sees of what happens."""

    async def next(self) -> Seen | None:
        """What was settled since the last time, once there is some; None at the end."""

    def close(self) -> None:
        """See no more. Idempotent."""


class Feed(Protocol):
    """Shows entries as they are settled."""

    def watch(self, which: Filter, by: Principal) -> Watch:
        """Begin to watch those entries. Raises RateLimited where `by` watches a lot already."""
