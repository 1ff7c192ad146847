"""What is written into the books."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from pointsman.types.batches import RowAnswer
from pointsman.types.caching import NOT_LOOKED_UP, CacheState, Lookup
from pointsman.types.decisions import Decision, Verdict
from pointsman.types.requests import Principal
from pointsman.types.words import Outcome, Purpose


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one reply. `input_tokens` is the total, cached ones included."""

    input_tokens: int = 0
    output_tokens: int = 0
    #: Input tokens that were read from the provider's prompt cache.
    cached_tokens: int = 0
    #: Input tokens that were written to it.
    written_tokens: int = 0
    #: Output tokens that were thought and not said.
    reasoning_tokens: int = 0
    #: Counted by us because the upstream did not say.
    estimated: bool = False
    #: US dollars, where the upstream says what it cost.
    stated_cost: Decimal | None = None
    #: Of `written_tokens`: those that stay there for an hour instead of minutes.
    written_1h_tokens: int = 0
    #: Of the input and of the output: what was no text.
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    #: Searches in the web that the provider made and charges for.
    searches: int = 0
    #: What the upstream says of how it was served, where that changes the price: `batch`, `flex`, ...
    service: tuple[str, ...] = ()


class Attempt(msgspec.Struct, frozen=True):
    """One call of one deployment, as it went."""

    deployment: str
    tier: str
    outcome: Outcome
    #: HTTP status of the upstream; None where it never answered.
    status: int | None = None
    error: str | None = None
    latency_ms: float = 0.0
    #: Of these: until it had a slot, for which no deployment is paid.
    queued_ms: float = 0.0
    #: The model that the upstream says it served, where that is not the one that was asked for.
    served_model: str | None = None
    #: Names of what the client sent and the upstream was not told.
    left_out: tuple[str, ...] = ()
    purpose: Purpose = "answer"
    #: What it used, where that is not the answer's: the entry has the answer's usage. Of no tokens
    #: where it used nothing but the time of a deployment that is paid by it.
    usage: Usage | None = None
    #: US dollars for that usage; None where there is none or the price is unknown.
    cost: Decimal | None = None
    #: What the verifier said of it; None where nobody looked.
    verdict: Verdict | None = None
    #: The request went to the deployment's server; not where there was no slot, or no connection.
    sent: bool = True

    @property
    def occupied_s(self) -> float:
        """Seconds for which it occupied the deployment."""
        return (self.latency_ms - self.queued_ms) / 1000 if self.sent else 0.0


class Settlement(msgspec.Struct, frozen=True):
    """How an admitted request ended; written once."""

    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    served_tier: str | None = None
    deployment: str | None = None
    reason: str = ""
    #: Of the answer.
    usage: Usage | None = None
    #: US dollars, drafts and judge included; None where a price is unknown.
    cost: Decimal | None = None
    #: US dollars of `cost` that were no answer: drafts, samples, judge, embeddings, what failed.
    overhead: Decimal | None = None
    baseline_cost: Decimal | None = None
    latency_ms: float = 0.0
    #: Time to the first byte for the client; None where none was sent.
    ttft_ms: float | None = None
    error: str | None = None
    #: Of a batch's row: what is kept as its answer, where the entry was open until then.
    answer: RowAnswer | None = None

    @property
    def saved(self) -> Decimal | None:
        """US dollars less than the baseline; None where either price is unknown."""
        if self.cost is None or self.baseline_cost is None:
            return None
        return self.baseline_cost - self.cost


class Progress(msgspec.Struct, frozen=True):
    """How far a stream has come: all that is known of it if the gateway dies now."""

    deployment: str
    served_tier: str
    #: Estimated, as long as the upstream has not said.
    usage: Usage
    #: US dollars, with what was called on the way; None where a price is unknown.
    cost: Decimal | None
    #: US dollars of `cost` that were no answer, as in `Settlement`.
    overhead: Decimal | None = None


class Feedback(msgspec.Struct, frozen=True):
    """What a user said of a reply."""

    request_id: str
    time: datetime
    #: -1 (bad) to 1 (good); None for a comment alone.
    rating: float | None = None
    comment: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """The ledger's row for one request. `settlement` is None while it is open."""

    request_id: str
    time: datetime
    principal: Principal
    model_asked: str
    stream: bool
    decision: Decision
    client_request_id: str | None = None
    lookup: Lookup = NOT_LOOKED_UP
    #: US dollars that are held back for it while it is open.
    reserved: Decimal = Decimal(0)
    settlement: Settlement | None = None
    feedback: tuple[Feedback, ...] = ()

    @property
    def is_given(self) -> bool:
        """Its reply was made for another request, which has its cost."""
        return self.lookup.state in {"exact", "semantic"}

    @property
    def outcome(self) -> Outcome:
        """How it ended; `open` until it is settled."""
        return self.settlement.outcome if self.settlement else "open"


#: What sums may be grouped by; `day` is a date in UTC.
Dimension: TypeAlias = Literal[
    "day", "organisation", "key", "deployment", "served_tier", "outcome", "cache"
]
#: What a report is grouped by where nobody says.
DIMENSIONS: tuple[Dimension, ...] = ("deployment", "served_tier", "outcome", "cache")


