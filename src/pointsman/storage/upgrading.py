"""A ledger file of an older version brought up to date, for somebody who waits for that."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy.exc import SQLAlchemyError

from pointsman.errors import ConfigError
from pointsman.storage.connection import engine
from pointsman.storage.migrate import HEAD, Tell, revision, upgrade
from pointsman.storage.owner import Claim

#: Steps of SQLite's machine between two signs of life within a statement: some 50 ms.
_STEPS = 1_000_000


def old_revision(path: Path) -> str | None:
    """The revision of a file that is not up to date; None where it is, or there is none.

    What can't be read is left to `SqliteStore.open`, which says so.
    """
    if not path.exists():
        return None
    source = engine(path, read_only=True)
    try:
        with source.begin() as db:
            found = revision(db)
    except SQLAlchemyError:
        return None
    finally:
        source.dispose()
    return None if found == HEAD else found


def bring_up_to_date(path: Path, tell: Tell) -> None:
    """What `SqliteStore.open` would do to an older file first; `tell` hears how far it is.

    All of it or nothing: what is cut short begins anew the next time. Raises ConfigError where
    another process holds the file, or it can't be changed.
    """
    claim = Claim(path)
    source = engine(path)
    try:
        with source.begin() as db:
            plain = cast("sqlite3.Connection", db.connection.driver_connection)
            upgrade(db, partial(_tell_on, plain, tell))
            plain.set_progress_handler(None, 0)
    except (SQLAlchemyError, ConfigError) as error:
        reason = error.__cause__ if isinstance(error, SQLAlchemyError) else error
        raise ConfigError(f"the ledger {path} can't be used: {reason or error}") from error
    finally:
        source.dispose()
        claim.release()


def _tell_on(plain: sqlite3.Connection, tell: Tell, phase: str, done: int, total: int) -> None:
    """Tell, and again while the next statement takes its time."""
    tell(phase, done, total)
    plain.set_progress_handler(lambda: tell(phase, done, total), _STEPS)
