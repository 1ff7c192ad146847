"""What the handlers work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec
from msgspec.structs import replace

from pointsman.access import end_users
from pointsman.access.keyring import KeyRing
from pointsman.access.organising import Organising
from pointsman.access.sessions import SignIns
from pointsman.batching.service import Batching
from pointsman.cache import request as cache_request
from pointsman.calling.upstream import Upstream
from pointsman.errors import BadRequest
from pointsman.formats.wire import ClientFormat
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
    Telemetry,
)
from pointsman.routing.sticky import session_of
from pointsman.server.door import Door
from pointsman.server.draining import Draining
from pointsman.server.http import Incoming
from pointsman.server.kept import KeptReplies
from pointsman.stages.experimenting import Experimenting
from pointsman.stages.learning import Learning
from pointsman.types import Call, Component, DeploymentState, FormatName, ModelRequest


class Renewed(Protocol):
    """What became of settings that were read again."""

    @property
    def changed(self) -> Sequence[str]:
        """Sections that are in force from now on."""

    @property
    def waiting(self) -> Sequence[str]:
        """Sections that take effect with the next start."""


class Gateway(msgspec.Struct, frozen=True):
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
    #: What lets requests to models in.
    door: Door
    #: The formats that clients speak, by name.
    clients: Mapping[FormatName, ClientFormat]
    #: Replies that may be continued by `previous_response_id`.
    replies: KeptReplies
    #: Every deployment's state, by id.
    states: Callable[[], Mapping[str, DeploymentState]]
    #: Manages organisations and what is theirs.
    organising: Organising
    #: Reads the settings again. Raises ConfigError.
    reload: Callable[[], Awaitable[Renewed]]
    #: How every deployment stands.
    upstreams: Callable[[str | None], Sequence[Upstream]]
    #: Reads what charts are drawn from.
    charts: Charts
    pricer: Pricer
    batching: Batching
    #: Web pages that may call from a browser.
    cors_origins: tuple[str, ...]
    max_body_bytes: int
    #: Seconds until a request's body must be there.
    body_timeout_s: float
    version: str
    #: What savings are measured against: a deployment, or a model of the price list.
    baseline: str
    #: Told of each exchange.
    telemetry: Telemetry
    #: Who may read what was measured.
    metrics: Literal["key", "open", "off"]
    #: How each part does.
    components: Callable[[], Sequence[Component]]
    #: Whether it is about to end.
    draining: Draining = msgspec.field(default_factory=Draining)


#: Headers of the client's that an upstream of the same format gets to see.
_ALONG = ("anthropic-version", "anthropic-beta", "openai-beta")
#: Names the end user, where a client serves many (Open WebUI).
_USER = "x-openwebui-user-id"
_OFF = frozenset({"off", "false", "no", "0"})


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
        explore=headers.get("x-pointsman-explore", "").strip().lower() not in _OFF,
    )


def _end_user(headers: Mapping[str, str], request: ModelRequest) -> str | None:
    """Whom the header names, else the body. Raises BadRequest for a header that is no name.

    In a body, any text has passed for a name so far: what is no readable one has its hash for it.
    """
    named = headers.get(_USER)
    if named and not end_users.is_name(named):
        raise BadRequest(
            f"`{_USER}` must be at most {end_users.LONGEST_USER} printable characters, and not "
            f"begin with {end_users.OWN}",
            param=_USER,
        )
    return named or end_users.named(request.user)
