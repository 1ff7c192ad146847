"""What the handlers work with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pointsman.access.keyring import KeyRing
from pointsman.access.sessions import SignIns
from pointsman.cache import request as cache_request
from pointsman.calling.upstream import Upstream
from pointsman.errors import BadRequest
from pointsman.experimenting import Experimenting
from pointsman.formats.wire import ClientFormat
from pointsman.learning import Learning
from pointsman.ledger.figures import LearningBooks
from pointsman.ledger.pricing import Pricer
from pointsman.pipeline import Pipeline
from pointsman.ports import (
    Charts,
    CheckStore,
    Clock,
    EvidenceStore,
    Feed,
    FeedbackStore,
    PromptStore,
    Retention,
)
from pointsman.routing.sticky import session_of
from pointsman.server.http import Incoming
from pointsman.server.kept import KeptReplies
from pointsman.types import Call, DeploymentState, FormatName, ModelRequest


@dataclass(frozen=True, slots=True)
class Gateway:
    """The wired parts that the HTTP surface needs."""

    pipeline: Pipeline
    access: KeyRing
    #: Lets requests in, by a key or by a browser's session.
    sign_ins: SignIns
    books: LearningBooks
    feedback: FeedbackStore
    checks: CheckStore
    learning: Learning
    experiments: Experimenting
    evidence: EvidenceStore
    #: Weighted by how far each is to be trusted, before anything that was learned counts.
    least_outcomes: int
    #: Entries as they are settled.
    feed: Feed
    retention: Retention
    prompts: PromptStore
    clock: Clock
    #: The formats that clients speak, by name.
    clients: Mapping[FormatName, ClientFormat]
    #: Replies that may be continued by `previous_response_id`.
    replies: KeptReplies
    #: Every deployment's state, by id.
    states: Callable[[], Mapping[str, DeploymentState]]
    #: How every deployment stands.
    upstreams: Callable[[], Sequence[Upstream]]
    #: Reads what charts are drawn from.
    charts: Charts
    pricer: Pricer
    #: Web pages that may call from a browser.
    cors_origins: tuple[str, ...]
    max_body_bytes: int
    #: Seconds until a request's body must be there.
    body_timeout_s: float
    version: str
    #: What savings are measured against: a deployment, or a model of the price list.
    baseline: str


#: Headers of the client's that an upstream of the same format gets to see.
_ALONG = ("anthropic-version", "anthropic-beta", "openai-beta")
#: Names the end user, where a client serves many (Open WebUI).
_USER = "x-openwebui-user-id"
#: Characters.
_LONGEST_USER = 128


def call_of(gateway: Gateway, incoming: Incoming, request: ModelRequest) -> Call:
    """A parsed request with what surrounds it."""
    headers = incoming.headers
    along = {name: headers[name] for name in _ALONG if name in headers}
    request = replace(request, headers=along) if along else request
    background = headers.get("x-pointsman-priority", "").lower() == "background"
    return Call(
        request_id=incoming.request_id,
        time=gateway.clock.now(),
        principal=replace(incoming.principal, user=_end_user(headers, request)),
        request=request,
        force_route=headers.get("x-force-route") or None,
        client_request_id=headers.get("x-request-id"),
        session=session_of(request, headers) if request.task == "chat" else None,
        priority="background" if background else "interactive",
        privacy=headers.get("x-pointsman-privacy"),
        cache=cache_request.wish(headers),
        explore=headers.get("x-pointsman-explore", "").lower() != "off",
    )


def _end_user(headers: Mapping[str, str], request: ModelRequest) -> str | None:
    """Whom the header names, else the body. Raises BadRequest for a header that is no name.

    In a body, any text has passed for a name so far: what is no readable one has its hash for it.
    """
    named = headers.get(_USER)
    if named and not _is_name(named):
        raise BadRequest(
            f"`{_USER}` must be at most {_LONGEST_USER} printable characters", param=_USER
        )
    user = named or request.user
    if user is None or _is_name(user):
        return user
    return "sha256:" + hashlib.sha256(user.encode()).hexdigest()[:32]


def _is_name(user: str) -> bool:
    return user.isprintable() and len(user) <= _LONGEST_USER
