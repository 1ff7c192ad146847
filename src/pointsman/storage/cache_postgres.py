"""A cache in PostgreSQL, shared by all gateways that use the same database and table.

With pgvector it finds replies by vector, too. What has expired is not given out any more, and goes
when somebody sweeps; one gateway's sweep serves all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.storage.cache_packing import space, unpack
from pointsman.storage.postgres_sql import Statements, data, numbers
from pointsman.types import CachedReply, Listing, Near, Selection, Vector

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record

#: That one gateway keeps at most.
CONNECTIONS = 8
#: Replies that are removed in one transaction.
_PORTION = 1000
#: Seconds for what walks through all replies or makes an index; no request waits for it.
_PATIENCE_S = 60.0
#: Bytes of a table's name: PostgreSQL cuts off what is longer than 63, and indexes add to it.
_LONGEST_NAME = 40
#: The extension is not installed on the server, or may not be made by this user.
_NOT_TO_BE_HAD = ("0A000", "58P01", "42501")


class PostgresCache:
    """CacheStore on PostgreSQL >= 13, and VectorIndex where it has pgvector >= 0.8.

    Every method but `close` raises CacheUnavailable where the server does not answer in time. A
    server that comes back is used again.
    """

    def __init__(
        self,
        dsn: str,
        *,
        table: str = "cached_replies",
        max_replies: int = 1_000_000,
        exact_up_to: int = 5000,
        timeout_s: float = 0.5,
        max_connections: int = CONNECTIONS,
    ) -> None:
        """`dsn` as asyncpg takes it: postgresql://user:password@host/database.

        Tables and indexes whose names begin with `table` are made where they are not there.
        `max_replies` may be exceeded by a hundredth per gateway: each counts after so many puts.
        Partitions of up to `exact_up_to` replies are searched one by one, larger ones by an index
        that may overlook some. `timeout_s` bounds connecting, waiting for one of
        `max_connections`, and each statement that a request waits for. Raises ConfigError where
        `table` is too long.
        """
        if len(table.encode()) > _LONGEST_NAME:
            raise ConfigError(f"the cache's table {table!r} has more than {_LONGEST_NAME} bytes")
        self._dsn = dsn
        self._table = table
        self._max_replies = max_replies
        self._exact_up_to = exact_up_to
        self._timeout_s = timeout_s
        self._max_connections = max_connections
        self._pool: Pool | None = None
        self._sql: Statements | None = None
        self._indexed = set[int]()
        self._making = asyncio.Lock()
        self._until_count = 0

    @property
    def has_vectors(self) -> bool:
        """Whether the server has pgvector; False until it was asked."""
        return bool(self._sql and self._sql.vectors)

    async def start(self) -> None:
        """Connect, and make the tables; any number of gateways may do so at once. Idempotent.

        Raises ConfigError where the DSN or the installation is at fault. After CacheUnavailable
        the cache may be used all the same: it connects when the server is there.
        """
        if self._pool is None:
            try:
                import asyncpg  # noqa: PLC0415
            except ImportError as error:
                raise ConfigError(
                    "asyncpg is not installed; run: pip install 'pointsman[postgres]'"
                ) from error
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._max_connections,
                server_settings={"application_name": "pointsman cache"},
                timeout=self._timeout_s,
                init=_set_up,
                reset=_leave,
            )
        try:
            async with self._asking(patience_s=_PATIENCE_S):
                pass
        except ValueError:  # its words may hold a part of the password
            raise ConfigError("the cache's PostgreSQL address can't be read") from None

    async def close(self) -> None:
        """Give back the connections. Idempotent."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), self._timeout_s)
            except TimeoutError:
                pool.terminate()

    async def get(self, key: str, now: datetime) -> CachedReply | None:
        """See `ports.CacheStore`."""
        async with self._asking() as (server, sql):
            row = await server.fetchrow(sql.get, key, now, timeout=self._timeout_s)
            return _reply(row) if row else None

    async def put(self, reply: CachedReply) -> None:
        """See `ports.CacheStore`. One put in a hundredth of `max_replies` looks for room."""
        async with self._asking() as (server, sql):
            if sql.vectors and reply.vector:
                await self._index(server, sql, reply.vector.size)
            statement, values = sql.put(reply)
            await server.execute(statement, *values, timeout=self._timeout_s)
            self._until_count -= 1
            if self._until_count < 0:
                self._until_count = self._max_replies // 100
                asked = (reply.stored, self._max_replies)
                await server.execute(sql.evict, *asked, timeout=_PATIENCE_S)

    async def used(self, reply_id: str, now: datetime) -> None:
        """See `ports.CacheStore`."""
        async with self._asking() as (server, sql):
            await server.execute(sql.used, reply_id, now, timeout=self._timeout_s)

    async def remove(self, which: Selection) -> int:
        """See `ports.CacheStore`."""
        removed = 0
        async with self._asking() as (server, sql):
            statement, values = sql.remove(which, _PORTION)
            while portion := _count(await server.execute(statement, *values, timeout=_PATIENCE_S)):
                removed += portion
        return removed

    async def list(
        self, which: Selection, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> Listing:
        """See `ports.CacheStore`."""
        async with self._asking() as (server, sql):
            statement, values = sql.sums(which)
            count, size = await server.fetchrow(statement, *values, timeout=_PATIENCE_S)
            statement, values = sql.newest(which, limit, after)
            rows = await server.fetch(statement, *values, timeout=_PATIENCE_S) if limit else ()
            return Listing(tuple(_reply(row) for row in rows), count, int(size))

    async def plausible(self, partition: str, words: frozenset[int]) -> bool:  # noqa: ARG002
        """See `ports.VectorIndex`; False only where the server has no pgvector."""
        return self._sql is None or self._sql.vectors

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> Sequence[Near]:
        """See `ports.VectorIndex`; nothing where the server has no pgvector."""
        within = space(partition, vector)
        async with self._asking() as (server, sql):
            if limit <= 0 or not sql.vectors:
                return ()
            most = self._exact_up_to
            crowd = await server.fetchval(sql.crowd, within, most + 1, timeout=self._timeout_s)
            statement = sql.nearest(vector.size, indexed=crowd > most)
            asked = (within, numbers(vector), now, limit)
            rows = await server.fetch(statement, *asked, timeout=self._timeout_s)
            return [Near(_reply(row), 1 - row["distance"]) for row in rows]

    async def sweep(self, now: datetime) -> int:
        """Forget what has expired, in portions; returns how many."""
        return await self.remove(Selection(expired=now))

    @asynccontextmanager
    async def _asking(
        self, *, patience_s: float | None = None
    ) -> AsyncIterator[tuple[Connection, Statements]]:
        """Whatever goes wrong with the server becomes CacheUnavailable.

        No transaction lasts longer than a statement: one that has to be rolled back would wait for
        a server that hangs.
        """
        from asyncpg import InterfaceError, InternalClientError, PostgresError  # noqa: PLC0415
        from asyncpg.exceptions import ClientConfigurationError  # noqa: PLC0415

        if self._pool is None:
            raise CacheUnavailable("the cache in PostgreSQL is not started")
        try:
            async with self._pool.acquire(timeout=self._timeout_s) as server:
                yield (
                    server,
                    self._sql or await self._prepare(server, patience_s or self._timeout_s),
                )
        except ClientConfigurationError:
            raise
        except (PostgresError, InterfaceError, InternalClientError, OSError, EOFError) as error:
            name = type(error).__name__
            raise CacheUnavailable(f"the cache in PostgreSQL can't be asked: {name}") from error
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise CacheUnavailable(f"a reply can't be kept or read: {error}") from error

    async def _prepare(self, server: Connection, patience_s: float) -> Statements:
        """Make what is not there; one at a time, here and elsewhere."""
        async with asyncio.timeout(patience_s), self._making:
            if self._sql is None:
                sql = Statements(self._table, vectors=await self._has_vectors(server))
                await server.execute(sql.alone(*sql.schema()))
                self._sql = sql
        return self._sql

    async def _has_vectors(self, server: Connection) -> bool:
        """Whether pgvector is there, or can be made to be there."""
        from asyncpg import PostgresError  # noqa: PLC0415

        sql = Statements(self._table, vectors=False)
        try:
            await server.execute(sql.alone("CREATE EXTENSION IF NOT EXISTS vector"))
        except PostgresError as error:
            if error.sqlstate in _NOT_TO_BE_HAD:
                return False
            raise
        return True

    async def _index(self, server: Connection, sql: Statements, size: int) -> None:
        """See that vectors of this size are indexed; the first of them makes the index."""
        if size not in self._indexed:
            made = sql.vector_index(size)
            if made is not None:
                await server.execute(sql.alone(made), timeout=_PATIENCE_S)
            self._indexed.add(size)


async def _set_up(server: Connection) -> None:
    """For a search by index: it goes on until there are enough that fit."""
    await server.execute("SET hnsw.iterative_scan = strict_order; SET hnsw.ef_search = 100")


async def _leave(server: Connection) -> None:
    """Nothing to undo between two uses of a connection."""


def _reply(row: Record) -> CachedReply:
    vector = row["vector"] and data(row["vector"])
    return unpack(row["packed"], body=row["body"], vector=vector, hits=row["hits"])


def _count(status: str) -> int:
    """Rows that a statement touched, as the server says: "DELETE 3"."""
    return int(status.rsplit(" ", 1)[1])
