"""What the stages need from outside, as Protocols of at most five methods each.

Adapters (providers, storage, telemetry) implement them; only `app.py` puts the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pointsman.types import (
    ALL_ENTRIES,
    DIMENSIONS,
    EVERYWHERE,
    Alignment,
    Allowance,
    Balance,
    Budget,
    CachedReply,
    Change,
    Check,
    DeploymentState,
    Dimension,
    Entry,
    Experiment,
    Feedback,
    Filter,
    Health,
    Listing,
    Measure,
    Near,
    Observed,
    Outbound,
    Principal,
    Progress,
    ProviderReply,
    RatingRow,
    ReportRow,
    Scope,
    Score,
    Seen,
    Selection,
    SeriesRow,
    Settlement,
    Signals,
    Standing,
    StoredKey,
    StoredPrompt,
    Turn,
    Vector,
    Version,
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
    """Writes the books: one entry per admitted request. What returned is durable.

    Every method raises LedgerUnavailable.
    """

    async def reserve(self, entry: Entry, budgets: Sequence[Budget] = ()) -> Sequence[Balance]:
        """Write an open entry and hold its `reserved` money back, if every budget has as much left.

        Atomic: concurrent reservations never exceed a budget together. Returns how the budgets stand
        then. Raises BudgetExceeded, and nothing is written. Reserving an entry that is there
        changes nothing; one that comes with its settlement is written settled.
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


class FeedbackStore(Protocol):
    """What users said of replies."""

    async def add(self, feedback: Feedback, scope: Scope = EVERYWHERE) -> None:
        """Store it with its entry. Raises NotFound where there is no such entry in the scope."""


class EvidenceStore(Protocol):
    """What is known of how well answers did. Every method raises LedgerUnavailable."""

    async def add_signals(self, signals: Sequence[Signals]) -> None:
        """Keep them with their entries; parts that are there already are replaced, name by name."""

    async def observed(self, *, organisation: str | None = None, limit: int) -> Sequence[Observed]:
        """The newest `limit` answers that a signal or a rating is known of, the oldest first.

        Settled ones with features only; of one organisation or of all.
        """

    async def evidence_stamp(self) -> str:
        """What is another whenever a signal or a rating has come, also to another gateway."""


class VersionStore(Protocol):
    """What was learned, and what happened to it. Every method raises LedgerUnavailable."""

    async def versions(self, *, organisation: str | None = None) -> Sequence[Version]:
        """The oldest first; of one organisation or of all."""

    async def add_version(self, version: Version) -> None:
        """Keep it. One that is there already is not changed."""

    async def add_change(self, change: Change) -> None:
        """Keep it; where it names a version, that is in force for its organisation from now on."""

    async def changes(
        self, *, organisation: str | None = None, limit: int = 100
    ) -> Sequence[Change]:
        """The newest first."""

    async def in_force(self) -> Mapping[str, str]:
        """By organisation, the version that the last change named."""


class ExperimentStore(Protocol):
    """Comparisons on a share of the traffic. Every method raises LedgerUnavailable."""

    async def put_experiment(self, experiment: Experiment) -> None:
        """Keep it, in place of what was there for its id."""

    async def experiments(self, *, organisation: str | None = None) -> Sequence[Experiment]:
        """The oldest first."""

    async def taken_part(self, experiment: str) -> Sequence[Observed]:
        """Every settled request that took part, the oldest first; with signals or without."""


class CacheStore(Protocol):
    """Cached replies, one per exact identity. Every method raises CacheUnavailable."""

    async def get(self, key: str, now: datetime) -> CachedReply | None:
        """The reply for an exact identity; None where there is none, or none any more."""

    async def put(self, reply: CachedReply) -> None:
        """Keep it, in place of what was there for its key. The least valuable go where room ends."""

    async def used(self, reply_id: str, now: datetime) -> None:
        """It was given out: that makes it worth more."""

    async def remove(self, which: Selection) -> int:
        """Forget; returns how many."""

    async def list(
        self, which: Selection, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> Listing:
        """The newest first, expired ones that are still there included.

        `after` says when one was stored and its id: only those older than it are listed, all that
        are selected are counted.
        """


class VectorIndex(Protocol):
    """Finds cached replies by what their prompts mean."""

    async def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """False where nothing near can be there, told cheaply by the hashes of a prompt's words.

        Adapters that can't tell say True.
        """

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> Sequence[Near]:
        """The nearest of a partition that have not expired, the nearest first.

        Raises CacheUnavailable.
        """


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """Name and version: vectors of different ones never meet."""

    @property
    def window(self) -> int:
        """Word pieces that it reads; longer texts are not embedded."""

    async def embed(self, text: str) -> Vector | None:
        """The text's embedding; None where it can't be had.

        It is longer than the window, has words that the embedder does not know, or too many wait.
        Raises CacheUnavailable.
        """

    async def align(self, a: str, b: str) -> Alignment | None:
        """How two texts fit piece by piece; None where this embedder can't tell."""


class CheckStore(Protocol):
    """What was found when semantic hits were checked."""

    async def add_check(self, check: Check) -> None:
        """Keep it."""

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """The oldest first; of one route or of all."""

    async def forget_checks(self, route: str) -> int:
        """Let a route begin anew; returns how many are forgotten."""


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
