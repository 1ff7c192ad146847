"""The schema in the file and the schema in the code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from pointsman.errors import ConfigError
from pointsman.storage import queries, statements, sums
from pointsman.storage.connection import blank
from pointsman.storage.migrate import HEAD, configuration, revision, upgrade
from pointsman.storage.rows import read_entry
from pointsman.storage.schema import metadata
from pointsman.types import DIMENSIONS, Attempt, Dimension, Filter, Settlement, Usage

#: An entry as the first revision wrote it.
OLD = """
INSERT INTO entries (request_id, time, organisation, key, model_asked, stream, decision, tier,
    score, scorer, domain, outcome, attempts, served_tier, deployment, reason, input_tokens,
    output_tokens, cached_tokens, reasoning_tokens, usage_estimated, cost, baseline_cost,
    latency_ms, settled_at)
VALUES ('req_1', 1777636800000000, 'acme', 'ci', 'auto', 1, ?, 'simple', 12.5, 'heuristic',
    'coding', 'completed', ?, 'simple', 'qwen', 'score 12.5', 120, 40, 100, 8, 0,
    320000001, 4800000000, 820.75, 1777636801000000)
"""
OLD_DECISION = """{
    "tier": "simple", "target": {"kind": "auto", "name": "auto"},
    "scored": {"value": 12.5, "parts": {"length": 12.5}, "scorer": "heuristic", "version": "1",
        "dimensions": {}, "domain": "coding", "topics": [], "fault": null},
    "plan": {"attempts": [{"deployment": "qwen", "tier": "simple", "reason": "first"}],
        "dropped": []},
    "reasoning": "score 12.5", "estimated_cost_usd": null}"""
OLD_ATTEMPTS = """[{"deployment": "qwen", "tier": "simple", "outcome": "completed",
    "status": 200, "error": null, "latency_ms": 820.5}]"""
#: The midnight before `OLD`, in microseconds.
MIDNIGHT = 1777593600000000
DRAFTED = """[
    {"deployment":"phi","tier":"simple","outcome":"completed","purpose":"draft",
     "usage":{"input_tokens":10},"cost":"0.0000001",
     "verdict":{"accepted":false,"probability":0.2,"bound":0.5}},
    {"deployment":"qwen","tier":"simple","outcome":"completed"}]"""
EVERY: tuple[Dimension, ...] = ("day", "organisation", "key", *DIMENSIONS)


@pytest.fixture
def source() -> Iterator[Engine]:
    made = blank()
    yield made
    made.dispose()


def test_the_constant_is_the_newest_revision(source: Engine):
    with source.begin() as db:
        assert ScriptDirectory.from_config(configuration(db)).get_heads() == [HEAD]


def test_the_migrations_make_the_schema_of_the_code(source: Engine):
    with source.begin() as db:
        assert revision(db) is None
        upgrade(db)
        assert revision(db) == HEAD
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


def test_upgrading_twice_is_upgrading(source: Engine):
    for _ in range(2):
        with source.begin() as db:
            upgrade(db)
            assert revision(db) == HEAD


def test_an_upgrade_that_is_cut_short_leaves_nothing(source: Engine):
    with source.connect() as db:
        upgrade(db)
        db.rollback()
    with source.connect() as db:
        assert inspect(db).get_table_names() == []


def test_all_the_way_down_again(source: Engine):
    with source.begin() as db:
        upgrade(db)
        command.downgrade(configuration(db), "base")
        assert inspect(db).get_table_names() == ["alembic_version"]


def test_books_of_the_first_revision_lose_nothing(source: Engine):
    with source.begin() as db:
        command.upgrade(configuration(db), "0001")
        db.exec_driver_sql(OLD, (OLD_DECISION, OLD_ATTEMPTS))
        db.exec_driver_sql(
            "INSERT INTO feedback (request_id, time, comment) VALUES ('req_1', 1, 'good')"
        )
        upgrade(db)
        row = db.execute(statements.entry("req_1")).mappings().one()
        said = db.execute(statements.feedback_of(statements.entry("req_1"))).mappings().all()
        entry = read_entry(row, said)

    assert entry.decision.score == 12.5
    assert [each.comment for each in entry.feedback] == ["good"]
    assert entry.settlement == Settlement(
        outcome="completed",
        attempts=(Attempt("qwen", "simple", "completed", status=200, latency_ms=820.5),),
        served_tier="simple",
        deployment="qwen",
        reason="score 12.5",
        usage=Usage(120, 40, cached_tokens=100, reasoning_tokens=8),
        cost=Decimal("0.000320000001"),
        baseline_cost=Decimal("0.0048"),
        latency_ms=820.75,
    )


TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
UNUSED = dict.fromkeys((*TOKENS, "cost"))
#: What an entry of revision 0003 can be, beside what `OLD` is.
VARIANTS = (
    {},
    {"time": MIDNIGHT - 1},
    {"time": MIDNIGHT},
    {"key": "other", "usage_estimated": 1},
    {"organisation": "other", "model_asked": "local", "cost": 0},
    {"cache": "exact", "lookup": '{"state":"exact"}'},
    {"cost": None},
    {"baseline_cost": None},
    {"deployment": None, "served_tier": None, **UNUSED},
    {"outcome": "client_left"},
    {"outcome": "open", "deployment": None, **UNUSED},
    {"attempts": DRAFTED},
    {"attempts": DRAFTED.replace('"0.0000001"', "null")},
)


def test_books_of_before_the_rollups_add_up_to_the_same(source: Engine):
    with source.begin() as db:
        command.upgrade(configuration(db), "0003")
        for number, variant in enumerate(VARIANTS):
            db.exec_driver_sql(OLD, (OLD_DECISION, OLD_ATTEMPTS))
            changed = {**variant, "request_id": f"changed_{number}"}
            columns = ", ".join(f"{name} = ?" for name in changed)
            db.exec_driver_sql(
                f"UPDATE entries SET {columns} WHERE request_id = 'req_1'",  # noqa: S608
                tuple(changed.values()),
            )
        upgrade(db)

        entries = queries.newest(db, 100, None, Filter())
        rollups = queries.report(db, Filter(), EVERY)
        by_deployment = queries.report(db, Filter(), DIMENSIONS)
        balances = db.exec_driver_sql(
            "SELECT kind, organisation, name, sum(spent) FROM balances GROUP BY 1, 2, 3"
        ).all()

    assert len(entries) == len(VARIANTS)
    for rows, by in ((rollups, EVERY), (by_deployment, DIMENSIONS)):
        assert rows == sums.report((sums.of_entry(entry, by) for entry in entries), by)
    assert sum(row.overhead for row in rollups) == Decimal("0.0000001")
    assert sum(row.escalated for row in rollups) == 2
    spent = sum(row.cost for row in rollups)
    for kind in ("organisation", "key"):
        assert sum(Decimal(row[3]) for row in balances if row[0] == kind).scaleb(-12) == spent


def test_back_to_the_first_revision_and_forth_again(source: Engine):
    with source.begin() as db:
        upgrade(db)
        command.downgrade(configuration(db), "0001")
        db.exec_driver_sql(OLD, (OLD_DECISION, OLD_ATTEMPTS))
        upgrade(db)
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
        assert len(db.execute(statements.newest(10, None)).all()) == 1


def test_a_newer_schema_is_refused(source: Engine):
    with source.begin() as db:
        upgrade(db)
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(ConfigError, match=r"newer version .*revision 9999"):
            upgrade(db)


def test_opening_a_ledger_that_is_up_to_date_does_not_import_alembic(tmp_path: Path):
    script = (
        "import asyncio, sys; from pathlib import Path;"
        "from pointsman.storage.sqlite import SqliteStore;"
        "asyncio.run(SqliteStore.open(Path(sys.argv[1])).close());"
        "print('alembic' in sys.modules)"
    )
    run = [sys.executable, "-c", script, str(tmp_path / "ledger.db")]
    first, second = (subprocess.check_output(run, text=True).strip() for _ in range(2))
    assert (first, second) == ("True", "False")
