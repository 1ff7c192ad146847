"""`/v1/events`: what happens, while it happens, to those who may see it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn
from tests.gateway import Gateway, two_tiers
from tests.support.served import eventually, front, served
from tests.support.serving import serving

from pointsman.access.sessions import IDLE_S
from pointsman.clock import ManualClock
from pointsman.providers.scripted import Script
from pointsman.server.ending import EndingServer
from pointsman.server.protocol import BoundedProtocol
from pointsman.telemetry.live import MOST_WATCHERS
from pointsman.types import ALL_ENTRIES, Principal

ADMIN = {"role": "admin", "everywhere": True}
#: Seconds after which a test has failed.
PATIENCE_S = 10


class Stream:
    """One client's events."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self.reply = reply

    async def next(self) -> dict[str, object] | None:
        """The next message's data; None at the end."""
        async with asyncio.timeout(PATIENCE_S):
            async for line in self.reply.content:
                if line.startswith(b"data: "):
                    return json.loads(line.removeprefix(b"data: "))
        return None

    async def requests(self, count: int) -> list[str]:
        """The ids of the next so many entries, or of those before the end."""
        ids: list[str] = []
        while len(ids) < count and (told := await self.next()) is not None:
            ids += [entry["request_id"] for entry in told["entries"]]
        return ids


class Port:
    """A gateway behind a real port."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self.session = session

    @asynccontextmanager
    async def signed_in(self, key: str) -> AsyncIterator[Port]:
        """The same from a browser that has shown this key."""
        jar = aiohttp.CookieJar(unsafe=True)  # that is, of an address without a name
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.post(
                f"{self.address}/dashboard/session",
                json={"key": key},
                headers={"sec-fetch-site": "same-origin"},
            ) as reply:
                assert reply.status == 200, await reply.text()
            yield Port(self.address, session)

    @asynccontextmanager
    async def watching(
        self, query: str = "", headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        async with self.session.get(f"{self.address}/v1/events{query}", headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            yield Stream(reply)


@asynccontextmanager
async def port(gateway: Gateway) -> AsyncIterator[Port]:
    async with (
        serving(gateway.app.asgi(), protocol=BoundedProtocol) as address,
        aiohttp.ClientSession() as session,
    ):
        yield Port(address, session)


async def make(gateway: Gateway, by: Mapping[str, str] | None = None, **wish: object):
    """A new key, as headers."""
    made = await gateway.client.post("/v1/keys", json=wish, headers=by)
    assert made.status_code == 201, made.text
    return {"authorization": f"Bearer {made.json()['key']}"}


async def ask(gateway: Gateway, headers: Mapping[str, str] | None = None, **more: object) -> str:
    """A request's id, once it is answered."""
    reply = await gateway.chat(headers=headers or {}, **more)
    assert reply.status_code == 200
    return reply.headers["x-request-id"]


async def test_an_entry_is_told_as_the_decisions_tell_it(gateway: Gateway) -> None:
    async with port(gateway) as there, there.watching() as stream:
        request_id = await ask(gateway)
        told = await stream.next()
        known = await gateway.client.get(f"/v1/decisions/{request_id}")

    assert told == {"entries": [known.json()], "dropped": 0}
    headers = stream.reply.headers
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"


async def test_whoever_watches_sees_the_same(gateway: Gateway) -> None:
    async with port(gateway) as there, there.watching() as one, there.watching() as other:
        ids = [await ask(gateway) for _ in range(5)]

        assert await one.requests(5) == await other.requests(5) == ids


async def test_filters_are_those_of_the_decisions(gateway: Gateway) -> None:
    async with (
        port(gateway) as there,
        there.watching("?deployment=strong&tier=complex&outcome=completed&cache=bypass") as strong,
        there.watching("?model=local") as local,
    ):
        await ask(gateway)
        wanted = await ask(gateway, {"x-pointsman-cache": "off"}, model="strong")
        asked = await ask(gateway, model="local")

        assert await strong.requests(1) == [wanted]
        assert await local.requests(1) == [asked]


@pytest.mark.parametrize(
    ("query", "says"),
    [("?outcome=perfect", "outcome"), ("?limit=3", "limit"), ("?since=soon", "since")],
)
async def test_a_filter_that_is_none_is_refused(gateway: Gateway, query: str, says: str) -> None:
    refused = await gateway.client.get(f"/v1/events{query}")

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == says


