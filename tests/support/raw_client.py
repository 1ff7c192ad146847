"""A client that sends the bytes it is told to, and knows exactly which bytes it got."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools


@dataclass
class Heard:
    """What came back so far."""

    #: 0 until the status line is there.
    status: int = 0
    #: Names in lower case.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: All of it is here, as HTTP has it.
    whole: bool = False
    #: The connection was closed by the other side.
    closed: bool = False

    def json(self):
        """The body as a value."""
        return json.loads(self.body)


class Connection:
    """One connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `connected`."""
        self._reader = reader
        self._writer = writer
        self.heard = Heard()
        self._parser = httptools.HttpResponseParser(_Notes(self.heard))

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self, until: bytes | None = None) -> Heard:
        """Read until the reply is whole, or has `until` in its body, or the connection ends."""
        while not self.heard.whole and not (until is not None and until in self.heard.body):
            try:
                data = await self._reader.read(65536)
            except ConnectionError:
                data = b""
            if not data:
                self.heard.closed = True
                break
            self._parser.feed_data(data)
            self.heard.status = self._parser.get_status_code()
        return self.heard

    async def is_closed(self) -> bool:
        """Read to the end of the connection, whatever comes; True when it is there."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            pass
        return True

    def reset(self) -> None:
        """Leave at once (RST)."""
        linger = struct.pack("ii", 1, 0)
        opened = self._writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Connection]:
    """A connection, closed (FIN) at the end."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


def request(
    path: str, value: object, headers: Mapping[str, str] | None = None, *, method: str = "POST"
) -> bytes:
    """A request as bytes; `value` as JSON, or as it is where it is bytes."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    given = {
        "host": "localhost",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask(
    address: str, path: str, value: object, headers: Mapping[str, str] | None = None
) -> Heard:
    """The reply to a request, on a connection of its own."""
    async with connected(address) as connection:
        await connection.send(request(path, value, headers))
        return await connection.hear()


class _Notes:
    """What the parser tells."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def on_header(self, name: bytes, value: bytes) -> None:
        self._heard.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._heard.body += body

    def on_message_complete(self) -> None:
        self._heard.whole = True
