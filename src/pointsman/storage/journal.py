"""Writes that wait on this machine's disk for a server that is not there."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeAlias

import filelock
import msgspec

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage.connection import connect
from pointsman.storage.ledger_postgres_writes import Reserve, Settle
from pointsman.storage.rows import EntryRow, SettlementRow
from pointsman.storage.statements import Value
from pointsman.storage.writer import Writer
from pointsman.types import Json

logger = logging.getLogger(__name__)

#: What can wait. Marks need not, and what a budget has left only the server knows.
Kept: TypeAlias = Reserve | Settle

#: Gateways of one machine that keep a journal each in the same folder.
_MOST_FILES = 256
#: Writes that may wait for the disk itself.
_CAPACITY = 10_000
_TABLE = """
    CREATE TABLE IF NOT EXISTS writes (
        number INTEGER PRIMARY KEY, request_id TEXT NOT NULL, kind TEXT NOT NULL,
        body BLOB NOT NULL, refused INTEGER NOT NULL DEFAULT 0
    )"""
_ADD = "INSERT INTO writes (request_id, kind, body) VALUES (?, ?, ?)"
_FIRST = (
    "SELECT number, request_id, kind, body FROM writes WHERE NOT refused ORDER BY number LIMIT ?"
)
_WAITING = "SELECT request_id, length(body) FROM writes WHERE NOT refused"
_FORGET = "DELETE FROM writes WHERE number = ?"
_REFUSE = "UPDATE writes SET refused = 1 WHERE number = ?"
_EVERYTHING = "SELECT request_id, kind, body, refused FROM writes ORDER BY number"
_ADOPT = "INSERT INTO writes (request_id, kind, body, refused) VALUES (?, ?, ?, ?)"

_encode = msgspec.json.Encoder().encode
#: By the kind of the write: what it is, and the columns of its row.
_KINDS: dict[str, tuple[type[Kept], Collection[str]]] = {
    "reserve": (Reserve, EntryRow.__annotations__),
    "settle": (Settle, SettlementRow.__annotations__),
}


class Noted(msgspec.Struct, frozen=True):
    """One write in the journal, by its place in it."""

    number: int
    request_id: str
    kind: str
    body: bytes

    def read(self) -> Kept:
        """The write; columns that its writer did not know are NULL. Raises msgspec.DecodeError."""
        made, columns = _KINDS[self.kind]
        write: dict[str, Json] = msgspec.json.decode(self.body, type=dict)
        row = write.get("row")
        if isinstance(row, dict):
            write["row"] = {**dict.fromkeys(columns), **row}
        return msgspec.convert(write, made)


class Journal:
    """What was promised while the server was away; a power cut takes none of it.

    One file for each gateway, in the order in which it was promised. All methods are to be called
    from one event loop.
    """

    def __init__(self, lock: filelock.BaseFileLock, path: Path, *, max_bytes: int) -> None:
        """See `open`."""
        self._lock = lock
        #: From which on no reservation is taken.
        self.max_bytes = max_bytes
        self._ids: Counter[str] = Counter()
        #: Bytes that wait.
        self.size = 0
        with closing(_connected(path)) as db:
            for request_id, size in db.execute(_WAITING):
                self._count(request_id, size)
        if self._ids:
            logger.warning("%d requests wait in the journal for the ledger", len(self._ids))
        self._writer = Writer(lambda: connect(path), capacity=_CAPACITY, what="journal")

    @classmethod
    def open(cls, folder: Path, *, max_bytes: int) -> Journal:
        """The first journal in the folder that no gateway has, with what others left behind.

        `max_bytes` is how much may wait before reservations are refused; settlements are always
        taken. Blocks; call it before serving. Raises ConfigError where it can't be written.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path, lock = _first_free(folder)
        except OSError as error:
            raise ConfigError(f"the journal in {folder} can't be used: {error}") from error
        try:
            path.touch(mode=0o600)
            _adopt_orphans(folder, path)
            journal = cls(lock, path, max_bytes=max_bytes)
        except (OSError, sqlite3.Error) as error:
            lock.release()
            raise ConfigError(f"the journal {path} can't be used: {error}") from error
        return journal

    def __contains__(self, request_id: str) -> bool:
        """Something of this request waits, or is about to."""
        return request_id in self._ids

    def __len__(self) -> int:
        """How many requests something waits of."""
        return len(self._ids)

    @property
    def is_full(self) -> bool:
        """No reservation is taken any more."""
        return self.size >= self.max_bytes

    async def keep(self, write: Kept) -> None:
        """Take it; when this returns it is durable. Raises LedgerUnavailable."""
        if isinstance(write, Reserve) and self.is_full:
            raise LedgerUnavailable("the ledger is away, and its journal is full", retry_after=5)
        kind = next(kind for kind, (made, _) in _KINDS.items() if isinstance(write, made))
        try:
            body = _encode(write)
        except UnicodeEncodeError as error:
            raise LedgerUnavailable("the journal can't keep that") from error
        request_id, size = write.request_id, len(body)
        done = self._writer.submit(_ADD, (request_id, kind, body))
        self._count(request_id, size)
        done.add_done_callback(partial(self._taken_or_not, request_id, size))
        await asyncio.shield(done)  # who is cancelled has promised it all the same

    async def first(self, count: int, max_bytes: float = math.inf) -> Sequence[Noted]:
        """At most so many, the oldest first, until they have `max_bytes`; one at least.

        Raises LedgerUnavailable.
        """
        return await self._writer.run(partial(_first, count, max_bytes))

    async def forget(self, written: Sequence[Noted], *, refused: bool = False) -> None:
        """They are in the books. What these `refused` stays in the file, for people to look at.

        Raises LedgerUnavailable.
        """
        sql = _REFUSE if refused else _FORGET
        await self._writer.run(partial(_many, sql, [(each.number,) for each in written]))
        for each in written:
            self._discount(each.request_id, len(each.body))

    def close(self) -> None:
        """Give the file back; blocks until what was taken is on the disk. Idempotent."""
        self._writer.stop()
        self._lock.release()

    def _taken_or_not(self, request_id: str, size: int, done: asyncio.Future[int]) -> None:
        if done.exception() is not None:
            self._discount(request_id, size)

    def _count(self, request_id: str, size: int) -> None:
        self._ids[request_id] += 1
        self.size += size

    def _discount(self, request_id: str, size: int) -> None:
        self.size -= size
        self._ids[request_id] -= 1
        if not self._ids[request_id]:
            del self._ids[request_id]