async def test_a_key_sees_what_it_may_see(gateway: Gateway) -> None:
    everywhere = await make(gateway, **ADMIN)
    acme = await make(gateway, everywhere, organisation="acme", role="admin")
    user = await make(gateway, everywhere, organisation="acme")
    globex = await make(gateway, everywhere, organisation="globex")
    async with (
        port(gateway) as there,
        there.watching(headers=everywhere) as all_of_it,
        there.watching(headers=acme) as of_acme,
        there.watching(headers=user) as own,
        there.watching("?organisation=globex", headers=everywhere) as of_globex,
    ):
        ids = [await ask(gateway, headers) for headers in (globex, acme, user)]

        assert await all_of_it.requests(3) == ids
        assert await of_acme.requests(2) == ids[1:]
        assert await own.requests(1) == ids[2:]
        assert await of_globex.requests(1) == ids[:1]
    refused = await gateway.client.get("/v1/events?organisation=globex", headers=acme)
    assert refused.status_code == 403


async def test_a_key_that_ends_sees_nothing_more(gateway: Gateway) -> None:
    admin = await make(gateway, **ADMIN)
    theirs = await make(gateway, admin, role="read-only")
    async with port(gateway) as there, there.watching(headers=theirs) as stream:
        first = await ask(gateway, admin)
        assert await stream.requests(1) == [first]
        key_id = theirs["authorization"].removeprefix("Bearer ")[:11]
        gone = await gateway.client.delete(f"/v1/keys/{key_id}", headers=admin)
        assert gone.status_code == 200

        await ask(gateway, admin)

        assert await stream.next() is None


async def test_to_watch_keeps_no_session_alive(timed: Gateway, clock: ManualClock) -> None:
    admin = await make(timed, **ADMIN)
    key = admin["authorization"].removeprefix("Bearer ")
    async with port(timed) as there, there.signed_in(key) as browser, browser.watching() as stream:
        for _ in range(3):
            clock.advance(IDLE_S / 3)
            asked = await ask(timed, admin)
            assert await stream.requests(1) == [asked]
        clock.advance(1)

        await ask(timed, admin)

        assert await stream.next() is None


async def test_a_key_watches_only_so_often(gateway: Gateway) -> None:
    watches = [gateway.app.live.watch(ALL_ENTRIES, Principal()) for _ in range(MOST_WATCHERS)]

    refused = await gateway.client.get("/v1/events")

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "15"
    for watch in watches:
        watch.close()


async def test_a_head_has_no_end_to_wait_for(gateway: Gateway) -> None:
    head = await gateway.client.head("/v1/events")

    assert head.status_code == 200
    assert head.headers["content-type"] == "text/event-stream"


async def test_a_client_that_leaves_is_forgotten() -> None:
    async with front() as door, served(door, two_tiers().models) as gateway:
        tasks = asyncio.all_tasks()
        async with aiohttp.ClientSession() as session:
            there = Port(door.address, session)
            async with there.watching():
                await eventually(lambda: gateway.app.live.watchers, "somebody watches")

        await eventually(lambda: not gateway.app.live.watchers, "nobody watches")
        await eventually(lambda: asyncio.all_tasks() <= tasks, asyncio.all_tasks)


async def test_the_gateways_end_is_the_streams_end(gateway: Gateway) -> None:
    async with port(gateway) as there, there.watching() as stream:
        gateway.app.live.close()

        assert await stream.next() is None


async def test_a_server_that_stops_waits_for_nobody_who_watches(gateway: Gateway) -> None:
    config = uvicorn.Config(
        gateway.app.asgi(), http=BoundedProtocol, ws="none", lifespan="off", log_level="error"
    )
    server = EndingServer(config, gateway.app.end)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started, "it serves")
        async with aiohttp.ClientSession() as session:
            async with Port(address, session).watching() as stream:
                server.should_exit = True

                assert await stream.next() is None
            async with asyncio.timeout(PATIENCE_S):
                await serving


async def test_what_fails_is_told_too(gateway: Gateway) -> None:
    gateway.tell("weak", Script(status=400))
    async with port(gateway) as there, there.watching("?outcome=failed") as stream:
        failed = await gateway.chat()
        assert failed.status_code == 400

        assert await stream.requests(1) == [failed.headers["x-request-id"]]
