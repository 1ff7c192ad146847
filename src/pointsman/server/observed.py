"""Around the whole surface: each exchange is timed, counted and given its place in its trace."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pointsman.journey import CURRENT
from pointsman.ports import Telemetry


class Observed:
    """An ASGI application, and who is told of what passes through it."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        """Says where a request was served by `scope["route"]`, as the router leaves it there."""
        self.app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        journey = self._telemetry.begin(scope["method"], *_trace_headers(scope["headers"]))
        token = CURRENT.set(journey)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                journey.status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            CURRENT.reset(token)
            journey.route = journey.route or getattr(scope.get("route"), "path", "")
            self._telemetry.ended(journey)


def _trace_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
    """`traceparent` and `tracestate`; one that was sent twice is none, as W3C asks."""
    parents = [value for name, value in headers if name == b"traceparent"]
    if len(parents) != 1:
        return "", ""
    states = [value for name, value in headers if name == b"tracestate"]
    return parents[0].decode("latin-1"), b",".join(states).decode("latin-1")
