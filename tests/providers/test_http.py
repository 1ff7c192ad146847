"""The HTTP client against raw sockets: connections given back, nothing sent twice."""

import asyncio
import gc
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from pointsman.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from pointsman.providers.http import HttpClient, Timeouts

#: Its end never comes.
JSON_REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{}"
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@asynccontextmanager
async def upstream(handle: Handle) -> AsyncIterator[str]:
    """A server that does with each connection what `handle` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except asyncio.IncompleteReadError:
            return  # the client has hung up
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4)


def test_a_prepared_client_has_loaded_what_connections_need() -> None:
    program = (
        "import asyncio, sys\n"
        "from pointsman.providers.http import HttpClient\n"
        "async def prepared():\n"
        "    client = HttpClient()\n"
        "    assert 'aiohttp' not in sys.modules\n"
        "    client.prepare()\n"
        "    await client.close()\n"
        "    assert 'aiohttp' in sys.modules\n"
        "asyncio.run(prepared())\n"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_a_reply_that_is_not_read_gives_its_connection_back(client: HttpClient) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(JSON_REPLY)
        await writer.drain()
        await reader.read()  # until the client hangs up

    async with upstream(answer) as url:
        for _ in range(5):
            reply = await client.post(url, b"body", {}, Timeouts())
            await reply.chunks.aclose()
    gc.collect()

    held = [each for each in gc.get_objects() if type(each) is aiohttp.ClientResponse]
    assert [each for each in held if each.connection is not None] == []


async def test_a_request_is_sent_once_where_the_connection_was_its_own(client: HttpClient) -> None:
    received: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        received.append(await request_of(reader))

    async with upstream(hang_up) as url:
        with pytest.raises(UpstreamUnreachable, match="without an answer"):
            await client.post(url, b"body", {}, Timeouts())

    assert len(received) == 1


@pytest.mark.parametrize("reset", [False, True])
async def test_stale_connections_of_the_pool_are_nobodys_fault(
    client: HttpClient, *, reset: bool
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await request_of(reader)
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def ask(url: str) -> bytes:
        reply = await client.post(url, b"body", {}, Timeouts())
        return b"".join([piece async for piece in reply.chunks])

    async with upstream(once) as url:
        first = await asyncio.gather(*(ask(url) for _ in range(3)))
        again = await ask(url)  # three stale connections stand before a fresh one

    assert [*first, again] == [b"ok"] * 4


async def test_the_first_byte_has_its_own_patience(client: HttpClient) -> None:
    go_on = asyncio.Event()

    async def think(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        await writer.drain()
        await go_on.wait()
        writer.write(b"ab")
        await writer.drain()
        await reader.read()

    async with upstream(think) as url:
        timeouts = Timeouts(first_byte_s=30, between_chunks_s=0.2)
        reply = await client.post(url, b"body", {}, timeouts)
        asyncio.get_running_loop().call_later(0.5, go_on.set)

        assert await anext(reply.chunks) == b"ab"
        with pytest.raises(UpstreamTimeout, match="nothing more came"):
            await anext(reply.chunks)


async def test_a_body_that_stops_short_is_broken(client: HttpClient) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab")
        await writer.drain()

    async with upstream(cut) as url:
        reply = await client.post(url, b"body", {}, Timeouts())
        with pytest.raises(UpstreamBroken):
            async for _ in reply.chunks:
                pass


async def test_a_small_resource_is_read_whole_and_bounded(client: HttpClient) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n")
        for _ in range(3):
            writer.write(b"x" * 100_000)
            await writer.drain()

    async with upstream(answer) as url:
        status, body = await client.get(url, {}, 10)

    assert (status, len(body)) == (200, 300_000)


async def test_nobody_listens(client: HttpClient) -> None:
    with pytest.raises(UpstreamUnreachable, match="connection refused"):
        await client.post("http://127.0.0.1:1/", b"body", {}, Timeouts())
