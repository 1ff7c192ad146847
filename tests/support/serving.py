"""An ASGI app behind a port of its own, and one that answers what it was given."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.server.protocol import PromptServer


@asynccontextmanager
async def serving(
    app: ASGIApp, *, protocol: type[asyncio.Protocol] | None = None
) -> AsyncIterator[str]:
    """Serve it from this event loop, on the loopback; its address."""
    http = protocol or "auto"
    config = uvicorn.Config(app, http=http, log_level="warning", ws="none", lifespan="off")
    server = PromptServer(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class Answers:
    """Answers each path with what is set for it; told otherwise at any time."""

    def __init__(
        self, by_path: Mapping[str, object], *, otherwise: object = None, status: int = 404
    ) -> None:
        """`by_path` has bodies, or pairs of status and body; `otherwise` and `status` are the rest's.

        Bodies are bytes, or values that are sent as JSON.
        """
        self.by_path = dict(by_path)
        self.asked: list[str] = []
        self._otherwise = (status, otherwise)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        await request.body()
        query = f"?{request.url.query}" if request.url.query else ""
        self.asked.append(f"{request.method} {request.url.path}{query}")
        found = self.by_path.get(request.url.path, self._otherwise)
        status, body = found if isinstance(found, tuple) else (200, found)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        await Response(content, status)(scope, receive, send)