class Filter(msgspec.Struct, frozen=True):
    """Which entries; None is all."""

    #: Not before, by the time when a request was admitted.
    since: datetime | None = None
    #: Before.
    until: datetime | None = None
    organisation: str | None = None
    key: str | None = None
    user: str | None = None
    deployment: str | None = None
    served_tier: str | None = None
    outcome: Outcome | None = None
    cache: CacheState | None = None
    model_asked: str | None = None

    def fits(self, entry: Entry) -> bool:
        """Whether it is one of those. What is open has no answer yet, so no deployment either."""
        who, settled = entry.principal, entry.settlement
        wanted = (
            (self.organisation, who.organisation),
            (self.key, who.key),
            (self.user, who.user),
            (self.deployment, settled and settled.deployment),
            (self.served_tier, settled and settled.served_tier),
            (self.outcome, entry.outcome),
            (self.cache, entry.lookup.state),
            (self.model_asked, entry.model_asked),
        )
        return (
            all(value is None or value == found for value, found in wanted)
            and (self.since is None or self.since <= entry.time)
            and (self.until is None or entry.time < self.until)
        )


#: No condition at all.
ALL_ENTRIES = Filter()


class ReportRow(msgspec.Struct, frozen=True):
    """Sums over some entries. What they are not grouped by is None."""

    requests: int
    day: date | None = None
    organisation: str | None = None
    key: str | None = None
    deployment: str | None = None
    served_tier: str | None = None
    outcome: Outcome | None = None
    cache: CacheState | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0
    reasoning_tokens: int = 0
    #: US dollars, over the entries whose price is known.
    cost: Decimal = Decimal(0)
    #: Of `cost`: drafts, samples, judge, embeddings, what failed.
    overhead: Decimal = Decimal(0)
    #: US dollars, over the entries where cost and baseline are both known.
    baseline_cost: Decimal = Decimal(0)
    #: `baseline_cost` less what those entries cost.
    saved: Decimal = Decimal(0)
    #: Entries in `baseline_cost` and `saved`.
    compared: int = 0
    #: Entries with usage whose price is unknown: in no sum of money.
    unpriced: int = 0
    #: Entries whose tokens are counted by us, and what they cost.
    estimated: int = 0
    estimated_cost: Decimal = Decimal(0)
    #: Answers that a verifier looked at first, and those that went to a better model.
    verified: int = 0
    escalated: int = 0
    #: Milliseconds, summed over the entries that completed.
    latency_ms: float = 0.0
    #: Entries in `latency_ms`.
    completed: int = 0

    @property
    def found(self) -> CacheState | None:
        """What the cache had: nothing, where the call failed that the request was to share."""
        is_hit = self.cache in {"exact", "semantic"}
        return "miss" if is_hit and self.outcome in FAILED else self.cache

    @property
    def is_hit(self) -> bool:
        """The cache answered."""
        return self.found in {"exact", "semantic"}


#: How a request ended, for charts: a deployment answered or the cache did; or nobody, though the
#: client waited.
Ending: TypeAlias = Literal["open", "answered", "cached", "failed"]
#: Ends without a whole answer for a client that waited.
FAILED: frozenset[Outcome] = frozenset({"failed", "interrupted", "refused"})


class SeriesRow(msgspec.Struct, frozen=True):
    """Sums over entries of one step of time that ended alike; they are as in `ReportRow`."""

    #: When the step begins.
    time: datetime
    end: Ending
    #: Who answered; None where nobody did, or the cache.
    deployment: str | None = None
    requests: int = 0
    cost: Decimal = Decimal(0)
    baseline_cost: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Measure(msgspec.Struct, frozen=True):
    """What one settled entry says in figures, for distributions."""

    time: datetime
    deployment: str | None
    #: That was decided, and that answered.
    tier: str
    served_tier: str | None
    outcome: Outcome
    cache: CacheState
    score: float
    #: The scorer's name and version: scores of two can't be compared.
    scorer: str
    #: None where the gateway died on the way.
    latency_ms: float | None
    #: None where nothing was sent to the client.
    ttft_ms: float | None
    #: None where there is no usage.
    output_tokens: int | None
    error: str | None


class RatingRow(msgspec.Struct, frozen=True):
    """What users said of one deployment's replies."""

    deployment: str | None
    served_tier: str | None
    cache: CacheState
    #: Ratings above zero, below it, and at it.
    good: int
    bad: int
    neutral: int
    #: Of all ratings, -1 to 1.
    mean: float


class StoredPrompt(msgspec.Struct, frozen=True):
    """What was asked and answered, redacted; kept only where somebody turned that on."""

    request_id: str
    time: datetime
    organisation: str
    key: str
    #: The turns as JSON, secrets and personal data replaced.
    prompt: str
    #: None where there was no answer.
    reply: str | None
    #: Kinds of what was replaced.
    redacted: tuple[str, ...] = ()
