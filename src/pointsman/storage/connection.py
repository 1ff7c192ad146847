"""How every connection to a SQLite file is made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

#: Seconds that a statement waits for somebody else's lock, such as a shell on the file.
_BUSY_S = 5.0
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten
)


def connect(
    path: Path, *, read_only: bool = False, survives_power_cut: bool = True
) -> sqlite3.Connection:
    """Connect to an existing file; raises sqlite3.Error.

    Transactions are explicit (`BEGIN` and `COMMIT`), DDL included. A read-only connection never
    checkpoints, so the one that writes is the only one that does. What is committed survives the
    end of the process, and a power cut too where that is asked for; that waits for the disk.
    """
    mode = "ro" if read_only else "rw"
    synchronous = f"PRAGMA synchronous = {'FULL' if survives_power_cut else 'NORMAL'}"
    connection = _connect(f"{path.absolute().as_uri()}?mode={mode}")
    try:
        for pragma in () if read_only else (synchronous, *_WRITER_PRAGMAS):
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def engine(path: Path, *, read_only: bool = False, size: int = 1) -> Engine:
    """An engine over `connect`, with at most `size` connections."""
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    return _engine(lambda: connect(path, read_only=read_only), begin=begin, size=size)


def blank() -> Engine:
    """An engine over an empty database in memory."""
    return _engine(lambda: _connect(":memory:"), begin="BEGIN", size=1)


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )


def _engine(creator: Callable[[], sqlite3.Connection], *, begin: str, size: int) -> Engine:
    made = create_engine(
        "sqlite://", creator=creator, poolclass=QueuePool, pool_size=size, max_overflow=0
    )

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return made
