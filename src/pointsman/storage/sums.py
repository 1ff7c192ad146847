"""Reports, added up from parts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from pointsman.storage.filters import day_of
from pointsman.storage.rows import is_escalated, is_verified
from pointsman.storage.schema import rounded
from pointsman.types import (
    CacheState,
    Dimension,
    Entry,
    Measure,
    Outcome,
    RatingRow,
    ReportRow,
    Settlement,
    Usage,
)

_Part: TypeAlias = date | str | None
_ZERO = Decimal(0)
_NONE = Usage()


def report(parts: Iterable[ReportRow], by: Sequence[Dimension]) -> Sequence[ReportRow]:
    """One row for each group, ordered by the dimensions; what is none comes first."""
    rows: dict[tuple[_Part, ...], ReportRow] = {}
    for part in parts:
        if part.requests:
            group = tuple(getattr(part, name) for name in by)
            rows[group] = _plus(rows[group], part) if group in rows else part
    return [rows[group] for group in sorted(rows, key=_none_first)]


def ratings(rows: Iterable[RatingRow]) -> Sequence[RatingRow]:
    """The rows in their order: by deployment, tier and state of the cache, none first."""
    return sorted(rows, key=lambda row: _none_first((row.deployment, row.served_tier, row.cache)))


def of_entry(entry: Entry, by: Sequence[Dimension]) -> ReportRow:
    """What one entry adds to a report by these dimensions."""
    settled = entry.settlement
    day = day_of(entry.time) if "day" in by else None
    organisation = entry.principal.organisation if "organisation" in by else None
    key = entry.principal.key if "key" in by else None
    outcome: Outcome | None = entry.outcome if "outcome" in by else None
    cache: CacheState | None = entry.lookup.state if "cache" in by else None
    if settled is None:
        return ReportRow(1, day, organisation, key, outcome=outcome, cache=cache)
    usage = settled.usage or _NONE
    cost, baseline = _known(settled.cost), _known(settled.baseline_cost)
    compared = cost is not None and baseline is not None
    completed = settled.outcome == "completed"
    return ReportRow(
        1,
        day,
        organisation,
        key,
        settled.deployment if "deployment" in by else None,
        settled.served_tier if "served_tier" in by else None,
        outcome,
        cache,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        written_tokens=usage.written_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost=cost or _ZERO,
        overhead=(_known(settled.overhead) or _ZERO) if cost is not None else _ZERO,
        baseline_cost=baseline if baseline is not None and compared else _ZERO,
        saved=baseline - cost if baseline is not None and cost is not None else _ZERO,
        compared=int(compared),
        unpriced=int(settled.usage is not None and cost is None),
        estimated=int(usage.estimated),
        estimated_cost=cost if usage.estimated and cost is not None else _ZERO,
        verified=int(is_verified(settled)),
        escalated=int(is_escalated(settled)),
        latency_ms=settled.latency_ms if completed else 0.0,
        completed=int(completed),
    )


def measure(entry: Entry, settled: Settlement) -> Measure:
    """What one settled entry says in figures."""
    return Measure(
        time=entry.time,
        deployment=settled.deployment,
        tier=entry.decision.tier,
        served_tier=settled.served_tier,
        outcome=settled.outcome,
        cache=entry.lookup.state,
        score=entry.decision.score,
        scorer=entry.decision.scorer,
        latency_ms=settled.latency_ms,
        ttft_ms=settled.ttft_ms,
        output_tokens=settled.usage.output_tokens if settled.usage else None,
        error=settled.error,
    )


def _none_first(group: Sequence[_Part]) -> list[tuple[bool, _Part]]:
    return [(each is not None, each or "") for each in group]


def _known(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else rounded(amount)


def _plus(a: ReportRow, b: ReportRow) -> ReportRow:
    """Two rows of the same group in one."""
    return ReportRow(
        a.requests + b.requests,
        a.day,
        a.organisation,
        a.key,
        a.deployment,
        a.served_tier,
        a.outcome,
        a.cache,
        input_tokens=a.input_tokens + b.input_tokens,
        output_tokens=a.output_tokens + b.output_tokens,
        cached_tokens=a.cached_tokens + b.cached_tokens,
        written_tokens=a.written_tokens + b.written_tokens,
        reasoning_tokens=a.reasoning_tokens + b.reasoning_tokens,
        cost=a.cost + b.cost,
        overhead=a.overhead + b.overhead,
        baseline_cost=a.baseline_cost + b.baseline_cost,
        saved=a.saved + b.saved,
        compared=a.compared + b.compared,
        unpriced=a.unpriced + b.unpriced,
        estimated=a.estimated + b.estimated,
        estimated_cost=a.estimated_cost + b.estimated_cost,
        verified=a.verified + b.verified,
        escalated=a.escalated + b.escalated,
        latency_ms=a.latency_ms + b.latency_ms,
        completed=a.completed + b.completed,
    )
