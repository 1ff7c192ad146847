"""Entries as the books hold them, made by hand."""

from datetime import UTC, datetime
from decimal import Decimal

from pointsman.types import (
    CacheState,
    Decision,
    Entry,
    Lookup,
    Outcome,
    Plan,
    Principal,
    Score,
    Settlement,
    Target,
    Usage,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

DECISION = Decision(
    tier="simple",
    target=Target("auto", "auto"),
    scored=Score(12.5, {"length": 12.5}, scorer="learned", version="3", domain="coding"),
    plan=Plan((), ()),
    reasoning="score 12.5: the simple tier suffices",
)


def entry(
    request_id: str = "r1",
    time: datetime = NOON,
    *,
    organisation: str = "acme",
    key: str = "k1",
    user: str | None = None,
    model_asked: str = "auto",
    deployment: str | None = "small",
    tier: str | None = "simple",
    outcome: Outcome = "completed",
    cache: CacheState = "miss",
    tokens: tuple[int, int] | None = (100, 20),
    estimated: bool = False,
    cost: str | None = "0.000012",
    overhead: str | None = None,
    baseline: str | None = "0.0006",
    latency_ms: float = 250.0,
) -> Entry:
    """A settled entry, or an open one where `outcome` is `open`."""
    usage = None if tokens is None else Usage(*tokens, estimated=estimated)
    settlement = Settlement(
        outcome=outcome,
        served_tier=tier,
        deployment=deployment,
        reason=DECISION.reasoning,
        usage=usage,
        cost=_dollars(cost),
        overhead=_dollars(overhead),
        baseline_cost=_dollars(baseline),
        latency_ms=latency_ms,
    )
    return Entry(
        request_id=request_id,
        time=time,
        principal=Principal(organisation=organisation, key=key, user=user),
        model_asked=model_asked,
        stream=False,
        decision=DECISION,
        lookup=Lookup(cache),
        settlement=None if outcome == "open" else settlement,
    )


def _dollars(amount: str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)
