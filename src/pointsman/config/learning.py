"""How it learns from its own traffic, and what that may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from pointsman.config.deployment import Section


class ExploreSettings(Section):
    """Trying another tier now and then, to see how it does."""

    #: Draw one where that may teach something; never below a floor, and never in the middle of a
    #: conversation.
    enabled: bool = True
    #: The share of requests that may be drawn.
    share: float = Field(default=0.05, ge=0, le=0.5)
    #: What draws may cost more, as a share of all that is spent.
    cost: float = Field(default=0.05, ge=0, le=1)


class SignalSettings(Section):
    """What answers tell by themselves."""

    #: Look at answers, and at what users do next: cut off, refused, asked again, ...
    enabled: bool = True


class BlindJudgeSettings(Section):
    """A strong model that compares answers, without knowing whose they are."""

    #: The deployment that judges; none where not given.
    deployment: str | None = None
    #: The share of answers that it is asked about.
    share: float = Field(default=0.0, ge=0, le=1)
    #: US dollars that it may spend in a day, in UTC.
    usd_per_day: Decimal = Field(default=Decimal(1), ge=0)


class LearningSettings(Section):
    """What is learned from outcomes, and when it counts."""

    #: Learn from ratings and signals, and route by what was learned.
    enabled: bool = True
    #: `bandit` moves the score of each request, once that is proven; `rule` moves thresholds, pattern by pattern; `auto` does the latter, for what users call bad alone, until the former is proven.
    kind: Literal["auto", "bandit", "rule"] = "auto"
    #: Seconds between two looks for new outcomes.
    every_s: float = Field(default=60.0, gt=0)
    #: Outcomes, weighted by how far each is to be trusted, before anything that was learned counts.
    least: int = Field(default=50, ge=1)
    #: Outcomes that are learned from, the newest.
    most: int = Field(default=20_000, ge=1)
    explore: ExploreSettings = ExploreSettings()
    signals: SignalSettings = SignalSettings()
    judge: BlindJudgeSettings = BlindJudgeSettings()
