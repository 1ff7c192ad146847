"""The schema in PostgreSQL and the schema in the code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from sqlalchemy import Connection, MetaData, Table, inspect
from tests.storage.test_migrations import EVERY, OLD_ATTEMPTS, OLD_DECISION
from tests.support import servers
from tests.support.entries import DECISION, NOON, entry
from tests.support.postgres_books import ask, differences, new_database, opened

from pointsman.errors import ConfigError
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.storage.migrate import configuration, upgrade
from pointsman.storage.postgres_link import PostgresLink
from pointsman.storage.schema import metadata
from pointsman.types import Filter, Informed, Signals

pytestmark = pytest.mark.full

#: An entry of revision 0003.
OLD = {
    "time": 1777636800000000, "organisation": "acme", "key": "ci", "model_asked": "auto",
    "stream": True, "decision": OLD_DECISION, "tier": "simple", "score": 12.5,
    "scorer": "heuristic", "domain": "coding", "outcome": "completed", "attempts": OLD_ATTEMPTS,
    "served_tier": "simple", "deployment": "qwen", "reason": "score 12.5", "input_tokens": 120,
    "output_tokens": 40, "usage_estimated": False, "cost": 320000001, "baseline_cost": 4800000000,
    "latency_ms": 820.75, "settled_at": 1777636801000000,
}  # fmt: skip


@pytest.fixture
async def url() -> str:
    return await new_database(servers.postgres())


@pytest.fixture
async def link(url: str) -> AsyncIterator[PostgresLink]:
    made = PostgresLink(url, timeout_s=30, max_connections=1)
    yield made
    await made.close()


async def test_the_migrations_make_the_schema_of_the_code_and_go_all_the_way_down(
    link: PostgresLink,
):
    def both_ways(db: Connection) -> list[str]:
        upgrade(db)
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
        command.downgrade(configuration(db), "base")
        return inspect(db).get_table_names()

    assert await link.write(both_ways) == ["alembic_version"]


async def test_books_of_before_the_rollups_add_up_to_the_same(link: PostgresLink, url: str):
    def fill(db: Connection) -> None:
        command.upgrade(configuration(db), "0003")
        entries = Table("entries", MetaData(), autoload_with=db)
        for number, changed in enumerate(({}, {"key": "other"}, {"cost": None}, {"time": 1})):
            db.execute(entries.insert().values({**OLD, "request_id": f"r{number}", **changed}))

    await link.write(fill)
    async with opened(url) as store:
        rows = await store.report(Filter(), EVERY)
        assert sum(row.requests for row in rows) == len(await store.list(limit=10)) == 4
        assert sum(row.cost for row in rows) == 3 * Decimal("0.000320000001")
        assert await differences(url) == {0}


async def test_the_version_before_forgets_entries_with_all_that_hangs_on_them_now(url: str):
    async with opened(url) as store:
        taking_part = replace(DECISION, informed=Informed("v1", "AAA=", experiment="exp_1"))
        await store.reserve(replace(entry("r1"), decision=taking_part))
        await store.add_signals([Signals("r1", NOON, {"length": 0.5})])
        assert await store.observed(limit=1)

        await ask(url, "DELETE FROM entries")

        assert [await store.observed(limit=1), await store.taken_part("exp_1")] == [[], []]


async def test_a_newer_schema_is_refused(url: str):
    async with opened(url):
        await ask(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match=r"newer version .*revision 9999"):
        await PostgresStore.open(url)
