"""Outcomes for learning: what is known of requests, made short."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pointsman.types import Evidence, Informed, Observed

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def observed(
    place: int = 0,
    *,
    ratings: tuple[float, ...] = (),
    signals: Mapping[str, float] | None = None,
    tier: str = "simple",
    served: str | None = None,
    chances: Mapping[str, float] | None = None,
) -> Observed:
    """The request at this minute after noon; served by the tier that was decided."""
    return Observed(
        request_id=f"req_{place:05}",
        time=NOON + timedelta(minutes=place),
        organisation="acme",
        tier=tier,
        served_tier=tier if served is None else served,
        deployment="small",
        outcome="completed",
        score=20.0,
        domain="general",
        informed=Informed(cold=20.0, propensities=chances or {}),
        cost=Decimal("0.01"),
        latency_ms=100.0,
        signals=signals or {},
        ratings=ratings,
    )


def evidence(
    place: int,
    tier: str,
    quality: float,
    *,
    chances: Mapping[str, float] | None = None,
    features: str = "",
    cold: float = 20.0,
    cost: str | None = "0.01",
    trust: float = 1.0,
    domain: str = "general",
) -> Evidence:
    """The outcome at this minute after noon."""
    return Evidence(
        request_id=f"req_{place:05}",
        time=NOON + timedelta(minutes=place),
        tier=tier,
        features=features,
        cold=cold,
        quality=quality,
        trust=trust,
        domain=domain,
        cost=None if cost is None else Decimal(cost),
        propensity=(chances or {}).get(tier),
        propensities=chances or {},
    )
