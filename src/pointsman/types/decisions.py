"""Deployments, scores and plans."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from pointsman.types.learning import Informed
from pointsman.types.words import Capability, DeploymentState, FormatName, Location, Task


class Deployment(msgspec.Struct, frozen=True):
    """One callable model at one provider."""

    id: str
    provider: str
    model: str
    tier: str
    location: Location
    #: In tokens, prompt and reply together; None where it is not known.
    context_length: int | None = None
    #: None where it is not known, and then nothing is ruled out.
    capabilities: frozenset[Capability] | None = None
    #: What its server takes, the preferred one first; a request in none of them is translated.
    formats: tuple[FormatName, ...] = ("chat",)
    tasks: frozenset[Task] = frozenset({"chat"})
    #: Its share of its tier's load, beside the others'; at 0 it is used where no other is left.
    weight: float = 1.0
    #: Who may use it; None is everybody.
    organisations: frozenset[str] | None = None

    def is_for(self, organisation: str | None) -> bool:
        """Whether that organisation may use it; of None, whether everybody may."""
        return self.organisations is None or organisation in self.organisations


class Candidate(msgspec.Struct, frozen=True):
    """A deployment and how it stands now."""

    deployment: Deployment
    state: DeploymentState = "up"
    #: It failed repeatedly and is left alone for a while.
    breaker_open: bool = False
    #: Seconds for which its provider asked to be left alone (`Retry-After`).
    resting_s: float = 0.0
    #: Requests that it serves now or that wait for it.
    busy: int = 0
    #: Requests that it was given lately, older ones counting less.
    given: float = 0.0
    #: US dollars that the request is expected to cost here; None where the price is unknown.
    expected_cost: Decimal | None = None
    #: US dollars that it may cost at most; None where the price is unknown, or no budget applies.
    worst_cost: Decimal | None = None
    #: Why the request can't be said in a format that it takes; None where it can.
    objection: str | None = None


class Stay(msgspec.Struct, frozen=True):
    """Where a session was served last."""

    deployment: str
    tier: str


#: The scorer's name where there was nothing to score: embeddings, pictures, sound.
UNSCORED = "none"
#: The same where the reply was made for another request: it lies in the cache.
GIVEN_AGAIN = "cache"


class Score(msgspec.Struct, frozen=True):
    """0-100: how likely it is that the lowest tier will *not* suffice, and why."""

    value: float
    #: Named contributions; they add up to `value`.
    parts: Mapping[str, float]
    scorer: str
    version: str
    #: reasoning_depth, domain_specificity, output_sensitivity, each 0-1.
    dimensions: Mapping[str, float] = msgspec.field(default_factory=dict)
    domain: str = "general"
    #: Subjects with floors of their own, such as `high_stakes`.
    topics: tuple[str, ...] = ()
    #: Set where the scorer failed and this score stands in for it.
    fault: str | None = None
    #: Set where this score stands in for another scorer's, and why: `judge: timeout`.
    stands_in: str | None = None
    #: How likely a model is to answer well enough, from the weakest to the strongest, evenly spaced
    #: by strength; empty where the scorer does not say.
    suffices: tuple[float, ...] = ()
    #: Tokens that the reply is expected to have; None where the scorer does not say.
    reply_tokens: int | None = None

    @property
    def is_made(self) -> bool:
        """Whether anything was scored: else `value` says nothing."""
        return self.scorer not in {UNSCORED, GIVEN_AGAIN}

    @property
    def made(self) -> float | None:
        """`value`, to be shown; None where nothing was scored."""
        return self.value if self.is_made else None


class Confined(msgspec.Struct, frozen=True):
    """A request that must stay local, and why."""

    #: What was found in it (`card_number`, `private_key`, ...); empty where nothing was looked for.
    kinds: tuple[str, ...]
    #: Who wants it: what the prompt holds, the request (its header), or its key's settings.
    by: Literal["prompt", "request", "key"]


class Verdict(msgspec.Struct, frozen=True):
    """What the verifier says of a draft answer."""

    #: It is given out; else the request escalates.
    accepted: bool
    #: That it is good enough, calibrated, 0-1.
    probability: float
    #: From which probability a draft is accepted.
    bound: float
    #: What speaks against it most, by name: `refusal`, `loop`, `invalid_json`, ...
    reasons: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """What `model` or `X-Force-Route` asks for, resolved against the configuration."""

    kind: Literal["auto", "location", "tier", "deployment"]
    name: str
    #: Where `name` is an alias of several deployments: these, in the order in which they are tried;
    #: those of one group share the load. Empty for one that was named itself.
    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def deployments(self) -> tuple[str, ...]:
        """The deployments that it names, and that alone may serve it; empty where a score chooses."""
        if self.kind != "deployment":
            return ()
        return tuple(name for group in self.groups for name in group) or (self.name,)


class PlannedAttempt(msgspec.Struct, frozen=True):
    """One deployment of a plan, in its place."""

    deployment: str
    tier: str
    reason: str


class Dropped(msgspec.Struct, frozen=True):
    """A deployment that a gate or floor removed, and why."""

    deployment: str
    gate: str
    reason: str


class Plan(msgspec.Struct, frozen=True):
    """The ordered attempts for one request, plus every dropped deployment with its reason."""

    attempts: tuple[PlannedAttempt, ...]
    dropped: tuple[Dropped, ...]


class Decision(msgspec.Struct, frozen=True):
    """Where a request goes and why; made without calling a model."""

    tier: str
    target: Target
    scored: Score
    plan: Plan
    reasoning: str
    #: Expected cost on the first deployment of the plan; None where the price is unknown.
    estimated_cost_usd: Decimal | None = None
    #: The lowest score of each tier that was in force; empty where no score chose.
    bounds: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: Why it must stay local; None where it need not.
    confined: Confined | None = None
    #: From which probability its first answer is good enough to be given out; None where nobody
    #: looks at it first.
    verify: float | None = None
    #: What learning had to do with it; None where learning is off.
    informed: Informed | None = None

    @property
    def deployment(self) -> str | None:
        """The first deployment of the plan; None where nothing can serve."""
        return self.plan.attempts[0].deployment if self.plan.attempts else None

    @property
    def score(self) -> float:
        """0-100, see `Score.value`."""
        return self.scored.value

    @property
    def parts(self) -> Mapping[str, float]:
        """The score's named contributions."""
        return self.scored.parts

    @property
    def dimensions(self) -> Mapping[str, float]:
        """Reasoning depth, domain specificity and output sensitivity, each 0-1."""
        return self.scored.dimensions

    @property
    def domain(self) -> str:
        """What the prompt is about: coding, mathematics, writing, ..."""
        return self.scored.domain

    @property
    def scorer(self) -> str:
        """The scorer's name and version."""
        return f"{self.scored.scorer}/{self.scored.version}"

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Every deployment that was ruled out, and why."""
        return self.plan.dropped
