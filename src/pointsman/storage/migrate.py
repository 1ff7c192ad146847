"""Brings a ledger's schema up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, column, event, inspect, select, table

from pointsman.errors import ConfigError
from pointsman.storage.connection import blank

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in `migrations/versions`; a constant, so that a file which is up to date
#: costs no import of Alembic.
HEAD = "0007"
_VERSION = table("alembic_version", column("version_num"))

#: Hears what is being done, how much of it is done, and how much there is to do.
Tell: TypeAlias = Callable[[str, int, int], None]


def revision(connection: Connection) -> str | None:
    """The schema's revision; None where there is no schema yet."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


def upgrade(connection: Connection, tell: Tell | None = None) -> None:
    """Bring the schema to HEAD, within the caller's transaction; `tell` hears of each statement.

    Raises ConfigError where a newer version of Pointsman wrote it.
    """
    found = revision(connection)
    if found == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - dear to import, and seldom needed
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = configuration(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise ConfigError(
            f"a newer version of Pointsman wrote it (revision {found}, this one knows {HEAD});"
            " upgrade Pointsman, or name another file"
        )
    if tell is None or found is None:
        command.upgrade(config, "head")
        return
    total = _statements(found)
    with _each_statement(connection, lambda done: tell("statements", min(done, total), total)):
        command.upgrade(config, "head")


def _statements(found: str) -> int:
    """How many there are from that revision on: as many as an empty database takes."""
    from alembic import command  # noqa: PLC0415

    begun: list[int] = []
    source = blank()
    try:
        with source.begin() as empty:
            command.upgrade(configuration(empty), found)
            with _each_statement(empty, begun.append):
                command.upgrade(configuration(empty), "head")
    finally:
        source.dispose()
    return len(begun)


@contextmanager
def _each_statement(connection: Connection, hear: Callable[[int], None]) -> Iterator[None]:
    """Before each statement of the block `hear` gets how many have been done."""
    done = 0

    def begins(*_: object) -> None:
        nonlocal done
        hear(done)
        done += 1

    event.listen(connection, "before_cursor_execute", begins)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", begins)


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, bound to `connection`; it needs no file."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    scripts = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    return config
