"""A ledger file of an older version, brought up to date while somebody looks on."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command

from pointsman.errors import ConfigError
from pointsman.storage.connection import engine
from pointsman.storage.migrate import configuration
from pointsman.storage.sqlite import SqliteStore
from pointsman.storage.upgrading import bring_up_to_date, old_revision


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of the first revision."""
    path = tmp_path / "ledger.db"
    path.touch()
    source = engine(path)
    with source.begin() as db:
        command.upgrade(configuration(db), "0001")
    source.dispose()
    return path


def test_every_statement_is_told_and_then_it_is_up_to_date(old: Path) -> None:
    told: list[tuple[str, int, int]] = []

    assert old_revision(old) == "0001"
    bring_up_to_date(old, lambda *said: told.append(said))

    total = told[0][2]
    assert [each for each in told if each[2] != total] == []
    assert {done for _, done, _ in told} == set(range(told[-1][1] + 1))
    assert told[-1][1] == total - 1
    assert old_revision(old) is None


def test_where_it_is_cut_short_the_file_is_as_it_was(old: Path) -> None:
    def tell(phase: str, done: int, total: int) -> None:
        del phase
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(old, tell)

    assert old_revision(old) == "0001"
    bring_up_to_date(old, lambda *_: None)
    assert old_revision(old) is None


async def test_a_file_that_somebody_holds_is_left_alone(old: Path, tmp_path: Path) -> None:
    assert old_revision(tmp_path / "none.db") is None
    store = SqliteStore.open(old)
    try:
        assert old_revision(old) is None
        with pytest.raises(ConfigError, match="in use by process"):
            bring_up_to_date(old, lambda *_: None)
    finally:
        await store.close()


def test_what_is_no_ledger_is_said_by_whoever_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("not a database, but long enough to be looked at as if it were one" * 20)

    assert old_revision(path) is None
    with pytest.raises(ConfigError, match="not a database"):
        bring_up_to_date(path, lambda *_: None)
