"""Entry <-> row. Pure: the driver's own values are the business of `schema`'s types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, TypedDict

import msgspec

from pointsman.types import (
    NOT_LOOKED_UP,
    Attempt,
    CacheState,
    Check,
    Decision,
    Entry,
    Feedback,
    Lookup,
    Outcome,
    Principal,
    Progress,
    Settlement,
    Usage,
)

_encode = msgspec.json.Encoder().encode
_decision = msgspec.json.Decoder(Decision)
_lookup = msgspec.json.Decoder(Lookup)
_attempts = msgspec.json.Decoder(tuple[Attempt, ...])


class UsageDetails(TypedDict, total=False):
    """What `usage_details` holds: of the last members of `Usage` those that are not as always."""

    written_1h_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_input_tokens: int
    image_output_tokens: int
    searches: int
    service: tuple[str, ...]


_usage_details = msgspec.json.Decoder(UsageDetails)


class SettlementRow(TypedDict):
    """The columns that `settle` writes. All but the outcome are None while it is `open`."""

    outcome: Outcome
    attempts: str | None
    served_tier: str | None
    deployment: str | None
    reason: str | None
    error: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    written_tokens: int | None
    reasoning_tokens: int | None
    usage_estimated: bool | None
    stated_cost: Decimal | None
    usage_details: str | None
    cost: Decimal | None
    overhead: Decimal | None
    baseline_cost: Decimal | None
    verified: bool | None
    escalated: bool | None
    latency_ms: float | None
    ttft_ms: float | None
    settled_at: datetime | None


class MarkRow(TypedDict):
    """The columns that `mark` writes."""

    deployment: str
    served_tier: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    written_tokens: int
    reasoning_tokens: int
    usage_estimated: bool
    stated_cost: Decimal | None
    usage_details: str | None
    cost: Decimal | None
    overhead: Decimal | None


class EntryRow(SettlementRow):
    """One row of `entries`."""

    request_id: str
    client_request_id: str | None
    time: datetime
    organisation: str
    key: str
    user: str | None
    model_asked: str
    stream: bool
    decision: str
    tier: str
    score: float
    scorer: str
    domain: str
    cache: CacheState
    lookup: str | None
    reserved: Decimal
    gateway: str | None


class CheckRow(TypedDict):
    """One row of `cache_checks`, without its number."""

    request_id: str
    time: datetime
    organisation: str
    route: str
    reply_id: str
    similarity: float
    probability: float
    false: bool
    by: Literal["embedding", "judge", "both", "feedback"]
    decider: str


#: The columns of `Measure`, in its order.
MeasureRow: TypeAlias = tuple[
    datetime,
    str | None,
    str,
    str | None,
    Outcome,
    CacheState,
    float,
    str,
    float | None,
    float | None,
    int | None,
    str | None,
]


class FeedbackRow(TypedDict):
    """One row of `feedback`, without its number."""

    request_id: str
    time: datetime
    rating: float | None
    comment: str | None


def entry_row(entry: Entry, settled_at: datetime, gateway: str | None = None) -> EntryRow:
    """The entry as a row, without its feedback.

    `settled_at` is when it was settled; it is not used for an open entry. `gateway` is the process
    that has it, where several share the books.
    """
    decision = entry.decision
    return {
        "request_id": entry.request_id,
        "client_request_id": entry.client_request_id,
        "time": entry.time,
        "organisation": entry.principal.organisation,
        "key": entry.principal.key,
        "user": entry.principal.user,
        "model_asked": entry.model_asked,
        "stream": entry.stream,
        "decision": _encode(decision).decode(),
        "tier": decision.tier,
        "score": decision.score,
        "scorer": decision.scorer,
        "domain": decision.domain,
        "cache": entry.lookup.state,
        "lookup": None if entry.lookup == NOT_LOOKED_UP else _encode(entry.lookup).decode(),
        "reserved": entry.reserved,
        "gateway": gateway,
        **(settlement_row(entry.settlement, settled_at) if entry.settlement else _OPEN),
    }


def settlement_row(settlement: Settlement, settled_at: datetime) -> SettlementRow:
    """The columns that close an entry."""
    usage = settlement.usage
    return {
        "outcome": settlement.outcome,
        "attempts": _encode(settlement.attempts).decode(),
        "served_tier": settlement.served_tier,
        "deployment": settlement.deployment,
        "reason": settlement.reason,
        "error": settlement.error,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "written_tokens": usage.written_tokens if usage else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else None,
        "usage_estimated": usage.estimated if usage else None,
        "stated_cost": usage.stated_cost if usage else None,
        "usage_details": _details(usage) if usage else None,
        "cost": settlement.cost,
        "overhead": settlement.overhead,
        "baseline_cost": settlement.baseline_cost,
        "verified": is_verified(settlement),
        "escalated": is_escalated(settlement),
        "latency_ms": settlement.latency_ms,
        "ttft_ms": settlement.ttft_ms,
        "settled_at": settled_at,
    }


def is_verified(settlement: Settlement) -> bool:
    """A verifier looked at the first answer."""
    return any(attempt.verdict is not None for attempt in settlement.attempts)


def is_escalated(settlement: Settlement) -> bool:
    """It looked, and a better model's answer was given out."""
    return any(
        attempt.verdict is not None and attempt.purpose == "draft"
        for attempt in settlement.attempts
    )


