"""A deployment with all that it takes to call it."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from pointsman.calling.breaker import Breaker
from pointsman.calling.estimate import Estimates
from pointsman.calling.slots import Slots
from pointsman.calling.trial import Trials
from pointsman.formats.translate import Speech
from pointsman.ports import Provider
from pointsman.types import Capability, Deployment, Health, OnDisconnect


class Rules(msgspec.Struct, frozen=True):
    """How a deployment wants to be called. Times in seconds."""

    #: Until a free slot is given up on, and the next deployment tried.
    queue_s: float = 30.0
    #: Until a server must have loaded its model.
    load_s: float = 600.0
    #: A whole attempt, its stream included.
    total_s: float = 1800.0
    #: A client that reads nothing of its stream for so long has left.
    client_stall_s: float = 120.0
    on_disconnect: OnDisconnect = "cancel"


@dataclass(slots=True)
class Line:
    """A deployment, its provider, and how things stand between us."""

    #: As configured, and with what its server told where the configuration says nothing.
    deployment: Deployment
    provider: Provider
    speech: Speech
    slots: Slots
    rules: Rules = field(default_factory=Rules)
    #: What it is taken to be able to do until its server tells, where the configuration does not.
    presumed: frozenset[Capability] | None = None
    breaker: Breaker = field(default_factory=Breaker)
    trials: Trials = field(init=False)
    #: What it makes of our count of tokens.
    estimates: Estimates = field(default_factory=Estimates)
    #: What the provider is shown; it is in no error, though the provider repeats it. Empty for none.
    key: str = field(default="", repr=False)
    #: Deployments that share a provider's limits: one `Retry-After` counts for all.
    quota_group: str = ""
    #: Its server is looked at now and then: one on this machine or its network.
    watched: bool = False
    #: Its server is not of this machine alone: other gateways use it, too.
    is_shared: bool = False
    #: Requests given to it lately, older ones counting less.
    given: float = 0.0
    #: What its server told of itself last; None until it did.
    health: Health | None = None
    #: When it last answered or its server did, in monotonic seconds; None until then.
    seen_at: float | None = None
    _configured: Deployment = field(init=False)
    _limit: int | None = field(init=False)

    def __post_init__(self) -> None:
        self._configured = self.deployment
        if self.deployment.capabilities is None:
            self.deployment = replace(self.deployment, capabilities=self.presumed)
        self._limit = self.slots.limit
        self.trials = Trials(self.breaker)

    def learn(self, health: Health) -> None:
        """Take note of what its server says. What the configuration says goes before it.

        What it does not say stays as it was said last: a server that is down for a moment must
        not turn a cloud model into a local one.
        """
        self.health = health
        if self._limit is None and health.slots is not None:
            self.slots.limit = health.slots
        known, last = self._configured, self.deployment
        able = health.capabilities if known.capabilities is None else known.capabilities
        self.deployment = replace(
            known,
            context_length=known.context_length or health.context_length or last.context_length,
            capabilities=last.capabilities if able is None else able,
            location=health.location or last.location,
        )
