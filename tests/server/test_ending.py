"""A server that ends at once still lets what is on its way arrive."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.support.served import eventually

from pointsman.server.protocol import PromptServer


class Slow:
    """Ends its reply when it is told to."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.asked = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        self.asked = True
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half, ", "more_body": True})
        await self.may_end.wait()
        await send({"type": "http.response.body", "body": b"whole"})


async def test_a_reply_that_has_begun_is_given_to_its_end() -> None:
    slow = Slow()
    server = PromptServer(uvicorn.Config(slow, ws="none", lifespan="off", log_level="error"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started, "it serves")
        async with aiohttp.ClientSession() as client, client.get(address) as reply:
            assert await reply.content.read(6) == b"half, "
            server.should_exit = True
            await eventually(lambda: not any(each.is_serving() for each in server.servers), "ends")
            assert not serving.done()

            slow.may_end.set()

            assert await reply.read() == b"whole"
        await serving
