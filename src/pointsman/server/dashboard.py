"""`/dashboard`: its files, which load nothing from anywhere else, and who is signed in there."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from pointsman.dashboard import read_page
from pointsman.errors import NotFound
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing

#: What is served, by a name's ending; nothing else is.
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS: Mapping[str, str] = {
    "cache-control": "no-cache",  # kept, and asked for anew: a new version is seen at once
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
}


async def page(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The dashboard, for a browser."""
    del gateway
    return await _file("index.html", incoming.headers)


async def file(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """A file of the dashboard's: scripts, styles, pictures."""
    del gateway
    return await _file(incoming.parameters["file"] or "index.html", incoming.headers)


async def _file(name: str, headers: Mapping[str, str]) -> Outgoing:
    """The file as the browser wants it: compressed, or not at all where it has it."""
    content_type = _TYPES.get(PurePosixPath(name).suffix)
    body = None if content_type is None else await asyncio.to_thread(read_page, name)
    if content_type is None or body is None:
        raise NotFound(f"there is no {name[:128]!r} in the dashboard")
    is_packed = _takes_gzip(headers.get("accept-encoding", ""))
    if is_packed:
        body = await asyncio.to_thread(_packed, body)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    about = {**_HEADERS, "etag": etag}
    if etag in headers.get("if-none-match", ""):
        return Outgoing(304, b"", content_type, about)
    if is_packed:
        about["content-encoding"] = "gzip"
    return Outgoing(200, body, content_type, about)


@lru_cache(maxsize=128)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip, and not only to refuse it."""
    for each in accepted.split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
