"""An upstream that fails on purpose: raw bytes on real sockets, step by step.

What it shall do with a request is a list of steps; what it really did stands in its log.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeAlias


@dataclass(frozen=True)
class Send:
    """Some bytes, whole or in pieces, each of which is sent by itself."""

    data: bytes
    #: Bytes of a piece; None is all at once.
    piece: int | None = None
    #: Seconds before each piece but the first.
    every_s: float = 0.0


@dataclass(frozen=True)
class Hang:
    """Nothing, until the client leaves or the time is over."""

    seconds: float | None = None


@dataclass(frozen=True)
class Close:
    """The end of the connection (FIN)."""


@dataclass(frozen=True)
class Reset:
    """The connection torn down (RST)."""


@dataclass(frozen=True)
class HalfClose:
    """Nothing more will be sent, but the connection stays."""


Step: TypeAlias = Send | Hang | Close | Reset | HalfClose


@dataclass
class Asked:
    """A request, and what became of it."""

    #: From 0: its own number, that of its connection, and its place on that.
    number: int
    connection: int
    place: int
    #: When it was here, in monotonic seconds.
    at: float
    head: str
    body: bytes
    #: Bytes that were written for it.
    sent: int = 0
    #: `done` with all steps, `closed` by us, or the client `left` before.
    ended: str = "open"

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return bool(json.loads(self.body or b"{}").get("stream"))


Behave: TypeAlias = Callable[[Asked], Iterable[Step]]


class FaultyUpstream:
    """Serves by `async with`, on a port of its own, from this event loop."""

    def __init__(
        self, behave: Behave, *, deaf: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        """`behave` gives the steps for a request; a `deaf` one takes them before it reads any."""
        self._behave = behave
        self._deaf = deaf
        self._tls = tls
        self._server: asyncio.Server | None = None
        #: A task for each connection that is open, idle ones too.
        self.serving: set[asyncio.Task[None]] = set()
        #: Every request, in order.
        self.log: list[Asked] = []
        #: When each connection was made, in monotonic seconds.
        self.connections: list[float] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self._port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for serving in tuple(self.serving):
            serving.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    @property
    def base_url(self) -> str:
        """Its OpenAI API."""
        host = "https://localhost" if self._tls else "http://127.0.0.1"
        return f"{host}:{self._port}/v1"

    @property
    def at_work(self) -> int:
        """Requests that it has not done with."""
        return sum(asked.ended == "open" for asked in self.log)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self.serving.add(serving)
        number = len(self.connections)
        self.connections.append(time.monotonic())
        try:
            await self._serve(number, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client is gone
        except asyncio.CancelledError:
            return  # so are we; raised on, it would be logged
        finally:
            self.serving.discard(serving)
            writer.close()

    async def _serve(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        place = 0
        while True:
            asked = Asked(len(self.log), number, place, time.monotonic(), "", b"")
            if not self._deaf:
                asked.head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                asked.body = await reader.readexactly(_length(asked.head))
                asked.number, asked.at = len(self.log), time.monotonic()
            self.log.append(asked)
            try:
                for step in self._behave(asked):
                    if not await _take(step, asked, reader, writer):
                        return
                asked.ended = "done"
            finally:
                if asked.ended == "open":
                    asked.ended = "left"
            place += 1


def head(
    status: int = 200, content_type: str = "application/json", *more: str, length: int | None = None
) -> bytes:
    """A reply's head; without `length` it is as long as `more` says, or until the end."""
    lines = [f"HTTP/1.1 {status} As told", f"content-type: {content_type}", *more]
    if length is not None:
        lines.append(f"content-length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(
    body: bytes, *more: str, status: int = 200, content_type: str = "application/json"
) -> bytes:
    """A whole reply."""
    return head(status, content_type, *more, length=len(body)) + body


STREAM_HEAD = head(200, "text/event-stream", "transfer-encoding: chunked")
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Bytes of a body in HTTP's chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def shred(data: bytes, seed: int, most: int = 9) -> Iterator[Send]:
    """Bytes of a body in chunks of random sizes, the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - the same cuts in every run
    start = 0
    while start < len(data):
        end = start + dice.randint(1, most)
        yield Send(chunk(data[start:end]))
        start = end


@dataclass(frozen=True)
class Certificate:
    """A key and a certificate that nobody trusts, for `localhost`."""

    folder: Path
    names: Sequence[str] = field(default=("localhost",))

    def context(self) -> ssl.SSLContext:
        """What a server needs to show it. Needs the `openssl` command."""
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            f"-subj /CN={self.names[0]} -keyout {key} -out {certificate}"
        )
        subprocess.run(command.split(), check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


async def _take(
    step: Step, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Whether the connection goes on after it."""
    match step:
        case Send():
            size = step.piece or max(1, len(step.data))
            for start in range(0, len(step.data), size):
                if start and not await _wait(step.every_s, reader):
                    return False
                piece = step.data[start : start + size]
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)  # whoever reads it may be in this loop
                asked.sent += len(piece)
            return True
        case Hang():
            return await _wait(step.seconds, reader)
        case HalfClose():
            writer.write_eof()
            return True
        case Reset():
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
    asked.ended = "closed"
    return False


async def _wait(seconds: float | None, reader: asyncio.StreamReader) -> bool:
    """Whether the client is still there when the time is over."""
    try:
        async with asyncio.timeout(seconds):
            return bool(await reader.read(1))
    except TimeoutError:
        return True


def _length(head_text: str) -> int:
    for line in head_text.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0
