"""ASGI's messages as values: what came in, what goes out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from pointsman.errors import BodyTooLarge, BodyTooSlow, UpstreamError
from pointsman.server import unpacking
from pointsman.types import ByteStream, Principal

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_LONGEST_HEADER = 512
_LARGE_BYTES = 128 * 1024
_NOT_MODIFIED = 304  # its length would be that of the body that it stands for
#: Digits of a length that can be meant.
_LONGEST_LENGTH = 19
_T = TypeVar("_T")


class ClientLeft(Exception):
    """The client closed the connection before its body was there."""


class Query(dict[str, str]):
    """A query's parameters; of several with one name, the last."""

    def __init__(self, parameters: Iterable[tuple[str, str]] = ()) -> None:
        """Names and values, as they came."""
        pairs = tuple(parameters)
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        #: Names that came more than once.
        self.repeated = [name for name, count in counts.items() if count > 1]


class Incoming(msgspec.Struct, frozen=True):
    """A request as it came, body included."""

    request_id: str
    method: str
    path: str
    #: Names in lower case; the last of several counts.
    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    query: Query
    body: bytes
    principal: Principal


class Outgoing(msgspec.Struct, frozen=True):
    """A response to be sent."""

    status: int
    body: bytes | ByteStream
    content_type: str = "application/json"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


def as_json(value: object, status: int = 200) -> Outgoing:
    """`value` as a JSON response; decimals become exact JSON numbers."""
    return Outgoing(status, _ENCODER.encode(value))


def header_map(scope: Scope) -> dict[str, str]:
    """The request's headers."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def query_of(scope: Scope) -> Query:
    """The request's query."""
    return Query(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def read_body(
    headers: Mapping[str, str], receive: Receive, limit: int, timeout_s: float
) -> bytes:
    """The whole body, unpacked: at most `limit` bytes, here within `timeout_s` seconds.

    Raises BodyTooLarge as soon as that is known, also while unpacking; BodyTooSlow; ClientLeft on
    disconnect; BadRequest (415) for an encoding that is not understood.
    """
    if stated_length(headers, 0) > limit:
        raise BodyTooLarge(limit)
    encoding = headers.get("content-encoding", "identity").strip().lower()
    unpacker = unpacking.unpacker(encoding, limit)
    try:
        async with asyncio.timeout(timeout_s):
            body = await _received(receive, limit)
    except TimeoutError:
        raise BodyTooSlow(timeout_s) from None
    return body if unpacker is None else await asyncio.to_thread(unpacker, body)


def stated_length(headers: Mapping[str, str], otherwise: int) -> int:
    """Bytes of the body, as its head says; `otherwise` where it does not say."""
    stated = headers.get("content-length", "")
    return int(stated[: _LONGEST_LENGTH + 1]) if stated.isdecimal() else otherwise


async def aside(parse: Callable[[bytes], _T], body: bytes) -> _T:
    """What `parse` makes of a body: a large one is parsed in a thread, off the event loop."""
    return await asyncio.to_thread(parse, body) if len(body) > _LARGE_BYTES else parse(body)


async def respond(outgoing: Outgoing, send: Send, request_id: str) -> None:
    """Send a response; a stream is closed whatever happens.

    One that breaks and has no words for it is left without its end, so that the server cuts the
    connection. One that is cancelled with a message ends with its words for a gateway that stops.
    """
    headers = {
        "content-type": outgoing.content_type,
        "x-request-id": request_id,
        **outgoing.headers,
    }
    body = outgoing.body
    if isinstance(body, bytes):
        if outgoing.status != _NOT_MODIFIED:
            headers["content-length"] = str(len(body))
        await send(_start(outgoing.status, headers))
        await send({"type": "http.response.body", "body": body})
        return
    headers["cache-control"] = "no-cache"
    try:
        await send(_start(outgoing.status, headers))
        async for piece in body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except asyncio.CancelledError as stopped:
        words = await body.close("interrupted" if stopped.args else "client_left")
        if not (stopped.args and words):
            raise
        await send({"type": "http.response.body", "body": words, "more_body": True})
    except UpstreamError:
        return
    finally:
        await body.close()
    await send({"type": "http.response.body", "body": b""})


async def until_disconnect(receive: Receive, answering: asyncio.Task[None]) -> None:
    """Return when the client is gone, or answered. To be called when the body has been read.

    In the caller's own task: one more would be another kilobyte for each open stream.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as waiting:
            answering.add_done_callback(lambda _: _end(waiting))
            while (await receive())["type"] != "http.disconnect":
                pass


def _end(waiting: asyncio.Timeout) -> None:
    """Wake who waits in it, if anybody still does."""
    with suppress(RuntimeError):  # it is over
        waiting.reschedule(asyncio.get_running_loop().time())


def safe_header(value: str) -> str:
    """`value` as one line of printable ASCII."""
    if not (value.isascii() and value.isprintable()):
        value = "".join(char if " " <= char <= "~" else "?" for char in value)
    return value[:_LONGEST_HEADER]


async def _received(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _start(status: int, headers: Mapping[str, str]) -> dict[str, object]:
    pairs = [
        (name.encode("latin-1"), safe_header(value).encode()) for name, value in headers.items()
    ]
    return {"type": "http.response.start", "status": status, "headers": pairs}
