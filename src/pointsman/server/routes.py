"""Every path, once: what answers it, who may call it, what it takes. `/docs` is made from this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pointsman.server import books, cache, models, ollama, passed_on, plain, responses, status, talk
from pointsman.server.bodies import (
    FeedbackRequest,
    MessageRequest,
    PlainRequest,
    RouteRequest,
)
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing
from pointsman.types import FormatName

Handler = Callable[[Gateway, Incoming], Awaitable[Outgoing]]


@dataclass(frozen=True, slots=True)
class Path:
    """One path and method."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Handler
    #: `open`: anybody; `key`: whoever sends the key, where one is set.
    access: Literal["open", "key"] = "key"
    #: The body's type, for the documentation.
    takes: type | None = None
    #: In whose shape its errors are.
    format: FormatName = "chat"

    @property
    def summary(self) -> str:
        """What it does: the handler's own first line."""
        return (self.handler.__doc__ or "").partition("\n")[0]


PATHS: tuple[Path, ...] = (
    Path("POST", "/v1/chat/completions", talk.chat_completions),
    Path("POST", "/v1/completions", talk.completions, format="completions"),
    Path("POST", "/v1/embeddings", talk.embeddings, format="embeddings"),
    Path("POST", "/v1/responses", responses.responses, format="responses"),
    Path("POST", "/v1/messages", talk.messages, format="messages"),
    Path("POST", "/v1/messages/count_tokens", talk.count_tokens, format="messages"),
    Path("POST", "/v1/audio/{rest:path}", passed_on.audio),
    Path("POST", "/v1/images/{rest:path}", passed_on.images),
    Path("POST", "/v1/rerank", passed_on.rerank),
    Path("POST", "/api/chat", ollama.chat, format="ollama"),
    Path("POST", "/api/generate", ollama.generate, format="ollama"),
    Path("POST", "/api/embed", ollama.embed, format="ollama"),
    Path("POST", "/api/embeddings", ollama.embeddings, format="ollama"),
    Path("POST", "/api/show", ollama.show, format="ollama"),
    Path("GET", "/api/tags", ollama.tags, format="ollama"),
    Path("GET", "/api/ps", ollama.running, format="ollama"),
    Path("GET", "/api/version", ollama.version, access="open", format="ollama"),
    Path("GET", "/v1/models", models.models),
    Path("GET", "/v1/models/{model_id:path}", models.model),
    Path("POST", "/v1/complete", plain.complete, takes=PlainRequest),
    Path("POST", "/v1/route", books.route, takes=RouteRequest),
    Path("GET", "/v1/decisions", books.decisions),
    Path("GET", "/v1/decisions/{request_id}", books.decision),
    Path("POST", "/v1/feedback", books.feedback, takes=FeedbackRequest),
    Path("GET", "/v1/report", books.report_totals),
    Path("GET", "/v1/cache", cache.cached_replies),
    Path("DELETE", "/v1/cache", cache.forget_replies),
    Path("GET", "/v1/cache/{id}", cache.cached_reply),
    Path("DELETE", "/v1/cache/{id}", cache.forget_reply),
    Path("GET", "/v1/analytics/cache-stats", cache.stats),
    Path("DELETE", "/v1/analytics/cache-stats/{route:path}", cache.begin_anew),
    Path("POST", "/api/v1/chat", plain.message, takes=MessageRequest),
    Path("GET", "/", status.root, access="open"),
    Path("GET", "/health", status.health, access="open"),
    Path("GET", "/health/ready", status.ready, access="open"),
)
