"""A request that is refused before its body is there: its client reads why, and may go on."""

from __future__ import annotations

import asyncio

from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.serving import serving

from pointsman.config import LoadSettings, ServerSettings
from pointsman.server.protocol import BoundedProtocol

BODY = b"x" * 3_000_000


async def status(reader: asyncio.StreamReader) -> int:
    """Of the next reply, which is read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
    return int(head.split()[1])


async def refused_and_then(gateway: Gateway) -> list[int]:
    """What is said to a long body that is sent on after its refusal, and to a request after it."""
    async with serving(gateway.app.asgi(), protocol=BoundedProtocol) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[-1]))
        head = f"authorization: Bearer any\r\nhost: localhost\r\ncontent-length: {len(BODY)}"
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n\r\n".encode())
        heard = [await status(reader)]
        writer.write(BODY)
        writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        heard.append(await status(reader))
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    return heard


async def test_whoever_finds_no_room(start: StartGateway) -> None:
    gateway = await start(two_tiers(load=LoadSettings(max_in_flight=1, queue=0)))
    await gateway.app.entering.door.enter("another", {}, asyncio.Event().wait)

    assert await refused_and_then(gateway) == [503, 200]


async def test_whoever_has_no_key(gateway: Gateway) -> None:
    made = await gateway.client.post("/v1/keys", json={"name": "ann", "role": "admin"})
    assert made.status_code == 201, made.text

    assert await refused_and_then(gateway) == [401, 200]


async def test_whose_body_is_too_long(start: StartGateway) -> None:
    gateway = await start(two_tiers(server=ServerSettings(max_body_bytes=1024)))

    assert await refused_and_then(gateway) == [413, 200]
