"""One machine's books, moved into a database that several share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic import command
from msgspec.structs import replace
from tests.storage.test_migrations import EVERY
from tests.support import servers
from tests.support.entries import DECISION, NOON, entry
from tests.support.postgres_books import ask, database, differences, opened
from typer.testing import CliRunner

from pointsman.access.keys import digest
from pointsman.cli.commands import app
from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage.connection import engine
from pointsman.storage.migrate import configuration
from pointsman.storage.moving import TABLES, move
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import (
    Change,
    Check,
    Feedback,
    Filter,
    Grant,
    Informed,
    Key,
    Limits,
    Settlement,
    Signals,
    StoredKey,
    StoredPrompt,
    Version,
)

pytestmark = pytest.mark.full

STRANGE = "naïve \0 \x10 \x100 «»"
KEY = StoredKey(
    Key("pm_1", STRANGE, "acme", Grant(role="user", limits=Limits(concurrent=3)), NOON, NOON),
    digest("secret"),
)
TAKING_PART = replace(DECISION, informed=Informed("v1", "AAA=", experiment="exp_1"))
CHECK = Check(
    "r0", NOON, "acme", "auto", "reply", 0.1 + 0.2, 1 / 3, false=True, by="judge", decider=STRANGE
)


def silent(phase: str, done: float, total: float | None) -> None:
    """Nobody looks on."""


@pytest.fixture
async def url(tmp_path: Path) -> str:
    return await database(servers.postgres(), tmp_path)


async def fill(path: Path) -> None:
    """Some of everything."""
    store = SqliteStore.open(path)
    for number in range(50):
        name = f"r{number}"
        each = entry(name, key=f"k{number % 3}", cost=None if number % 7 == 0 else f"0.{number}7")
        await store.reserve(replace(each, decision=TAKING_PART, model_asked=STRANGE))
        await store.add_signals([Signals(name, NOON, {"length": number / 7})])
    await store.reserve(entry("open", outcome="open"))
    await store.add(Feedback("r1", NOON, 1.0, STRANGE))
    await store.keep_prompt(StoredPrompt("r1", NOON, "acme", "k1", STRANGE, None, ("email",)))
    await store.put_key(KEY)
    await store.add_check(CHECK)
    await store.add_version(
        Version("v1", "acme", NOON, "learned", STRANGE, outcomes=3, last="r2", comparison="{}")
    )
    await store.add_change(Change("c1", "acme", NOON, "fit", "text", None, "{}"))
    await store.close()


async def test_all_that_is_in_the_file_is_in_the_database_and_it_goes_on(url: str, tmp_path: Path):
    path = tmp_path / "pointsman.db"
    await fill(path)

    moved = {each.table: each.rows for each in await move(path, url, silent)}

    here = SqliteStore.open(path)
    async with opened(url) as there:
        for read in (
            lambda books: books.list(limit=100),
            lambda books: books.keys(),
            lambda books: books.checks(),
            lambda books: books.versions(),
            lambda books: books.changes(),
            lambda books: books.observed(limit=100),
            lambda books: books.taken_part("exp_1"),
            lambda books: books.prompt("r1"),
            lambda books: books.get("r1"),
            lambda books: books.evidence_stamp(),
            lambda books: books.keys_stamp(),
        ):
            assert await read(there) == await read(here)
        ours, theirs = [await books.report(Filter(), EVERY) for books in (here, there)]
        assert sorted(ours, key=repr) == sorted(theirs, key=repr)
        assert (await there.get("open")).outcome == "interrupted"
        assert await differences(url) == {0}

        await there.add(Feedback("r2", NOON, -1.0))
        await there.add_check(CHECK)
        await there.add_change(Change("c2", "acme", NOON, "fit", "text", None, "{}"))
        await there.settle("open", Settlement(outcome="completed"))
    await here.close()
    assert (moved["entries"], moved["feedback"], moved["observed"]) == (51, 1, 50)
    assert set(moved) == {table.name for table in TABLES}


async def test_books_that_are_there_are_not_written_over(url: str, tmp_path: Path):
    path = tmp_path / "pointsman.db"
    await fill(path)
    async with opened(url) as there:
        await there.reserve(entry("theirs"))

    with pytest.raises(ConfigError, match="balances is not empty"):
        await move(path, url, silent)
    assert [row["request_id"] for row in await ask(url, "SELECT request_id FROM entries")] == [
        "theirs"
    ]


async def test_what_is_cut_short_leaves_nothing_behind_and_begins_anew(url: str, tmp_path: Path):
    path = tmp_path / "pointsman.db"
    await fill(path)

    def fail(phase: str, done: float, total: float | None) -> None:
        if phase == "versions, read back":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await move(path, url, fail)
    assert await ask(url, "SELECT FROM entries") == []
    assert await move(path, url, silent)


async def test_a_file_of_the_version_before_is_brought_up_to_date_first(url: str, tmp_path: Path):
    path = tmp_path / "pointsman.db"
    path.touch()
    source = engine(path)
    with source.begin() as db:
        command.upgrade(configuration(db), "0005")
    source.dispose()

    assert {each.rows for each in await move(path, url, silent)} == {0}


async def test_what_can_not_be_moved_is_said(url: str, tmp_path: Path):
    path = tmp_path / "pointsman.db"
    with pytest.raises(ConfigError, match="there are no books"):
        await move(path, url, silent)
    store = SqliteStore.open(path)
    with pytest.raises(ConfigError, match="is in use by process"):
        await move(path, url, silent)
    await store.close()
    with pytest.raises(LedgerUnavailable):
        await move(path, "postgresql://user@127.0.0.1:1/books", silent)


def test_the_command_says_what_it_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))
    monkeypatch.setenv("BOOKS", asyncio.run(database(servers.postgres(), tmp_path)))
    asyncio.run(fill(tmp_path / "pointsman.db"))

    done = CliRunner().invoke(app, ["db", "migrate-from-sqlite", "--to", "${BOOKS}"])

    assert done.exit_code == 0, done.output
    assert "entries " in done.output
    assert "What was read back is what was sent" in done.output
