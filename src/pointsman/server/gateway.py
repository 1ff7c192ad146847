"""What the handlers work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pointsman.access.authenticate import StaticKey
from pointsman.cache import request as cache_request
from pointsman.formats.wire import ClientFormat
from pointsman.pipeline import Pipeline
from pointsman.ports import CheckStore, Clock, FeedbackStore, Ledger
from pointsman.routing.sticky import session_of
from pointsman.server.http import Incoming
from pointsman.server.kept import KeptReplies
from pointsman.types import Call, DeploymentState, FormatName, ModelRequest


@dataclass(frozen=True, slots=True)
class Gateway:
    """The wired parts that the HTTP surface needs."""

    pipeline: Pipeline
    access: StaticKey
    ledger: Ledger
    feedback: FeedbackStore
    checks: CheckStore
    clock: Clock
    #: The formats that clients speak, by name.
    clients: Mapping[FormatName, ClientFormat]
    #: Replies that may be continued by `previous_response_id`.
    replies: KeptReplies
    #: Every deployment's state, by id.
    states: Callable[[], Mapping[str, DeploymentState]]
    #: Web pages that may call from a browser.
    cors_origins: tuple[str, ...]
    max_body_bytes: int
    #: Seconds until a request's body must be there.
    body_timeout_s: float
    version: str


#: Headers of the client's that an upstream of the same format gets to see.
_ALONG = ("anthropic-version", "anthropic-beta", "openai-beta")


def call_of(gateway: Gateway, incoming: Incoming, request: ModelRequest) -> Call:
    """A parsed request with what surrounds it."""
    headers = incoming.headers
    along = {name: headers[name] for name in _ALONG if name in headers}
    request = replace(request, headers=along) if along else request
    background = headers.get("x-pointsman-priority", "").lower() == "background"
    return Call(
        request_id=incoming.request_id,
        time=gateway.clock.now(),
        principal=incoming.principal,
        request=request,
        force_route=headers.get("x-force-route") or None,
        client_request_id=headers.get("x-request-id"),
        session=session_of(request, headers) if request.task == "chat" else None,
        priority="background" if background else "interactive",
        privacy=headers.get("x-pointsman-privacy"),
        cache=cache_request.wish(headers),
    )
