"""How requests are scored, where they go, what may be spent on them, and what stays local."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pointsman.config.books import BudgetSettings, LimitSettings, PromptSettings
from pointsman.config.deployment import Section


class TierFloors(Section):
    """Lowest tiers: by topic (`high_stakes`) and by domain."""

    #: Where legal, medical or financial judgement is asked for: a tier; true is the highest, false
    #: is none.
    high_stakes: str | bool = True
    #: By domain, such as `{ mathematics = "complex" }`.
    domains: dict[str, str] = Field(default_factory=dict)
    #: Refuse where no deployment of the floor's tier can serve, instead of using the best left.
    strict: bool = False


class EscalateSettings(Section):
    """What may be spent on better tiers; one of the three. The scorer's own thresholds without any."""

    #: Lowest score of each tier above the first, or one number for the step into the highest.
    score: float | dict[str, float] | None = None
    #: Shares of the traffic that go to each tier above the first, or one number for the highest;
    #: thresholds follow the traffic.
    share: float | dict[str, float] | None = None
    #: The cheapest tier whose predicted quality is at least this share of the strongest one's.
    quality: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> EscalateSettings:
        stated = [self.score, self.share, self.quality]
        if sum(each is not None for each in stated) != 1:
            raise ValueError("escalate takes one of score, share and quality")
        return self

    def tiers(self) -> frozenset[str]:
        """The tiers that it names."""
        named = self.score if isinstance(self.score, dict) else self.share
        return frozenset(named) if isinstance(named, dict) else frozenset()


class JudgeSettings(Section):
    """A model that rates prompts, where `scorer = "judge"`."""

    #: Who judges: a deployment's id; an embedded one where not given, else any local one.
    deployment: str | None = None
    #: `ratings` of five qualities, or one `label`: SIMPLE, MEDIUM or COMPLEX.
    style: Literal["ratings", "label"] = "ratings"
    #: Seconds until the heuristic scorer stands in.
    deadline_s: float = Field(default=2.0, gt=0)


class VerifySettings(Section):
    """A look at the cheap answer before it is given out."""

    #: `uncertain` looks where the score is close below the next tier's, `always` at every answer of
    #: a tier that is not the highest.
    when: Literal["off", "uncertain", "always"] = "uncertain"
    #: From which probability of being good enough an answer is given out; the verifier's own
    #: where not given.
    bound: float | None = Field(default=None, ge=0, le=1)
    #: Points below the next tier's lowest score within which a score is uncertain; 8 for the
    #: learned scorer, 20 for the others, where not given.
    margin: float | None = Field(default=None, ge=0, le=100)
    #: Streams: `pass` gives them out unseen, `hold` holds their first part back until the verdict.
    stream: Literal["pass", "hold"] = "pass"
    #: Tokens of a stream that are held back.
    hold_tokens: int = Field(default=60, ge=1)
    #: Seconds for which a stream is held back at most.
    hold_s: float = Field(default=2.0, gt=0)
    #: A second sample is drawn where the verdict is this close to its bound; 0 draws none.
    doubt: float = Field(default=0.0, ge=0, le=1)
    #: Seconds until the better answer must have begun, or the draft is given out after all.
    better_s: float = Field(default=60.0, gt=0)


class RoutingSettings(Section):
    """How a tier is chosen and an order made."""

    #: What scores a prompt: `learned`, `heuristic`, or `judge`, which asks a model.
    scorer: Literal["learned", "heuristic", "judge"] = "learned"
    #: The learned scorer's weights: a file that `pointsman train` wrote; the shipped ones where not
    #: given.
    weights: Path | None = None
    #: Lowest tier first.
    tiers: tuple[str, ...] = ("simple", "medium", "complex")
    #: What may be spent: `{ score = 65 }`, `{ share = { medium = 0.3, complex = 0.1 } }` or
    #: `{ quality = 0.95 }`; the scorer's own thresholds where not given.
    escalate: EscalateSettings | None = None
    #: The same as `escalate = { score = {...} }`.
    thresholds: dict[str, float] = Field(default_factory=dict)
    #: The tier of requests that could not be scored; the middle one where not given.
    default_tier: str | None = None
    #: A preference: past so many prompt tokens, cloud where there is one.
    max_local_tokens: int | None = Field(default=None, gt=0)
    #: Times that a request is tried again when every deployment of its plan has failed.
    retries: int = Field(default=2, ge=0, le=10)
    #: Seconds for which a conversation stays with the deployment that answered it; 0 is never.
    session_s: float = Field(default=600.0, ge=0)
    #: Try the other deployments, of any tier and location, when the first one fails.
    fallback: bool = True
    #: What savings are measured against: a deployment's id, or any priced model. By default the
    #: deployment of the highest tier that costs money, else `claude-opus-5-5`.
    baseline: str | None = None
    floors: TierFloors = TierFloors()
    judge: JudgeSettings = JudgeSettings()
    verify: VerifySettings = VerifySettings()

    @model_validator(mode="after")
    def _tiers_are_known(self) -> RoutingSettings:
        if self.thresholds and self.escalate is not None:
            raise ValueError("thresholds and escalate say the same: give one of them")
        named = {*self.thresholds, *self.floors.domains.values()}
        named |= self.escalate.tiers() if self.escalate else set()
        named |= {self.default_tier} if self.default_tier else set()
        named |= {self.floors.high_stakes} if isinstance(self.floors.high_stakes, str) else set()
        unknown = sorted(named - set(self.tiers))
        if unknown:
            raise ValueError(f"unknown tier {unknown[0]!r}; tiers are {', '.join(self.tiers)}")
        return self


class PrivacySettings(Section):
    """What stays local because of what a prompt holds."""

    #: `secrets`: keys, passwords, payment cards; `personal`: also what tells who somebody is;
    #: `local`: everything; `off`: nothing.
    level: Literal["off", "secrets", "personal", "local"] = "secrets"
    #: Your own patterns, by name, in RE2's syntax: `{ project = "PRJ-[0-9]{6}" }`.
    patterns: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _searched(self) -> PrivacySettings:
        if self.patterns and self.level == "off":
            raise ValueError('patterns need a level other than "off", which looks at nothing')
        return self


class PrincipalSettings(Section):
    """What holds for an organisation, or for a key, instead of what holds for everybody."""

    #: As `[routing] escalate`.
    escalate: EscalateSettings | None = None
    #: As `[privacy] level`; it can only tighten that.
    privacy: Literal["off", "secrets", "personal", "local"] | None = None
    #: The most of the cache that it may use.
    cache: Literal["off", "exact", "semantic"] | None = None
    #: As `[limits.organisation]`, or `[limits.key]`.
    limits: LimitSettings | None = None
    #: As `[budgets.organisation]`, or `[budgets.key]`.
    budgets: BudgetSettings | None = None
    #: As `[ledger] retention_days`; of organisations only.
    retention_days: float | None = Field(default=None, gt=0)
    #: As `[prompts]`; of organisations only.
    prompts: PromptSettings | None = None
    #: Whether its requests may be drawn to learn from them, see `[learning.explore]`.
    explore: bool = True
