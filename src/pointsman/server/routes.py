"""Every path, once: what answers it, who may call it, what it takes. `/docs` is made from this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pointsman.server import books, chat, models, plain, status
from pointsman.server.bodies import (
    FeedbackRequest,
    MessageRequest,
    PlainRequest,
    RouteRequest,
)
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing

Handler = Callable[[Gateway, Incoming], Awaitable[Outgoing]]


@dataclass(frozen=True, slots=True)
class Path:
    """One path and method."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    #: `open`: anybody; `key`: whoever sends the key, where one is set.
    access: Literal["open", "key"] = "key"
    #: The body's type, for the documentation.
    takes: type | None = None

    @property
    def summary(self) -> str:
        """What it does: the handler's own first line."""
        return (self.handler.__doc__ or "").partition("\n")[0]


PATHS: tuple[Path, ...] = (
    Path("POST", "/v1/chat/completions", chat.chat_completions),
    Path("GET", "/v1/models", models.models),
    Path("GET", "/v1/models/{model_id:path}", models.model),
    Path("POST", "/v1/complete", plain.complete, takes=PlainRequest),
    Path("POST", "/v1/route", books.route, takes=RouteRequest),
    Path("GET", "/v1/decisions", books.decisions),
    Path("GET", "/v1/decisions/{request_id}", books.decision),
    Path("POST", "/v1/feedback", books.feedback, takes=FeedbackRequest),
    Path("GET", "/v1/report", books.report_totals),
    Path("POST", "/api/v1/chat", plain.message, takes=MessageRequest),
    Path("GET", "/", status.root, access="open"),
    Path("GET", "/health", status.health, access="open"),
    Path("GET", "/health/ready", status.ready, access="open"),
)
