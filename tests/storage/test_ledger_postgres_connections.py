"""The connections that gateways with books in PostgreSQL take, and who gets them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from decimal import Decimal
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace
from tests.support import servers
from tests.support.entries import NOON, entry
from tests.support.postgres_books import ask, new_database, opened

from pointsman.errors import ConfigError
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Entry, Filter

pytestmark = pytest.mark.full


@pytest.fixture
async def url() -> str:
    return await new_database(servers.postgres())


def open_entry(request_id: str) -> Entry:
    return replace(entry(request_id, outcome="open"), reserved=Decimal("0.01"))


async def test_connections_are_few(url: str):
    async with opened(url, max_connections=4) as store:
        await asyncio.gather(*(store.reserve(open_entry(f"r{number}")) for number in range(50)))
        await asyncio.gather(*(store.report(Filter()) for _ in range(50)))
        [row] = await ask(
            url,
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = $1",
            f"pointsman {store.gateway}",
        )
        assert 2 <= row["count"] <= 4


async def test_reports_leave_room_for_keys(url: str):
    async with opened(url, timeout_s=2.0, max_connections=4) as store:
        other = await asyncpg.connect(url)
        async with other.transaction():
            await other.execute("LOCK TABLE rollups IN ACCESS EXCLUSIVE MODE")
            reports = [asyncio.create_task(store.report(Filter())) for _ in range(5)]
            await asyncio.wait(reports, return_when=asyncio.FIRST_COMPLETED)  # no room for one
            assert await store.keys() == []
            await store.beat(NOON)
        await asyncio.gather(*reports, return_exceptions=True)
        await other.close()


async def test_gateways_that_do_not_fit_into_the_server_do_not_start(
    url: str, caplog: pytest.LogCaptureFixture
):
    async with opened(url, max_connections=30) as one, opened(url, max_connections=30):
        with pytest.raises(ConfigError, match=r"3 gateways with up to 40 connections .*has 97"):
            await PostgresStore.open(url, max_connections=40)

        with caplog.at_level(logging.WARNING):
            await one.beat(NOON)
            async with opened(url, max_connections=2, beside=2), opened(url, max_connections=2):
                await one.beat(NOON)
                await one.beat(NOON)
        assert [each.getMessage().partition(" do not")[0] for each in caplog.records] == [
            "4 gateways with up to 30 connections each"
        ]


async def test_connections_of_users_whom_it_does_not_see_into_count_too(url: str):
    role = f"app_{uuid4().hex}"
    await ask(url, f"CREATE ROLE {role} LOGIN")
    await ask(url, f"GRANT ALL ON SCHEMA public TO {role}")
    theirs = url.replace("postgres@", f"{role}@")
    async with AsyncExitStack() as others:
        for _ in range(10):
            other = await asyncpg.connect(url)
            others.push_async_callback(other.close)
        with pytest.raises(ConfigError, match="1 gateway with up to 90"):
            await PostgresStore.open(theirs, max_connections=90)
    async with opened(theirs, max_connections=80) as store:
        assert await store.keys() == []
