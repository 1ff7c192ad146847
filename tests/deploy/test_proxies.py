"""The proxies' files in front of two gateways' stand-ins: what real HAProxy and nginx make of them."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.deploy.files import DEPLOY, program

pytestmark = pytest.mark.full

#: How each is started, with its file as the last word.
PROXIES = {
    "haproxy.cfg": ("haproxy", "-db", "-q", "-f"),
    "nginx.conf": ("nginx", "-g", "daemon off;", "-c"),
}
CHECK = b"GET /health/ready "
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
PATIENCE_S = 20.0

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Gateway:
    """Answers health checks; what it does with a request, the test says."""

    answer: Answer
    ready: bool = True
    asked: list[bytes] = field(default_factory=list)
    checked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(CHECK):
                status = b"200 OK" if self.ready else b"503 Service Unavailable"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
                self.checked += 1
            else:
                self.asked.append(head)
                await self.answer(reader, writer)
        finally:
            writer.close()


@dataclass
class House:
    """A proxy before two gateways; `ports` are theirs, `port` is its own."""

    port: int
    gateways: list[Gateway]
    servers: list[asyncio.Server]

    async def ask(self, request: bytes = POST) -> bytes:
        """The whole reply to a request."""
        reader, writer = await self.connect(request)
        reply = await reader.read()
        writer.close()
        return reply

    async def connect(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which a request went out."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.replace(b"host: x", b"host: x\r\nconnection: close"))
        await writer.drain()
        return reader, writer

    @property
    def asked(self) -> int:
        """Requests that reached a gateway."""
        return sum(len(each.asked) for each in self.gateways)


@asynccontextmanager
async def house(file: str, folder: Path, answer: Answer) -> AsyncIterator[House]:
    """Started, with both gateways seen to be ready where the proxy looks."""
    command = [program(PROXIES[file][0]), *PROXIES[file][1:]]
    gateways = [Gateway(answer), Gateway(answer)]
    servers = [await asyncio.start_server(each.serve, "127.0.0.1", 0) for each in gateways]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    port = _free_port()
    text = (DEPLOY / "proxy" / file).read_text()
    text = re.sub(r"gateway-(\d):7070", lambda found: f"127.0.0.1:{ports[int(found[1]) - 1]}", text)
    text = text.replace(":8080", f"127.0.0.1:{port}").replace("listen 8080", f"listen {port}")
    (folder / file).write_text(text.replace("/tmp/", f"{folder}/"))  # noqa: S108 - as in the file
    proxy = await asyncio.create_subprocess_exec(
        *command, folder / file, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            looks = file == "haproxy.cfg"
            await until(lambda: _listens(port) and (not looks or all(g.checked for g in gateways)))
            yield House(port, gateways, servers)
    finally:
        proxy.terminate()
        await proxy.wait()
        for server in servers:
            server.close()


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds."""
    while not condition():  # noqa: ASYNC110 - other programs set no events
        await asyncio.sleep(0.01)


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A reply at once."""
    await reader.readexactly(2)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    await writer.drain()


both = pytest.mark.parametrize("file", list(PROXIES))


@both
async def test_a_stream_passes_piece_by_piece(file: str, tmp_path: Path):
    more = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await more.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        await writer.drain()

    async with house(file, tmp_path, stream) as made:
        reader, writer = await made.connect(POST)
        assert b"first" in await reader.readuntil(b"first")
        more.set()
        assert b"second" in await reader.read()
        writer.close()


@both
async def test_a_client_that_leaves_is_told_on(file: str, tmp_path: Path):
    waits, gone = asyncio.Event(), asyncio.Event()

    async def think(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        waits.set()
        with suppress(ConnectionError):  # HAProxy resets, nginx closes
            assert await reader.read() == b""
        gone.set()

    async with house(file, tmp_path, think) as made:
        _, writer = await made.connect(POST)
        await waits.wait()
        writer.close()
        await gone.wait()


@both
async def test_a_request_that_reached_a_gateway_is_sent_to_no_other(file: str, tmp_path: Path):
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)

    async with house(file, tmp_path, die) as made:
        reply = await made.ask()

        assert reply.startswith(b"HTTP/1.1 502 ")
        assert made.asked == 1


@both
async def test_a_gateway_that_does_not_listen_costs_no_request(file: str, tmp_path: Path):
    async with house(file, tmp_path, said) as made:
        made.servers[0].close()
        replies = [await made.ask() for _ in range(10)]

        assert {reply.split(b"\r\n")[0] for reply in replies} == {b"HTTP/1.1 200 OK"}
        assert len(made.gateways[1].asked) == len(replies)


async def test_a_gateway_that_leaves_gets_nothing_new_and_ends_what_it_has(tmp_path: Path):
    end = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await end.wait()
        await said(reader, writer)

    async with house("haproxy.cfg", tmp_path, slow) as made:
        held = asyncio.create_task(made.ask())
        await until(lambda: made.asked == 1)
        leaving = next(each for each in made.gateways if each.asked)
        staying = next(each for each in made.gateways if not each.asked)
        leaving.ready = False
        enough = leaving.checked + 3  # two that fail, and the one after them
        await until(lambda: leaving.checked >= enough)
        more = [asyncio.create_task(made.ask()) for _ in range(4)]
        await until(lambda: len(staying.asked) == len(more))
        end.set()

        assert {(await each).split(b"\r\n")[0] for each in [held, *more]} == {b"HTTP/1.1 200 OK"}
        assert len(leaving.asked) == 1


@both
@pytest.mark.parametrize("path", [b"/metrics", b"/%6detrics", b"/metrics?x=1"])
async def test_nobody_reads_one_gateways_figures_through_the_proxy(
    file: str, path: bytes, tmp_path: Path
):
    async with house(file, tmp_path, said) as made:
        reply = await made.ask(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")

        assert reply.startswith(b"HTTP/1.1 404 ")
        assert made.asked == 0


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
