"""A deployment with all that it takes to call it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pointsman.calling.breaker import Breaker
from pointsman.calling.slots import Slots
from pointsman.formats.translate import Speech
from pointsman.ports import Provider
from pointsman.types import Deployment, Health, OnDisconnect


@dataclass(frozen=True, slots=True)
class Rules:
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
    rules: Rules = Rules()
    breaker: Breaker = field(default_factory=Breaker)
    #: Deployments that share a provider's limits: one `Retry-After` counts for all.
    quota_group: str = ""
    #: Its server is looked at now and then: one on this machine or its network.
    watched: bool = False
    #: Requests given to it so far.
    given: int = 0
    #: What its server told of itself last; None until it did.
    health: Health | None = None
    _configured: Deployment | None = None

    def learn(self, health: Health) -> None:
        """Take note of what its server says. What the configuration says goes before it."""
        self.health = health
        if self.slots.limit is None and health.slots is not None:
            self.slots.limit = health.slots
        known = self._configured or self.deployment
        self._configured = known
        learned = known.capabilities if known.capabilities is not None else health.capabilities
        length = known.context_length or health.context_length
        where = health.location or known.location
        self.deployment = replace(
            known, context_length=length, capabilities=learned, location=where
        )
