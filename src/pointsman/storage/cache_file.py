"""The file of the embedded cache: made, recognised, and begun anew where it can't be read."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from itertools import starmap
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from pointsman.errors import ConfigError
from pointsman.storage.cache_rows import VERSION, bounds, metadata
from pointsman.storage.connection import connect, engine
from pointsman.storage.eviction import Kept, Shelf

logger = logging.getLogger(__name__)

#: Says in the file's header that it is a cache of Pointsman: "PmCa".
_APPLICATION = 0x506D4361


def prepare(path: Path, shelf: Shelf) -> list[str]:
    """Make the file or recognise it, and fill the shelf; returns the ids that find no room there.

    A cache of another version, or one that is damaged, is dropped: it is only a cache. Raises
    ConfigError where the file is something else, OSError, sqlite3.Error or SQLAlchemyError.
    """
    _make(path)
    try:
        return _fill(path, shelf)
    except DatabaseError as error:
        logger.warning("the cache %s is damaged and begins anew: %s", path, error.orig)
        _drop(path)
        _make(path)
        return _fill(path, shelf)


def _make(path: Path) -> None:
    """The schema, in a file that only its owner may read."""
    path.touch(mode=0o600)
    with closing(connect(path)) as db:
        application, version = _pragma(db, "application_id"), _pragma(db, "user_version")
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application != _APPLICATION:
        raise ConfigError("it is no cache of Pointsman; move it away, or name another file")
    if tables and version != VERSION:
        logger.warning("the cache %s is of another version and begins anew", path)
        _drop(path)
        path.touch(mode=0o600)
    source = engine(path)
    try:
        with source.begin() as db:
            metadata.create_all(db)
            db.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION}")
            db.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    finally:
        source.dispose()


def _fill(path: Path, shelf: Shelf) -> list[str]:
    """The oldest first, so that among equals the newest stay."""
    source = engine(path)
    try:
        with source.begin() as db:
            return shelf.restore(starmap(Kept, db.execute(bounds())))
    finally:
        source.dispose()


def _drop(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
