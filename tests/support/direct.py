"""An ASGI application called with exactly what is given: no client tidies it up on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message


@dataclass
class Got:
    """What was answered."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def json(self):
        """The body as a value."""
        return json.loads(self.body)


async def send(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: bytes = b"",
) -> Got:
    """The answer to one request. Header names in lower case; `host` is added where it is not named.

    From what never ends, the client leaves with the first piece.
    """
    got = Got()
    given = list(headers)
    if not any(name == b"host" for name, _ in given):
        given.append((b"host", b"localhost"))
    leaving = asyncio.Event()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not waiting:
            await leaving.wait()  # the client stays until it is answered
            return {"type": "http.disconnect"}
        return waiting.pop()

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            got.status, got.headers = message["status"], list(message["headers"])
        else:
            got.body += message.get("body", b"")
            if method == "GET" and (b"content-type", b"text/event-stream") in got.headers:
                leaving.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query,
        "root_path": "",
        "headers": given,
        "server": ("127.0.0.1", 7070),
        "client": ("127.0.0.1", 50000),
    }
    await app(scope, receive, take)
    return got
