"""The schema in PostgreSQL changes while gateways of the version before keep serving."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from tests.support import servers
from tests.support.entries import entry
from tests.support.postgres_books import ask, differences, new_database, opened

from pointsman.errors import LedgerUnavailable
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.storage.migrate import HEAD, configuration
from pointsman.storage.postgres_link import PostgresLink
from pointsman.storage.postgres_upgrade import bring_up_to_date
from pointsman.types import Filter

pytestmark = pytest.mark.full

Plain: TypeAlias = str | int | float | bool | list["Plain"] | dict[str, str] | None

#: What the gateway of revision 0005 said to its database, as it was when that was the newest: one
#: request from a sign of life and its reservation to a rating, reports, keys, and its end.
STATEMENTS = json.loads(Path(__file__).with_name("version_0005.json").read_text())


def named(value: Plain, name: str) -> object:
    """A value of the statements, for the request of this name."""
    match value:
        case {"hex": digits}:
            return bytes.fromhex(digits)
        case list():
            return [named(each, name) for each in value]
        case str():
            return value.replace("REQUEST", name)
        case _:
            return value


async def version_before(connection: asyncpg.Connection, name: str) -> None:
    """All that it says for one request."""
    for _, step in groupby(STATEMENTS, lambda each: each["step"]):
        async with connection.transaction():
            for each in step:
                await connection.execute(each["sql"], *named(each["values"], name))


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[Sequence[str]]:
    """It serves one request after the other, for as long as the block; their names."""
    patient = {"lock_timeout": "20s", "synchronous_commit": "off"}  # disks of tests are busy
    connection = await asyncpg.connect(url, server_settings=patient)
    served: list[str] = []
    ended = asyncio.Event()

    async def serve() -> None:
        while not ended.is_set():
            await version_before(connection, name := f"r{len(served)}")
            served.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(serve())
        yield served
        ended.set()
    await connection.close()


async def more(served: Sequence[str], number: int = 5) -> None:
    """Until so many more have been served."""
    until = len(served) + number
    while len(served) < until:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)


@pytest.fixture
async def url() -> str:
    """Books of the version before."""

    def make(db: Connection) -> None:
        command.upgrade(configuration(db), "0005")

    made = await new_database(servers.postgres())
    link = PostgresLink(made, timeout_s=30, max_connections=1)
    await link.write(make)
    await link.close()
    return made


async def test_the_version_before_keeps_serving_while_the_schema_changes_and_after_it(url: str):
    async with serving(url) as served:
        await more(served)
        async with opened(url) as store:
            await store.reserve(entry("new"))
            await more(served)
            names = [*served, "new"]
            rows = {each.request_id for each in await store.list(limit=10_000)}
            assert rows >= set(names)
            [total] = await store.report(Filter(outcome="completed"), ())
            assert total.requests >= len(names)
    assert await differences(url) == {0}
    assert [row["version_num"] for row in await ask(url, "SELECT * FROM alembic_version")] == [HEAD]


async def test_requests_do_not_queue_up_behind_it_where_somebody_reads_for_long(url: str):
    reader = await asyncpg.connect(url)
    reading = reader.transaction()
    await reading.start()
    for table in ("entries", "keys", "balances", "gateways"):
        await reader.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")  # as a long report does

    async with serving(url) as served:
        upgrading = asyncio.create_task(PostgresStore.open(url, timeout_s=30))
        await more(served, 20)
        assert not upgrading.done()
        await reading.rollback()
        await (await upgrading).close()
        await more(served)
    await reader.close()
    assert await differences(url) == {0}


async def test_it_gives_up_after_a_while_and_says_why(url: str):
    reader = await asyncpg.connect(url)
    reading = reader.transaction()
    await reading.start()
    await reader.execute("LOCK TABLE keys IN ACCESS SHARE MODE")
    link = PostgresLink(url, timeout_s=30, max_connections=1)

    with pytest.raises(LedgerUnavailable, match="something uses its tables"):
        await bring_up_to_date(link, patience_s=1.0)
    assert [row["version_num"] for row in await ask(url, "SELECT * FROM alembic_version")] == [
        "0005"
    ]
    await link.close()
    await reader.close()
