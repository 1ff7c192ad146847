"""What is known of how well answers did, and what is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from pointsman.types.words import Outcome

#: The version that ships with Pointsman: nothing learned from anybody's own traffic.
SHIPPED = "shipped"
#: How the learner comes by what it believes: a contextual bandit, or thresholds per pattern.
LearnerKind: TypeAlias = Literal["bandit", "rule"]
#: Which of them work: `auto` is the rule, until the bandit has proven something.
LearningKind: TypeAlias = Literal["auto", "bandit", "rule"]


class Informed(msgspec.Struct, frozen=True):
    """What learning had to do with a decision; it makes later learning from it possible."""

    #: Of what was believed then; `shipped` where nothing had been learned.
    version: str = SHIPPED
    #: What was measured of the prompt: float16, little-endian, as base64; empty where learning is
    #: off.
    features: str = ""
    #: The score before anything was learned, 0-100.
    cold: float = 0.0
    #: How likely each tier was to be chosen by the policy in force, lowest first; empty where the
    #: request chose itself (a named tier, a floor, a session), so that nothing can be weighed.
    propensities: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: The tier was drawn to learn from it, and is not the one that the score chose.
    explored: bool = False
    #: US dollars that this was expected to cost more; None where it was not drawn.
    extra: Decimal | None = None
    #: The experiment that it takes part in, and on which side.
    experiment: str | None = None
    variant: str | None = None
    #: By which it was put on that side, hashed: outcomes of one conversation are not independent.
    conversation: str = ""


class Signals(msgspec.Struct, frozen=True):
    """Automatic evidence of how good one answer was."""

    request_id: str
    time: datetime
    #: By name, each from 0 (speaks against the answer) to 1 (speaks for it). What is found later
    #: (the user asks again) is added to what is there, name by name.
    parts: Mapping[str, float]


class Observed(msgspec.Struct, frozen=True):
    """One settled request that something is known of: a signal or a rating."""

    request_id: str
    time: datetime
    organisation: str
    #: That was decided, and that answered.
    tier: str
    served_tier: str
    deployment: str
    outcome: Outcome
    #: 0-100, with what was learned by then.
    score: float
    domain: str
    informed: Informed
    #: US dollars; None where a price is unknown.
    cost: Decimal | None
    latency_ms: float
    #: By name, 0-1, see `Signals`.
    signals: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: What users said, -1 to 1, in the order in which they said it.
    ratings: tuple[float, ...] = ()


class Quality(msgspec.Struct, frozen=True):
    """How good an answer was, as far as can be told."""

    #: 0-1.
    value: float
    #: How much it can be trusted, 0-1: as what it is worth beside an explicit rating.
    trust: float
    #: What made it, by name: quality 0-1.
    parts: Mapping[str, float]


class Evidence(msgspec.Struct, frozen=True):
    """One outcome, as the learner takes it in: of the tier that answered, and of no other."""

    request_id: str
    time: datetime
    #: That answered.
    tier: str
    #: Packed as in `Informed.features`.
    features: str
    #: The shipped score, 0-100.
    cold: float
    quality: float
    trust: float
    #: How likely this tier was to be chosen; None where the request chose itself, or where another
    #: tier was chosen than answered.
    propensity: float | None = None
    domain: str = "general"
    score: float = 0.0
    cost: Decimal | None = None
    #: That was chosen, where another answered (a fallback, an escalation); else empty.
    decided: str = ""
    #: How likely each admissible tier was to be chosen, see `Informed.propensities`.
    propensities: Mapping[str, float] = msgspec.field(default_factory=dict)


class Version(msgspec.Struct, frozen=True):
    """What was believed at one time. Immutable; decisions name it."""

    id: str
    organisation: str
    time: datetime
    kind: LearnerKind
    #: What it is made of, as JSON: it can be used without anything else.
    content: str
    #: Of how many outcomes, and the last of them.
    outcomes: int
    last: str
    #: What compared it with the version before, as JSON.
    comparison: str = "{}"


ChangeKind: TypeAlias = Literal[
    "promoted",  # a version is in force from now on
    "kept",  # a candidate was not better, and why
    "reverted",  # an earlier version is in force again
    "threshold",  # the plain rule moved a pattern's threshold
    "drift",  # traffic or quality is not what it was
    "experiment",  # one began or ended
]


class Change(msgspec.Struct, frozen=True):
    """One event in the life of what was learned, with its evidence."""

    id: str
    organisation: str
    time: datetime
    kind: ChangeKind
    #: For people: one line.
    text: str
    #: The version that is in force after it; None where that did not change.
    version: str | None = None
    #: As JSON.
    evidence: str = "{}"


ExperimentState: TypeAlias = Literal["running", "stopped"]


class Experiment(msgspec.Struct, frozen=True):
    """A comparison of two deployments, or of two versions, on a share of the traffic."""

    id: str
    organisation: str
    name: str
    time: datetime
    #: What is compared: deployments' ids, or versions.
    of: Literal["deployments", "versions"]
    a: str
    b: str
    #: Of the conversations that could take part, 0-1.
    share: float
    state: ExperimentState = "running"
    stopped: datetime | None = None
    #: Why it ended, for people.
    reason: str = ""
    #: It stops by itself as soon as one side is known to be better.
    until_decided: bool = False


class Assigned(msgspec.Struct, frozen=True):
    """An experiment that a request takes part in."""

    experiment: str
    of: Literal["deployments", "versions"]
    variant: Literal["a", "b"]
    #: What this side stands for, and the other.
    chosen: str
    other: str
    #: By which it was put on this side, hashed.
    conversation: str = ""
