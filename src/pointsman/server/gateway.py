"""What the handlers work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pointsman.access.authenticate import StaticKey
from pointsman.pipeline import Pipeline
from pointsman.ports import Clock, FeedbackStore, Ledger
from pointsman.server.http import Incoming
from pointsman.types import Call, DeploymentState, ModelRequest


@dataclass(frozen=True, slots=True)
class Gateway:
    """The wired parts that the HTTP surface needs."""

    pipeline: Pipeline
    access: StaticKey
    ledger: Ledger
    feedback: FeedbackStore
    clock: Clock
    #: Every deployment's state, by id.
    states: Callable[[], Mapping[str, DeploymentState]]
    max_body_bytes: int
    version: str


def call_of(gateway: Gateway, incoming: Incoming, request: ModelRequest) -> Call:
    """A parsed request with what surrounds it."""
    return Call(
        request_id=incoming.request_id,
        time=gateway.clock.now(),
        principal=incoming.principal,
        request=request,
        force_route=incoming.headers.get("x-force-route") or None,
        client_request_id=incoming.headers.get("x-request-id"),
    )