def _first_free(folder: Path) -> tuple[Path, filelock.BaseFileLock]:
    """Raises OSError where there is none."""
    for name in ("journal.db", *(f"journal-{number}.db" for number in range(1, _MOST_FILES))):
        lock = _taken(folder / name)
        if lock is not None:
            return folder / name, lock
    raise OSError("too many gateways keep theirs there")


def _taken(path: Path) -> filelock.BaseFileLock | None:
    """The right to use it; None where another process has it."""
    lock = filelock.FileLock(f"{path}.lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return None
    return lock


def _adopt_orphans(folder: Path, own: Path) -> None:
    """What gateways that are gone left behind comes into `own`, and then their files go."""
    for path in sorted(folder.glob("journal*.db")):
        lock = None if path == own else _taken(path)
        if lock is None:
            continue
        try:
            with closing(_connected(path)) as orphan, closing(_connected(own)) as db:
                _all_or_nothing(db, _ADOPT, orphan.execute(_EVERYTHING).fetchall())
            for each in folder.glob(f"{path.name}*"):
                if each.suffix != ".lock":
                    each.unlink()
        finally:
            lock.release()


def _connected(path: Path) -> sqlite3.Connection:
    db = connect(path)
    db.execute(_TABLE)
    return db


def _all_or_nothing(db: sqlite3.Connection, sql: str, rows: Sequence[tuple[Value, ...]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(sql, rows)
    db.execute("COMMIT")


def _first(count: int, max_bytes: float, db: sqlite3.Connection) -> Sequence[Noted]:
    found: list[Noted] = []
    for row in db.execute(_FIRST, (count,)):
        found.append(Noted(*row))
        max_bytes -= len(found[-1].body)
        if max_bytes <= 0:
            break
    return found


def _many(sql: str, rows: Sequence[tuple[Value, ...]], db: sqlite3.Connection) -> None:
    db.executemany(sql, rows)
