"""What is written into the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pointsman.types.caching import NOT_LOOKED_UP, CacheState, Lookup
from pointsman.types.decisions import Decision, Verdict
from pointsman.types.requests import Principal
from pointsman.types.words import Outcome, Purpose


@dataclass(frozen=True, slots=True)
class Usage:
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of one deployment, as it went."""

    deployment: str
    tier: str
    outcome: Outcome
    #: HTTP status of the upstream; None where it never answered.
    status: int | None = None
    error: str | None = None
    latency_ms: float = 0.0
    #: The model that the upstream says it served, where that is not the one that was asked for.
    served_model: str | None = None
    #: Names of what the client sent and the upstream was not told.
    left_out: tuple[str, ...] = ()
    purpose: Purpose = "answer"
    #: What it used, where that is not the answer's: the entry has the answer's usage.
    usage: Usage | None = None
    #: US dollars for that usage; None where there is none or the price is unknown.
    cost: Decimal | None = None
    #: What the verifier said of it; None where nobody looked.
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
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
    baseline_cost: Decimal | None = None
    latency_ms: float = 0.0
    #: Time to the first byte for the client; None where none was sent.
    ttft_ms: float | None = None
    error: str | None = None

    @property
    def saved(self) -> Decimal | None:
        """US dollars less than the baseline; None where either price is unknown."""
        if self.cost is None or self.baseline_cost is None:
            return None
        return self.baseline_cost - self.cost


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user said of a reply."""

    request_id: str
    time: datetime
    #: -1 (bad) to 1 (good); None for a comment alone.
    rating: float | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's row for one request. `settlement` is None while it is open."""

    request_id: str
    time: datetime
    principal: Principal
    model_asked: str
    stream: bool
    decision: Decision
    client_request_id: str | None = None
    lookup: Lookup = NOT_LOOKED_UP
    settlement: Settlement | None = None
    feedback: tuple[Feedback, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """How it ended; `open` until it is settled."""
        return self.settlement.outcome if self.settlement else "open"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Sums over the entries of one deployment, outcome and state of the cache."""

    deployment: str | None
    served_tier: str | None
    outcome: Outcome
    requests: int
    input_tokens: int
    output_tokens: int
    #: Over the entries whose price is known.
    cost: Decimal
    #: `baseline_cost - cost` over the entries where both are known.
    saved: Decimal
    #: Entries with usage whose price is unknown: in no sum.
    unpriced: int
    #: What the cache said of them.
    cache: CacheState = "bypass"
