"""What clients are told that can't be let in, in the words of each of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import pytest
from tests.gateway import StartGateway, two_tiers

from pointsman.config import LoadSettings
from pointsman.server.door import Door

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
FULL = two_tiers(load=LoadSettings(max_in_flight=1, queue=0))
BODIES = {
    "/v1/chat/completions": CHAT,
    "/v1/messages": {**CHAT, "max_tokens": 10},
    "/v1/responses": {"model": "auto", "input": "Hello"},
    "/v1/completions": {"model": "auto", "prompt": "Hello"},
    "/v1/embeddings": {"model": "auto", "input": "Hello"},
    "/api/chat": CHAT,
    "/v1/route": {"prompt": "Hello"},
}


async def nothing() -> Mapping[str, object]:
    return await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def somebody_inside(door: Door) -> AsyncIterator[None]:
    await door.enter("another", {}, nothing)
    yield
    door.leave("another")


def said(reply: httpx2.Response) -> object:
    error = reply.json()["error"]
    return error if isinstance(error, str) else error["message"]


@pytest.mark.parametrize("path", BODIES)
async def test_whoever_finds_no_room_is_told_when_to_come_back(
    start: StartGateway, path: str
) -> None:
    gateway = await start(FULL)
    async with somebody_inside(gateway.app.entering.door):
        reply = await gateway.client.post(path, content=b"no JSON: nobody reads it")

    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"
    assert reply.headers["x-request-id"].startswith("req_")
    assert "more requests than this gateway can serve" in str(said(reply))
    shown = (await gateway.client.get("/metrics")).text  # an alert watches it
    assert 'pointsman_refusals_total{error="Overloaded"} 1.0' in shown
    again = await gateway.client.post(path, content=json.dumps(BODIES[path]))
    assert again.status_code != 503


async def test_anthropics_clients_are_told_in_their_own_words(start: StartGateway) -> None:
    gateway = await start(FULL)
    async with somebody_inside(gateway.app.entering.door):
        one, other = [await gateway.client.post("/v1/messages", json={}) for _ in range(2)]

    assert one.json()["error"]["type"] == "overloaded_error"
    assert one.json()["request_id"] == one.headers["request-id"] == one.headers["x-request-id"]
    assert other.json()["request_id"] != one.json()["request_id"]


async def test_such_a_request_is_in_no_books_and_what_reads_them_goes_on(
    start: StartGateway,
) -> None:
    gateway = await start(FULL)
    async with somebody_inside(gateway.app.entering.door):
        await gateway.chat()
        listed = await gateway.client.get("/v1/decisions")
        alive = [
            (await gateway.client.get(path)).status_code for path in ("/health", "/health/live")
        ]

    assert listed.json()["data"] == []
    assert alive == [200, 200]
    assert gateway.app.entering.door.refused == 1


async def test_every_end_of_a_request_makes_room_again(start: StartGateway) -> None:
    gateway = await start(FULL)
    statuses = [
        (await gateway.client.post("/v1/chat/completions", content=body)).status_code
        for body in (b"no JSON", b"{}", json.dumps({**CHAT, "model": "nobody"}), json.dumps(CHAT))
    ]
    streamed = await gateway.chat(stream=True)

    assert statuses == [400, 400, 404, 200]
    assert streamed.status_code == 200
    assert gateway.app.entering.door.inside == 0


async def test_without_a_limit_of_any_deployment_there_is_room_for_what_files_allow(
    start: StartGateway,
) -> None:
    gateway = await start(two_tiers())
    assert gateway.app.entering.door.limit > 100
