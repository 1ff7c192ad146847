"""Brings a ledger's schema up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from pointsman.errors import ConfigError

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in `migrations/versions`; a constant, so that a file which is up to date
#: costs no import of Alembic.
HEAD = "0004"
_VERSION = table("alembic_version", column("version_num"))


def revision(connection: Connection) -> str | None:
    """The schema's revision; None where there is no schema yet."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


def upgrade(connection: Connection) -> None:
    """Bring the schema to HEAD, within the caller's transaction.

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
    command.upgrade(config, "head")


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, bound to `connection`; it needs no file."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    scripts = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    return config
