"""The embedded cache: one SQLite file, owned by one process, and its index in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import SQLAlchemyError

from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.storage import cache_rows
from pointsman.storage.cache_file import prepare
from pointsman.storage.cache_front import Front
from pointsman.storage.cache_memory import nearest_of
from pointsman.storage.cache_rows import ReplyRow, read_reply, read_vector, read_words, reply_row
from pointsman.storage.connection import connect, engine
from pointsman.storage.eviction import Kept, Shelf, kept
from pointsman.storage.owner import Claim
from pointsman.storage.statements import Value
from pointsman.storage.vectors import Vectors
from pointsman.storage.writer import Writer
from pointsman.types import CachedReply, Listing, Near, Selection, Vector

T = TypeVar("T")

#: Writes that may wait; then replies are not kept, and requests go on.
_CAPACITY = 10_000
#: Seconds that what is kept waits for others, to be written with them.
GATHER_S = 0.05
#: Threads that read, each with its connection.
_READERS = 2
#: Replies that are taken in or forgotten before others get their turn: a millisecond's work.
_PORTION = 32


class SqliteCache:
    """CacheStore and VectorIndex over one SQLite file, bounded; who stays says `eviction`.

    What was put or removed stays so after a crash of the process; a power cut may undo the last of
    it, for nobody waits for the disk. How often a reply was given out is written with the next of
    these, or with the next sweep: a crash may forget it. Keys, bounds and vectors are in memory, so that a miss reads no disk,
    and so are the replies that were used last. Writes go through one thread, reads through others.
    """

    def __init__(
        self, claim: Claim, writer: Writer, reader: Engine, shelf: Shelf, front: Front
    ) -> None:
        """See `open`."""
        self._claim = claim
        self._writer = writer
        self._reader = reader
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="cache-reader")
        self._shelf = shelf
        self._front = front
        self._vectors = Vectors()
        #: Ids that are gone from the shelf and may still be in the file.
        self._doomed: set[str] = set()
        #: Ids of those that were given out since that was written down.
        self._given: set[str] = set()
        self._closed = False
        dialect = sqlite_dialect(paramstyle="qmark")
        self._put = cache_rows.put(dialect)
        self._used = cache_rows.used(dialect)
        self._forget = cache_rows.forget(dialect)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        max_replies: int = 100_000,
        max_bytes: int = 1024**3,
        front_bytes: int = 16 * 1024**2,
        gather_s: float = GATHER_S,
        address: str | None = None,
    ) -> SqliteCache:
        """Own the cache at `path`; create it, or begin it anew where another version wrote it.

        `max_bytes` of bodies, turns and vectors; `front_bytes` of those kept in memory as well;
        `gather_s` seconds that a reply waits for others, to be written with them.
        Afterwards call `load`. Blocks. Raises ConfigError where another process owns the file, it
        is no cache, or it can't be used.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            claim = Claim(path, address=address, what="cache")
        except OSError as error:
            raise ConfigError(f"the cache {path} can't be used: {error}") from error
        shelf = Shelf(max_replies=max_replies, max_bytes=max_bytes)
        try:
            doomed = prepare(path, shelf)
            writer = Writer(
                partial(connect, path, survives_power_cut=False),
                capacity=_CAPACITY,
                gather_s=gather_s,
                what="cache",
                unavailable=CacheUnavailable,
            )
        except (OSError, sqlite3.Error, SQLAlchemyError, ConfigError) as error:
            claim.release()
            raise ConfigError(f"the cache {path} can't be used: {error}") from error
        reader = engine(path, read_only=True, size=_READERS)
        made = cls(claim, writer, reader, shelf, Front(front_bytes))
        made._doomed.update(doomed)
        return made

    async def load(self) -> None:
        """Fill the index from the file, in small portions; what is not in it yet is not near.

        Raises CacheUnavailable.
        """
        last = 0
        while rows := await self._read(partial(_vectors, after=last)):
            for number, reply_id, partition, data, embedder, words, expires in rows:
                last = number
                vector = read_vector(data, embedder)
                if reply_id in self._shelf and partition is not None and vector:
                    self._vectors.add(
                        reply_id, partition, vector, words=read_words(words), expires=expires
                    )

    async def close(self) -> None:
        """Write what waits and give the file back. Idempotent."""
        if not self._closed:
            with suppress(CacheUnavailable):
                await self._write()
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        self._reader.dispose()
        await asyncio.to_thread(self._writer.stop)
        self._claim.release()

    async def get(self, key: str, now: datetime) -> CachedReply | None:
        """See `ports.CacheStore`."""
        self._check_open()
        item = self._shelf.at(key)
        if item is None or item.expires <= now:
            return None
        found = await self._replies([item])
        return found[0] if found else None

    async def put(self, reply: CachedReply) -> None:
        """See `ports.CacheStore`. What is larger than all the room is not kept."""
        self._check_open()
        values, item = self._put.values(reply_row(reply)), kept(reply)
        self._drop(self._shelf.add(item, now=reply.stored))
        if reply.id not in self._shelf:
            await self._write()
            return
        self._front.add(reply, item.size)
        if reply.partition is not None and reply.vector:
            self._vectors.add(
                reply.id, reply.partition, reply.vector, words=reply.words, expires=reply.expires
            )
        try:
            await self._write((self._put.sql, values), hurry=False)
        except CacheUnavailable:
            if self._shelf.of(reply.id) is item:
                self._shelf.remove(reply.id)
                self._drop([reply.id])
            raise

    async def used(self, reply_id: str, now: datetime) -> None:  # noqa: ARG002
        """See `ports.CacheStore`."""
        self._check_open()
        if self._shelf.used(reply_id):
            self._given.add(reply_id)

    async def remove(self, which: Selection) -> int:
        """See `ports.CacheStore`."""
        self._check_open()
        await self._settled()
        ids = await self._read(lambda db: db.scalars(cache_rows.selected(which)).all())
        removed = 0
        for start in range(0, len(ids), _PORTION):
            gone = [i for i in ids[start : start + _PORTION] if self._shelf.remove(i)]
            removed += len(gone)
            self._drop(gone)
            await self._write()
        return removed

    async def list(
        self, which: Selection, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> Listing:
        """See `ports.CacheStore`."""
        self._check_open()
        await self._write()
        await self._settled()
        return await self._read(lambda db: _listing(db, which, limit, after))

    async def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """See `ports.VectorIndex`."""
        return self._vectors.plausible(partition, words)

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> Sequence[Near]:
        """See `ports.VectorIndex`."""
        self._check_open()
        ids = await self._vectors.nearest(partition, vector, limit=limit, now=now)
        items = [item for item in map(self._shelf.of, ids) if item]
        return nearest_of(await self._replies(items), vector, now)

    async def sweep(self, now: datetime) -> int:
        """Forget what has expired, in small portions; returns how many. Raises CacheUnavailable."""
        self._check_open()
        swept = 0
        while gone := self._shelf.expired(now, limit=_PORTION):
            swept += len(gone)
            self._drop(gone)
            await self._write()
        await self._write()
        return swept

    def _drop(self, gone: Iterable[str]) -> None:
        """Those that have left the shelf leave the memory, and with the next write the file."""
        for reply_id in gone:
            self._front.remove(reply_id)
            self._vectors.remove(reply_id)
            self._doomed.add(reply_id)

    async def _write(self, *statements: tuple[str, tuple[Value, ...]], hurry: bool = True) -> None:
        """What is doomed and what was given out, then the statements; returns when it is committed."""
        doomed = {reply_id for reply_id in self._doomed if reply_id not in self._shelf}
        given = {
            reply_id: item.hits for reply_id in self._given if (item := self._shelf.of(reply_id))
        }
        self._doomed.clear()
        self._given.clear()
        before = []
        if doomed:
            before.append((self._forget.sql, self._forget.values({"ids": _json(sorted(doomed))})))
        if given:
            before.append((self._used.sql, self._used.values({"hits": _json(given)})))
        try:
            written = [self._writer.submit(*each, hurry=hurry) for each in (*before, *statements)]
            await asyncio.gather(*written)
        except CacheUnavailable:
            self._doomed |= doomed
            self._given |= given.keys()
            raise

    async def _settled(self) -> None:
        """Returns when all that was to be written is."""
        await self._writer.run(lambda _: None)

    async def _replies(self, items: Sequence[Kept]) -> Sequence[CachedReply]:
        """From memory, else from the file; without those that are gone by then."""
        held = {item.id: self._front.get(item.id) for item in items}
        missing = [reply_id for reply_id, reply in held.items() if reply is None]
        if missing:
            rows = await self._read(lambda db: _rows(db, missing))
            held |= {reply.id: reply for reply in rows}
        found = []
        for item in items:
            reply = held[item.id]
            if reply and self._shelf.of(item.id) is item:
                current = replace(reply, hits=item.hits) if reply.hits != item.hits else reply
                self._front.add(current, item.size)
                found.append(current)
        return found

    async def _read(self, query: Callable[[Connection], T]) -> T:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, query)

    def _ask(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._reader.begin() as db:
                return query(db)
        except SQLAlchemyError as error:
            raise CacheUnavailable("the cache can't be read") from error

    def _check_open(self) -> None:
        if self._closed:
            raise CacheUnavailable("the cache is closed")


def _json(value: Sequence[str] | Mapping[str, int]) -> str:
    return msgspec.json.encode(value).decode()


def _vectors(
    db: Connection, after: int
) -> Sequence[Row[int, str, str | None, bytes | None, str | None, bytes, datetime]]:
    return db.execute(cache_rows.vectors(after, _PORTION)).all()


def _rows(db: Connection, ids: Sequence[str]) -> list[CachedReply]:
    found = db.execute(cache_rows.these(ids)).mappings()
    return [read_reply(row) for row in cast("Iterable[ReplyRow]", found)]


def _listing(
    db: Connection, which: Selection, limit: int, after: tuple[datetime, str] | None
) -> Listing:
    count, size = db.execute(cache_rows.sums(which)).one()
    page = cast("Iterable[ReplyRow]", db.execute(cache_rows.newest(which, limit, after)).mappings())
    return Listing(tuple(read_reply(row) for row in page), count, size)
