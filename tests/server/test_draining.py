"""A gateway that is told to end says so, serves on for a while, and lets replies finish."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from signal import SIGINT, SIGTERM

import aiohttp
import pytest
import uvicorn
from tests.gateway import Gateway, StartGateway
from tests.support.served import eventually

from pointsman.config import LoadSettings
from pointsman.providers.scripted import Script
from pointsman.server.ending import EndingServer
from pointsman.server.protocol import BoundedProtocol

#: Longer than any of these tests takes: what has to end before ends because it was told to.
LONG_S = 60


class Server(EndingServer):
    """A guest in this process, whose signals are not its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    is_over = False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Once, also where a test does it itself."""
        if not self.is_over:
            self.is_over = True
            await super().shutdown(sockets)

    def told_to_end(self) -> None:
        """As if a signal came."""
        self.handle_exit(SIGTERM, None)


class There:
    """A gateway behind a real port, and a client that keeps its connection."""

    def __init__(
        self, listening: socket.socket, server: Server, serving: asyncio.Task[None]
    ) -> None:
        self.listening = [listening]
        self.place: tuple[str, int] = listening.getsockname()
        self.address = "http://{}:{}".format(*self.place)
        self.server = server
        self.serving = serving
        self.client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))

    def chat(self, *, stream: bool = False) -> aiohttp.client._RequestContextManager:
        asked = {
            "model": "weak",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": stream,
        }
        return self.client.post(f"{self.address}/v1/chat/completions", json=asked)

    async def is_ended(self) -> bool:
        """Within a second or two."""
        async with asyncio.timeout(5):
            await self.serving
        return True


@asynccontextmanager
async def serving(
    gateway: Gateway, *, drain_s: float = 0, grace_s: int = LONG_S
) -> AsyncIterator[There]:
    config = uvicorn.Config(
        gateway.app.asgi(),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=grace_s,
    )
    server = Server(config, gateway.app.end, draining=gateway.app.draining, drain_s=drain_s)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started, "it serves")
        there = There(listening, server, task)
        async with there.client:
            yield there
            server.force_exit = server.should_exit = True
            await task


async def test_it_says_that_it_ends_and_serves_on_for_a_while(gateway: Gateway) -> None:
    async with serving(gateway, drain_s=LONG_S) as there:
        async with there.client.get(f"{there.address}/health/ready") as ready:
            assert ready.status == 200
        there.server.told_to_end()

        async with there.client.get(f"{there.address}/health/ready") as ready:
            assert (ready.status, await ready.json()) == (503, {"status": "draining"})
        async with there.client.get(f"{there.address}/health") as alive:
            assert alive.status == 200
        close = (b"connection", b"close")
        await eventually(lambda: close in there.server.server_state.default_headers, "it drains")
        for _ in range(3):
            async with there.chat() as reply:
                assert reply.status == 200
                assert reply.headers["connection"] == "close"


async def test_a_connection_without_a_request_may_bring_one_until_the_end(
    gateway: Gateway,
) -> None:
    async with serving(gateway) as there:
        async with there.chat() as reply:
            assert "connection" not in reply.headers
            await reply.read()
        there.server.told_to_end()
        await eventually(lambda: not there.server.servers[0].is_serving(), "it accepts no more")

        async with there.chat() as late:  # on the connection that is there
            assert late.status == 200
            assert late.headers["connection"] == "close"
            await late.read()

        assert await there.is_ended()


async def test_whoever_waits_for_a_connection_as_it_ends_has_one(gateway: Gateway) -> None:
    async with serving(gateway) as there:
        ending = asyncio.create_task(there.server.shutdown(there.listening))
        # The loop does not turn until all have been sent: none of them can be accepted before.
        waiting = [socket.create_connection(there.place) for _ in range(20)]
        for each in waiting:
            each.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")

        await ending

        for each in waiting:
            with each, each.makefile("rb") as reply:
                assert reply.readline() == b"HTTP/1.1 200 OK\r\n"
                assert b"connection: close\r\n" in reply.readlines()


async def test_connections_without_a_request_hold_nobody_up(gateway: Gateway) -> None:
    async with serving(gateway) as there:
        async with there.chat() as reply:
            await reply.read()
        with socket.create_connection(there.place) as never_asks:
            there.server.told_to_end()

            assert await there.is_ended()
            assert never_asks.recv(1) == b""


async def test_an_open_stream_is_given_to_its_end(gateway: Gateway) -> None:
    gateway.tell("weak", Script(reply="one two three four", chunks=4, chunk_delay_s=0.1))
    async with serving(gateway) as there, there.chat(stream=True) as reply:
        first = await reply.content.readline()
        there.server.told_to_end()

        rest = await reply.read()

        assert (first + rest).endswith(b"data: [DONE]\n\n")
        assert await there.is_ended()


async def test_a_half_sent_request_is_answered(gateway: Gateway) -> None:
    async with serving(gateway) as there:
        reader, writer = await asyncio.open_connection(*there.place)
        writer.write(b"GET /health HTTP/1.1\r\nho")
        await eventually(
            lambda: any(
                isinstance(each, BoundedProtocol) and each._head_bytes
                for each in there.server.server_state.connections
            ),
            "half of it is here",
        )
        there.server.told_to_end()
        await eventually(lambda: not there.server.servers[0].is_serving(), "it accepts no more")
        writer.write(b"st: localhost\r\n\r\n")

        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"

        writer.close()
        assert await there.is_ended()


@pytest.mark.parametrize("how", ["its time is over", "it is told again"])
async def test_what_is_open_then_is_told_why_it_ends(gateway: Gateway, how: str) -> None:
    gateway.tell("weak", Script(stall_after_chunks=3), Script(first_byte_delay_s=LONG_S))
    in_time = 0 if how == "its time is over" else LONG_S
    async with serving(gateway, grace_s=in_time) as there:
        other = aiohttp.ClientSession()
        asked = {"model": "weak", "messages": [{"role": "user", "content": "Hi"}]}
        async with other, there.chat(stream=True) as stream:
            assert (await stream.content.readline()).startswith(b"data: ")
            whole = asyncio.create_task(
                other.post(f"{there.address}/v1/chat/completions", json=asked)
            )
            await eventually(lambda: len(there.server.server_state.tasks) == 2, "both are open")
            there.server.told_to_end()
            if how == "it is told again":
                there.server.told_to_end()

            events = (await stream.read()).split(b"\n\n")
            refused = await whole

            said = json.loads(events[-2].removeprefix(b"data: "))
            assert said["error"]["code"] == "gateway_stops"
            assert b"data: [DONE]" not in events
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert (await refused.json())["error"]["code"] == "gateway_stops"
            assert await there.is_ended()

    for request_id in (stream.headers["x-request-id"], refused.headers["x-request-id"]):
        entry = await gateway.app.books.get(request_id)
        assert entry is not None
        assert entry.outcome == "interrupted"


async def test_what_is_not_read_yet_is_told_so_too(start: StartGateway) -> None:
    gateway = await start(load=LoadSettings(max_in_flight=1, queue=1))
    async with serving(gateway, grace_s=0) as there:
        reader, writer = await asyncio.open_connection(*there.place)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n")
        writer.write(b"content-length: 1000\r\n\r\nthe half of it")
        door = gateway.app.entering.door
        await eventually(lambda: door.inside, "half a body is here")
        waiting = asyncio.create_task(there.chat().__aenter__())
        await eventually(lambda: door.waiting, "another waits at the door")
        there.server.told_to_end()

        half, refused = await reader.read(), await waiting

        assert half.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"gateway_stops"' in half
        assert refused.status == 503
        assert (await refused.json())["error"]["code"] == "gateway_stops"
        assert await there.is_ended()
        assert (door.inside, door.waiting) == (0, 0)
        writer.close()


def test_the_second_signal_is_the_one_in_a_hurry() -> None:
    server, worker = (
        Server(uvicorn.Config("none"), asyncio.Event().wait, hurries=hurries)
        for hurries in (True, False)
    )

    for each in (server, worker):
        each.handle_exit(SIGINT, None)
        assert (each.should_exit, each.force_exit) == (True, False)
        each.handle_exit(SIGTERM, None)
    assert server.force_exit
    assert not worker.force_exit  # its parent was signalled, too, and says so
    worker.end(at_once=True)
    assert worker.force_exit