def mark_row(progress: Progress) -> MarkRow:
    """The columns that say how far an open entry has come."""
    usage = progress.usage
    return {
        "deployment": progress.deployment,
        "served_tier": progress.served_tier,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "written_tokens": usage.written_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "usage_estimated": usage.estimated,
        "stated_cost": usage.stated_cost,
        "usage_details": _details(usage),
        "cost": progress.cost,
        "overhead": progress.overhead,
    }


def feedback_row(feedback: Feedback) -> FeedbackRow:
    """The feedback as a row."""
    return {
        "request_id": feedback.request_id,
        "time": feedback.time,
        "rating": feedback.rating,
        "comment": feedback.comment,
    }


def check_row(check: Check) -> CheckRow:
    """The check as a row."""
    return {
        "request_id": check.request_id,
        "time": check.time,
        "organisation": check.organisation,
        "route": check.route,
        "reply_id": check.reply_id,
        "similarity": check.similarity,
        "probability": check.probability,
        "false": check.false,
        "by": check.by,
        "decider": check.decider,
    }


def read_entry(row: EntryRow, feedback: Iterable[FeedbackRow] = ()) -> Entry:
    """The entry that `entry_row` wrote, with its feedback in the order given."""
    return Entry(
        request_id=row["request_id"],
        client_request_id=row["client_request_id"],
        time=row["time"],
        principal=Principal(row["organisation"], row["key"], row["user"]),
        model_asked=row["model_asked"],
        stream=row["stream"],
        decision=_decision.decode(row["decision"]),
        lookup=NOT_LOOKED_UP if row["lookup"] is None else _lookup.decode(row["lookup"]),
        reserved=row["reserved"],
        settlement=None if row["outcome"] == "open" else _read_settlement(row),
        feedback=tuple(Feedback(**said) for said in feedback),
    )


def _read_settlement(row: SettlementRow) -> Settlement:
    return Settlement(
        outcome=row["outcome"],
        attempts=_attempts.decode(row["attempts"] or "[]"),
        served_tier=row["served_tier"],
        deployment=row["deployment"],
        reason=row["reason"] or "",
        usage=_read_usage(row),
        cost=row["cost"],
        overhead=row["overhead"],
        baseline_cost=row["baseline_cost"],
        latency_ms=row["latency_ms"] or 0.0,
        ttft_ms=row["ttft_ms"],
        error=row["error"],
    )


def _read_usage(row: SettlementRow) -> Usage | None:
    if row["input_tokens"] is None:
        return None
    return Usage(
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"] or 0,
        cached_tokens=row["cached_tokens"] or 0,
        written_tokens=row["written_tokens"] or 0,
        reasoning_tokens=row["reasoning_tokens"] or 0,
        estimated=bool(row["usage_estimated"]),
        stated_cost=row["stated_cost"],
        **_usage_details.decode(row["usage_details"] or "{}"),
    )


def _details(usage: Usage) -> str | None:
    """What seldom is, and has no column of its own; None where none of it is."""
    seldom: UsageDetails = {
        "written_1h_tokens": usage.written_1h_tokens,
        "audio_input_tokens": usage.audio_input_tokens,
        "audio_output_tokens": usage.audio_output_tokens,
        "image_input_tokens": usage.image_input_tokens,
        "image_output_tokens": usage.image_output_tokens,
        "searches": usage.searches,
        "service": usage.service,
    }
    there = {name: value for name, value in seldom.items() if value}
    return _encode(there).decode() if there else None


_OPEN: SettlementRow = {
    "outcome": "open",
    "attempts": None,
    "served_tier": None,
    "deployment": None,
    "reason": None,
    "error": None,
    "input_tokens": None,
    "output_tokens": None,
    "cached_tokens": None,
    "written_tokens": None,
    "reasoning_tokens": None,
    "usage_estimated": None,
    "stated_cost": None,
    "usage_details": None,
    "cost": None,
    "overhead": None,
    "baseline_cost": None,
    "verified": None,
    "escalated": None,
    "latency_ms": None,
    "ttft_ms": None,
    "settled_at": None,
}
