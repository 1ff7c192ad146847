"""Synthetic entries for `bench.books`, and what they must add up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from pointsman.types import (
    Attempt,
    CacheState,
    Decision,
    Dropped,
    Entry,
    Lookup,
    Outcome,
    Plan,
    PlannedAttempt,
    Principal,
    Score,
    Settlement,
    Target,
    Usage,
    Verdict,
)

DAYS = 90
ORGANISATIONS = 5
KEYS = 40
USERS = 200
#: Tier, US dollars per million input and output tokens; None is unknown.
DEPLOYMENTS: dict[str, tuple[str, tuple[str, str] | None]] = {
    "llama": ("simple", ("0", "0")),
    "qwen": ("simple", ("0", "0")),
    "haiku": ("medium", ("1", "5")),
    "flash": ("medium", ("0.3", "2.5")),
    "opus": ("complex", ("5", "25")),
    "new-model": ("complex", None),
}
BASELINE = (Decimal(5), Decimal(25))
_SHARES = (30, 20, 22, 16, 10, 2)
_OUTCOMES: dict[Outcome, float] = {
    "completed": 93, "client_left": 3, "failed": 2, "refused": 1, "interrupted": 1,
}  # fmt: skip
_STATES: dict[CacheState, float] = {"miss": 60, "bypass": 28, "exact": 8, "semantic": 4}
_MILLION = Decimal(1_000_000)
#: Of all entries: tokens counted by us; a draft beside the answer; a verifier's look.
_ESTIMATED, _WITH_DRAFT, _VERIFIED, _NAMED_USER = 0.04, 0.05, 0.2, 0.3


@dataclass
class Sums:
    """What some entries add up to."""

    requests: int = 0
    cost: Decimal = Decimal(0)
    overhead: Decimal = Decimal(0)
    baseline_cost: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    compared: int = 0
    unpriced: int = 0
    estimated: int = 0

    def add(self, entry: Entry) -> None:
        """One more."""
        self.requests += 1
        settled = entry.settlement
        if settled is None:
            return
        self.estimated += bool(settled.usage and settled.usage.estimated)
        self.unpriced += settled.usage is not None and settled.cost is None
        self.cost += settled.cost or 0
        self.overhead += (settled.overhead or 0) if settled.cost is not None else 0
        if settled.saved is not None:
            self.compared += 1
            self.baseline_cost += settled.baseline_cost or 0
            self.saved += settled.saved


@dataclass
class Truth:
    """The sums of all entries, kept beside the books."""

    total: Sums = field(default_factory=Sums)
    day: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    key: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    tier: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    organisation: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))

    def add(self, entry: Entry) -> None:
        """One more."""
        day = entry.time.astimezone(UTC).date().isoformat()
        tier = (entry.settlement and entry.settlement.served_tier) or "none"
        who = entry.principal
        sums = (
            self.day[day],
            self.key[who.key],
            self.tier[tier],
            self.organisation[who.organisation],
        )
        for each in (self.total, *sums):
            each.add(entry)


def entries(count: int, until: datetime) -> Iterator[Entry]:
    """That many over the days before `until`, the oldest first; the same each time but for that."""
    draw = Random(1)  # noqa: S311
    keys = [(f"org-{number % ORGANISATIONS}", f"pm_key{number:05}") for number in range(KEYS)]
    weights = [1 / (place + 1) for place in range(KEYS)]  # few keys ask for most
    first = until - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / count
    for number in range(count):
        organisation, key = draw.choices(keys, weights)[0]
        user = f"user-{draw.randrange(USERS)}" if draw.random() < _NAMED_USER else None
        cache = draw.choices(list(_STATES), list(_STATES.values()))[0]
        yield Entry(
            request_id=f"req_{number:032x}",
            time=first + step * number,
            principal=Principal(organisation=organisation, key=key, user=user),
            model_asked="auto" if draw.random() < 0.8 else "simple",
            stream=draw.random() < 0.6,
            decision=_DECISION,
            lookup=Lookup(cache),
            settlement=_settlement(draw, cache),
        )


def _settlement(draw: Random, cache: CacheState) -> Settlement:
    outcome = draw.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
    if outcome in {"failed", "refused"}:
        return Settlement(outcome, error="the upstream said 500", latency_ms=draw.uniform(5, 900))
    deployment = draw.choices(list(DEPLOYMENTS), _SHARES)[0]
    tier, rates = DEPLOYMENTS[deployment]
    usage = Usage(
        draw.randrange(20, 6000), draw.randrange(1, 900), estimated=draw.random() < _ESTIMATED
    )
    attempts = [Attempt(deployment, tier, outcome, 200, latency_ms=400.0)]
    if draw.random() < _VERIFIED:
        verdict = Verdict(accepted=draw.random() < 0.7, probability=0.8, bound=0.7)
        attempts[0] = Attempt(deployment, tier, outcome, 200, latency_ms=400.0, verdict=verdict)
    cost = None if rates is None else _price(usage, Decimal(rates[0]), Decimal(rates[1]))
    overhead = Decimal(draw.randrange(10**6)) / 10**9 if draw.random() < _WITH_DRAFT else Decimal(0)
    if cache in {"exact", "semantic"}:
        cost, overhead = Decimal(0), Decimal(0)
    return Settlement(
        outcome,
        tuple(attempts),
        tier,
        deployment,
        usage=usage,
        cost=None if cost is None else cost + overhead,
        overhead=overhead,
        baseline_cost=_price(usage, *BASELINE),
        latency_ms=draw.uniform(50, 4000),
        ttft_ms=draw.uniform(20, 900),
    )


def _price(usage: Usage, input_: Decimal, output: Decimal) -> Decimal:
    return (usage.input_tokens * input_ + usage.output_tokens * output) / _MILLION


_DECISION = Decision(
    tier="simple",
    target=Target("auto", "auto"),
    scored=Score(
        23.5,
        {"length": 2.5, "code": 10.0, "steps": 7.25, "domain": 3.75},
        scorer="learned",
        version="3",
        dimensions={"reasoning_depth": 0.2, "domain_specificity": 0.4, "output_sensitivity": 0.1},
        domain="coding",
        suffices=(0.81, 0.9, 0.96),
        reply_tokens=240,
    ),
    plan=Plan(
        tuple(
            PlannedAttempt(name, tier, "by tier, then cost")
            for name, (tier, _) in DEPLOYMENTS.items()
        ),
        (Dropped("local-vision", "capability", "it can't call tools"),),
    ),
    reasoning="score 23.5: the simple tier suffices",
    estimated_cost_usd=Decimal("0.000123"),
    bounds={"medium": 30.0, "complex": 60.0},
)
