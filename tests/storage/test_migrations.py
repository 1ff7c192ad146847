"""The schema in the file and the schema in the code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from pointsman.errors import ConfigError
from pointsman.storage.connection import blank
from pointsman.storage.migrate import HEAD, configuration, revision, upgrade
from pointsman.storage.schema import metadata


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
