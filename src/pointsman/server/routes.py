"""Every path, once: what answers it, who may call it, what it takes. `/docs` is made from this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from pointsman.access.permissions import Access
from pointsman.access.tenant_wishes import (
    MemberChange,
    NewDeployment,
    NewMember,
    NewOrganisation,
    NewProviderKey,
    OrganisationChange,
)
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.batching.wire import NewBatch
from pointsman.feedback.experiment_view import Ending, NewExperiment
from pointsman.server import (
    analytics,
    batches,
    books,
    cache,
    dashboard,
    events,
    experiments,
    figures,
    files,
    keys,
    learning,
    metrics,
    models,
    ollama,
    organisations,
    outcomes,
    passed_on,
    plain,
    prompts,
    responses,
    sessions,
    settings,
    status,
    talk,
    upstreams,
)
from pointsman.server.bodies import (
    FeedbackRequest,
    MessageRequest,
    PlainRequest,
    RouteRequest,
    SignIn,
)
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing
from pointsman.types import FormatName

Handler = Callable[[Gateway, Incoming], Awaitable[Outgoing]]


class Path(msgspec.Struct, frozen=True):
    """One path and method."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Handler
    #: What it asks of who calls it; see `access.permissions`.
    access: Access
    #: The body's type, for the documentation.
    takes: type | None = None
    #: In whose shape its errors are.
    format: FormatName = "chat"
    #: A GET that takes a while: nobody writes on for a client that left.
    is_long: bool = False
    #: Its body may be as large as a batch's file.
    takes_file: bool = False

    @property
    def summary(self) -> str:
        """What it does: the handler's own first line."""
        return (self.handler.__doc__ or "").partition("\n")[0]


