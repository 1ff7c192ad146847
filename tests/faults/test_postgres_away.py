"""PostgreSQL goes away under a running gateway, which is then killed too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from copy import copy
from itertools import count
from pathlib import Path

import pytest
from tests.support.gateway import Answer, Gateway, eventually
from tests.support.postgres_books import ask, differences, new_database
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.full

CONFIG = """
[models.brisk]
provider = "scripted"
model = "brisk"
price = {{ input = "1.7", output = "5.3" }}
script = [{{ reply = "All aboard." }}]

[ledger]
url = "{url}"
journal_mb = {journal_mb}

[organisations.bound.budgets]
per_day = "1000"
"""
ADMIN = "away-admin"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    made = PostgresServer(options=("-c", "fsync=off"))  # it dies, the machine does not
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def url(server: PostgresServer) -> str:
    return await new_database(server)


@pytest.fixture
def journal_mb() -> int:
    return 64


@pytest.fixture
async def gateway(url: str, tmp_path: Path, journal_mb: int) -> AsyncIterator[Gateway]:
    config = CONFIG.format(url=url, journal_mb=journal_mb)
    async with Gateway(tmp_path, config, api_key=ADMIN) as made:
        yield made
        assert "Traceback" not in made.log


def by(gateway: Gateway, key: str) -> Gateway:
    """The same gateway, asked with this key."""
    asked = copy(gateway)
    asked.api_key = key
    return asked


class Caller:
    """Asks a gateway with a key of its own."""

    def __init__(self, gateway: Gateway, organisation: str) -> None:
        wish = {"name": organisation, "organisation": organisation}
        made = gateway.send("POST", "/v1/keys", json.dumps(wish).encode())
        self._gateway = gateway
        self._key = made.json()["key"]
        self._numbers = count()

    def __call__(self) -> Answer:
        said = [{"role": "user", "content": f"Which platform? {next(self._numbers)}"}]
        return by(self._gateway, self._key).chat({"model": "auto", "messages": said})


def answered(caller: Caller, times: int) -> set[str]:
    """Ids of so many requests, all of which must be answered."""
    answers = [caller() for _ in range(times)]
    assert {each.status for each in answers} == {200}, answers
    return {each.headers["x-request-id"] for each in answers}


async def test_what_it_answers_meanwhile_is_in_the_books_when_both_are_back(
    server: PostgresServer, url: str, gateway: Gateway
):
    free, bound = [await asyncio.to_thread(Caller, gateway, name) for name in ("free", "bound")]
    promised = await asyncio.to_thread(answered, free, 3)
    promised |= await asyncio.to_thread(answered, bound, 3)

    await asyncio.to_thread(server.kill)
    promised |= await asyncio.to_thread(answered, free, 5)
    refused = await asyncio.to_thread(bound)
    report = await asyncio.to_thread(gateway.get, "/v1/report")
    stranger = await asyncio.to_thread(by(gateway, "pm_nobody_knows").get, "/v1/models")
    for each in (refused, report, stranger):
        assert (each.status, each.json()["error"]["code"]) == (503, "ledger_unavailable")
        assert int(each.headers["retry-after"]) >= 1
    assert gateway.get("/health").status == 200
    assert gateway.get("/health/ready").status == 200

    gateway.kill()
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(gateway.start)

    async def completed() -> set[str]:
        rows = await ask(url, "SELECT request_id FROM entries WHERE outcome = 'completed'")
        return {row["request_id"] for row in rows}

    while promised - await completed():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.05)
    promised |= await asyncio.to_thread(answered, bound, 1)
    assert await completed() == promised
    assert await differences(url) == {0}


@pytest.mark.parametrize("journal_mb", [0])
async def test_who_can_serve_nothing_meanwhile_is_not_ready(
    server: PostgresServer, gateway: Gateway
):
    free = await asyncio.to_thread(Caller, gateway, "free")
    await asyncio.to_thread(answered, free, 1)
    assert gateway.get("/health/ready").status == 200

    await asyncio.to_thread(server.kill)
    refused = await asyncio.to_thread(free)
    ready = await asyncio.to_thread(gateway.get, "/health/ready")
    assert (refused.status, refused.json()["error"]["code"]) == (503, "ledger_unavailable")
    assert (ready.status, ready.json()["status"]) == (503, "ledger_unavailable")

    await asyncio.to_thread(server.start)

    def is_ready() -> bool:
        return gateway.get("/health/ready").status == 200

    await asyncio.to_thread(eventually, is_ready, "ready again")
    await asyncio.to_thread(answered, free, 1)
