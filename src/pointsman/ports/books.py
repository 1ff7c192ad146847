"""What writes and reads the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from pointsman.types import (
    ALL_ENTRIES,
    DIMENSIONS,
    EVERYWHERE,
    Balance,
    Budget,
    Dimension,
    Entry,
    Feedback,
    Filter,
    Measure,
    Progress,
    RatingRow,
    ReportRow,
    Scope,
    SeriesRow,
    Settlement,
    StoredKey,
    StoredPrompt,
)


class Ledger(Protocol):
    """Writes the books: one entry per admitted request. What returned is durable.

    Every method raises LedgerUnavailable.
    """

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        """Write an open entry and hold its `reserved` money back, if every budget has as much left.

        Atomic: concurrent reservations never exceed a budget together. Returns how the budgets stand
        then. Raises BudgetExceeded, and nothing is written. Reserving an entry that is there
        changes nothing; one that comes with its settlement is written settled.
        """

    async def hold(
        self, entry: Entry, amount: Decimal, budgets: Sequence[Budget]
    ) -> Sequence[Balance]:
        """Hold `amount` US dollars back for an open entry in all, where that is more than it does.

        Atomic as `reserve` is: every budget must have the difference left. Returns how they stand
        then. Raises BudgetExceeded, and nothing is changed. Where the entry is not open, nothing is
        either.
        """

    async def mark(self, request_id: str, progress: Progress) -> None:
        """How far an open entry has come: it is what is known of it if the gateway dies."""

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """Close an open entry, and free what it reserved; settling a settled entry changes nothing."""


class Books(Protocol):
    """Reads the books. Every method raises LedgerUnavailable."""

    async def get(self, request_id: str, scope: Scope = EVERYWHERE) -> Entry | None:
        """The entry with its feedback; None where there is none in the scope."""

    async def list(
        self, *, limit: int, before: datetime | None = None, which: Filter = ALL_ENTRIES
    ) -> Sequence[Entry]:
        """The newest entries first, older than `before` where it is given."""

    async def report(
        self, which: Filter = ALL_ENTRIES, by: Sequence[Dimension] = DIMENSIONS
    ) -> Sequence[ReportRow]:
        """Exact sums over the entries, by the dimensions, in their order; open ones are counted."""

    async def ratings(self, which: Filter = ALL_ENTRIES) -> Sequence[RatingRow]:
        """What users said, by deployment, tier and state of the cache."""

    async def balances(self, budgets: Sequence[Budget], now: datetime) -> Sequence[Balance]:
        """How the budgets stand at `now`."""


class Charts(Protocol):
    """What charts are drawn from. Every method raises LedgerUnavailable."""

    async def series(self, step: timedelta, which: Filter = ALL_ENTRIES) -> Sequence[SeriesRow]:
        """Exact sums by step of time; in no order, and there may be several rows of one kind.

        Steps are counted from the beginning of 1970. All entries are read where they are no whole
        days.
        """

    async def measures(self, limit: int, which: Filter = ALL_ENTRIES) -> Sequence[Measure]:
        """At most so many of the settled entries, the newest first."""


class Retention(Protocol):
    """What is forgotten. Every method raises LedgerUnavailable."""

    async def forget_entries(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """Delete settled entries with all that hangs on them; returns how many.

        Of one organisation or of all, older than `before` or of all time. With `before`, sums over
        whole days stay in the books; without it they go, too.
        """


class PromptStore(Protocol):
    """Redacted prompts and replies, where somebody turned that on."""

    async def keep_prompt(self, prompt: StoredPrompt) -> None:
        """Keep it, beside its entry. Raises LedgerUnavailable."""

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        """The prompt of a request; None where none is kept in the scope."""

    async def forget_prompts(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        """Delete; returns how many."""


class KeyStore(Protocol):
    """API keys, by their digests."""

    async def keys(self) -> Sequence[StoredKey]:
        """All of them, the oldest first."""

    async def put_key(self, key: StoredKey) -> None:
        """Add it, or write it in place of what was there for its id."""

    async def remove_key(self, key_id: str) -> bool:
        """Forget it; whether it was there."""

    async def keys_stamp(self) -> str:
        """What is another whenever any key has changed, also by another gateway."""


class FeedbackStore(Protocol):
    """What users said of replies."""

    async def add(self, feedback: Feedback, scope: Scope = EVERYWHERE) -> None:
        """Store it with its entry. Raises NotFound where there is no such entry in the scope."""