_ONE = "/v1/organisations/{id}"
_OF_AN_ORGANISATION = (
    Path("GET", _ONE, organisations.show, "manage"),
    Path("POST", _ONE, organisations.change, "manage", takes=OrganisationChange),
    Path("DELETE", _ONE, organisations.delete, "manage"),
    Path("GET", f"{_ONE}/members", organisations.members, "manage"),
    Path("POST", f"{_ONE}/members", organisations.add_member, "manage", takes=NewMember),
    Path(
        "POST",
        f"{_ONE}/members/{{member}}",
        organisations.change_member,
        "manage",
        takes=MemberChange,
    ),
    Path("DELETE", f"{_ONE}/members/{{member}}", organisations.remove_member, "manage"),
    Path("GET", f"{_ONE}/provider-keys", organisations.provider_keys, "manage"),
    Path(
        "POST",
        f"{_ONE}/provider-keys",
        organisations.put_provider_key,
        "manage",
        takes=NewProviderKey,
    ),
    Path(
        "DELETE", f"{_ONE}/provider-keys/{{provider}}", organisations.remove_provider_key, "manage"
    ),
    Path("GET", f"{_ONE}/deployments", organisations.deployments, "manage"),
    Path(
        "POST",
        f"{_ONE}/deployments",
        organisations.put_deployment,
        "manage",
        takes=NewDeployment,
    ),
    Path("DELETE", f"{_ONE}/deployments/{{deployment}}", organisations.remove_deployment, "manage"),
)
PATHS: tuple[Path, ...] = (
    Path("POST", "/v1/chat/completions", talk.chat_completions, "call"),
    Path("POST", "/v1/completions", talk.completions, "call", format="completions"),
    Path("POST", "/v1/embeddings", talk.embeddings, "call", format="embeddings"),
    Path("POST", "/v1/responses", responses.responses, "call", format="responses"),
    Path("POST", "/v1/messages", talk.messages, "call", format="messages"),
    Path("POST", "/v1/messages/count_tokens", talk.count_tokens, "call", format="messages"),
    Path("POST", "/v1/audio/{rest:path}", passed_on.audio, "call"),
    Path("POST", "/v1/images/{rest:path}", passed_on.images, "call"),
    Path("POST", "/v1/rerank", passed_on.rerank, "call"),
    Path("POST", "/api/chat", ollama.chat, "call", format="ollama"),
    Path("POST", "/api/generate", ollama.generate, "call", format="ollama"),
    Path("POST", "/api/embed", ollama.embed, "call", format="ollama"),
    Path("POST", "/api/embeddings", ollama.embeddings, "call", format="ollama"),
    Path("POST", "/api/show", ollama.show, "read", format="ollama"),
    Path("GET", "/api/tags", ollama.tags, "read", format="ollama"),
    Path("GET", "/api/ps", ollama.running, "read", format="ollama"),
    Path("GET", "/api/version", ollama.version, "open", format="ollama"),
    Path("GET", "/v1/models", models.models, "read"),
    Path("GET", "/v1/models/{model_id:path}", models.model, "read"),
    Path("POST", "/v1/files", files.create, "call", takes_file=True),
    Path("GET", "/v1/files", files.listed, "read"),
    Path("GET", "/v1/files/{file_id}", files.show, "read"),
    Path("GET", "/v1/files/{file_id}/content", files.content, "call", is_long=True),
    Path("DELETE", "/v1/files/{file_id}", files.delete, "call"),
    Path("POST", "/v1/batches", batches.create, "call", takes=NewBatch),
    Path("GET", "/v1/batches", batches.listed, "read"),
    Path("GET", "/v1/batches/{batch_id}", batches.show, "read"),
    Path("POST", "/v1/batches/{batch_id}/cancel", batches.cancel, "call"),
    Path("POST", "/v1/complete", plain.complete, "call", takes=PlainRequest),
    Path("POST", "/v1/route", books.route, "call", takes=RouteRequest),
    Path("GET", "/v1/decisions", analytics.decisions, "read"),
    Path("GET", "/v1/decisions/{request_id}", analytics.decision, "read"),
    Path("GET", "/v1/decisions/{request_id}/prompt", prompts.prompt, "read"),
    Path("GET", "/v1/decisions/{request_id}/alternatives", upstreams.alternatives, "read"),
    Path("GET", "/v1/upstreams", upstreams.upstreams, "read"),
    Path("POST", "/v1/feedback", books.feedback, "call", takes=FeedbackRequest),
    Path("GET", "/v1/events", events.events, "read", is_long=True),
    Path("GET", "/v1/experiments", experiments.listed, "read"),
    Path("POST", "/v1/experiments", experiments.start, "manage", takes=NewExperiment),
    Path("GET", "/v1/experiments/{id}", experiments.show, "read"),
    Path("POST", "/v1/experiments/{id}/stop", experiments.stop, "manage", takes=Ending),
    Path("GET", "/v1/report", analytics.report, "read"),
    Path("GET", "/v1/stats/cost", analytics.costs, "read"),
    Path("GET", "/v1/stats/quality", analytics.quality, "read"),
    Path("GET", "/v1/stats/series", figures.series, "read"),
    Path("GET", "/v1/stats/latency", figures.latency, "read"),
    Path("GET", "/v1/stats/scores", figures.scores, "read"),
    Path("GET", "/v1/stats/errors", figures.errors, "read"),
    Path("GET", "/v1/analytics/summary", analytics.summary, "read"),
    Path("GET", "/v1/analytics/savings-report", analytics.savings, "read"),
    Path("GET", "/v1/export", analytics.export, "read", is_long=True),
    Path("DELETE", "/v1/entries", analytics.forget, "manage"),
    Path("GET", "/v1/cache", cache.cached_replies, "manage"),
    Path("DELETE", "/v1/cache", cache.forget_replies, "manage"),
    Path("GET", "/v1/cache/{id}", cache.cached_reply, "manage"),
    Path("DELETE", "/v1/cache/{id}", cache.forget_reply, "manage"),
    Path("GET", "/v1/analytics/cache-stats", cache.stats, "read"),
    Path("DELETE", "/v1/analytics/cache-stats/{route:path}", cache.begin_anew, "manage"),
    Path("GET", "/v1/keys", keys.listed, "manage"),
    Path("POST", "/v1/keys", keys.create, "manage", takes=NewKey),
    Path("GET", "/v1/keys/{id}", keys.show, "manage"),
    Path("POST", "/v1/keys/{id}", keys.change, "manage", takes=KeyChange),
    Path("DELETE", "/v1/keys/{id}", keys.delete, "manage"),
    Path("POST", "/v1/keys/{id}/rotate", keys.rotate, "manage", takes=Rotation),
    Path("POST", "/v1/config/reload", settings.reload, "manage"),
    Path("GET", "/v1/organisations", organisations.listed, "manage"),
    Path("POST", "/v1/organisations", organisations.create, "manage", takes=NewOrganisation),
    *_OF_AN_ORGANISATION,
    Path("GET", "/v1/learning", learning.status, "read"),
    Path("GET", "/v1/learning/outcomes", outcomes.outcomes, "read"),
    Path("POST", "/v1/learning/revert", learning.revert, "manage", takes=learning.RevertRequest),
    Path("POST", "/v1/retrain", learning.retrain, "manage", takes=learning.RetrainRequest),
    Path("POST", "/api/v1/chat", plain.message, "call", takes=MessageRequest),
    Path("GET", "/dashboard", dashboard.page, "open"),
    Path("GET", "/dashboard/session", sessions.session, "open"),
    Path("POST", "/dashboard/session", sessions.sign_in, "open", takes=SignIn),
    Path("DELETE", "/dashboard/session", sessions.sign_out, "open"),
    Path("GET", "/dashboard/{file:path}", dashboard.file, "open"),
    Path("GET", "/", status.root, "open"),
    Path("GET", "/health", status.health, "open"),
    Path("GET", "/health/live", status.live, "open"),
    Path("GET", "/health/ready", status.ready, "open"),
    Path("GET", "/metrics", metrics.metrics, "read"),
)
