"""The way to a PostgreSQL server: few connections, transactions in a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Dialect, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError

from pointsman.errors import ConfigError, LedgerUnavailable

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
    from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

#: Somebody else's transaction came between: once more, and it may pass.
_IN_BETWEEN = ("40001", "40P01", "23503")
_SNAPSHOT = {"isolation_level": "REPEATABLE READ"}
#: A transaction is tried so often where others come between.
_TRIES = 5
#: The lock was not to be had in time.
_NO_LOCK = "55P03"
#: The server became a standby: it answers, and will never write again.
_DEMOTED = "25006"
#: Wrong password, no such role, no such database, not allowed in it.
_NO_ENTRY = ("28000", "28P01", "3D000", "42501")
#: Classes of errors that are the values' fault.
_BAD_DATA = ("22", "23")
#: Seconds in which whoever waits for a connection that was cut hears of it.
_TELLING_S = 0.25
#: Seconds after which the server lets go of the locks of a gateway that fell silent.
_SILENCE_S = 10


class PostgresLink:
    """Runs functions over a connection, each in a transaction of its own.

    Connections that broke are replaced when the next is needed. Nothing takes longer than it is
    given: a connection on which it would is cut.
    """

    def __init__(
        self, dsn: str, *, timeout_s: float, max_connections: int, name: str = "pointsman"
    ) -> None:
        """`dsn` as asyncpg takes it; nothing is connected yet. `name` is for the server to show.

        `timeout_s` bounds connecting, waiting for one of `max_connections`, and every transaction
        that nobody gives more. Raises ConfigError where a library is missing.
        """
        try:
            import asyncpg  # noqa: PLC0415
            import greenlet  # type: ignore[import-untyped]  # noqa: F401, PLC0415
            from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                f"{error.name} is not installed; run: pip install 'pointsman[postgres]'"
            ) from error

        async def connect() -> asyncpg.Connection:
            try:
                return await asyncpg.connect(
                    dsn,
                    timeout=timeout_s,
                    target_session_attrs="read-write",
                    server_settings={
                        "application_name": name,
                        "idle_in_transaction_session_timeout": f"{_SILENCE_S}s",
                    },
                )
            except ValueError:  # its words may hold a part of the password
                raise ConfigError("the ledger's PostgreSQL address can't be read") from None

        self._timeout_s = timeout_s
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=max_connections,
            max_overflow=0,
            pool_timeout=timeout_s,
            pool_use_lifo=True,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
        )
        event.listen(self._engine.sync_engine, "checkout", _look)
        event.listen(self._engine.sync_engine, "handle_error", _judge)

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""
        return self._engine.dialect

    async def close(self) -> None:
        """Give the connections back. Idempotent."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._engine.dispose()
        except TimeoutError:
            await self._engine.dispose(close=False)

    async def write(
        self, work: Callable[[Connection], T], *, patience_s: float = 0.0, snapshot: bool = False
    ) -> T:
        """What `work` returns, once its transaction is durable; it may be called more than once.

        With `snapshot` all its statements see the same moment; without, each sees the newest.

        Raises LedgerUnavailable: it may have been committed all the same; NotReached and Refused:
        it was not.
        """
        for _ in range(_TRIES):
            try:
                async with self._transaction(patience_s, _SNAPSHOT if snapshot else {}) as db:
                    return await db.run_sync(work)
            except _Crossed:
                continue
        raise LedgerUnavailable("the ledger is too busy")

    async def read(self, work: Callable[[Connection], T], *, patience_s: float = 0.0) -> T:
        """What `work` returns; all that it reads is of one moment. Raises LedgerUnavailable."""
        options = {**_SNAPSHOT, "postgresql_readonly": True}
        async with self._transaction(patience_s, options) as db:
            return await db.run_sync(work)

    @asynccontextmanager
    async def _transaction(
        self, patience_s: float, options: Mapping[str, object]
    ) -> AsyncIterator[AsyncConnection]:
        """Whatever goes wrong becomes an error of ours, without words that may quote an entry."""
        patience_s = max(patience_s, self._timeout_s)
        try:
            async with self._connection() as db, _cut_after(db, patience_s):
                if options:
                    await db.execution_options(**options)
                async with db.begin():
                    yield db
        except DBAPIError as error:
            raise _translated(error) from None
        except SQLAlchemyError as error:
            raise Refused(f"the ledger can't store that ({type(error).__name__})") from None
        except (OSError, EOFError) as error:
            raise LedgerUnavailable("the ledger in PostgreSQL broke off") from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        connection = self._engine.connect()
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.start()
        except DBAPIError as error:
            kind = NotAdmitted if _sqlstate(error.orig) in _NO_ENTRY else NotReached
            raise kind(f"PostgreSQL does not let us in: {error.orig}") from error
        except (OSError, EOFError, SQLAlchemyError) as error:
            raise NotReached("the ledger in PostgreSQL can't be reached") from error
        try:
            yield connection
        finally:
            await connection.close()


class AsidePostgresLink(PostgresLink):
    """The same on a thread of its own, where what takes long to compute holds up nobody else."""

    def __init__(
        self, dsn: str, *, timeout_s: float, max_connections: int, name: str = "pointsman"
    ) -> None:
        """See `PostgresLink`."""
        super().__init__(dsn, timeout_s=timeout_s, max_connections=max_connections, name=name)
        #: What is given more time than others leaves two connections to these.
        self._slow = asyncio.Semaphore(max(1, max_connections - 2))
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="ledger-reader", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """See `PostgresLink`."""
        if not self._loop.is_closed():
            await self._aside(super().close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._loop.close()

    async def write(
        self, work: Callable[[Connection], T], *, patience_s: float = 0.0, snapshot: bool = False
    ) -> T:
        """See `PostgresLink`."""
        writing = partial(super().write, work, patience_s=patience_s, snapshot=snapshot)
        return await self._aside(self._in_turn(writing, patience_s))

    async def read(self, work: Callable[[Connection], T], *, patience_s: float = 0.0) -> T:
        """See `PostgresLink`."""
        reading = partial(super().read, work, patience_s=patience_s)
        return await self._aside(self._in_turn(reading, patience_s))

    async def _in_turn(self, call: Callable[[], Awaitable[T]], patience_s: float) -> T:
        if patience_s <= self._timeout_s:
            return await call()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._slow.acquire()
        except TimeoutError as error:
            raise NotReached("the ledger has too much to look up") from error
        try:
            return await call()
        finally:
            self._slow.release()

    async def _aside(self, coroutine: Coroutine[object, object, T]) -> T:
        if self._loop.is_closed():
            coroutine.close()
            raise NotReached("the ledger is closed")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))


class Refused(LedgerUnavailable):
    """The database will not have it: its values are at fault, not the way to it."""


class NotReached(LedgerUnavailable):
    """There is no connection to be had; nothing was sent."""


class Blocked(LedgerUnavailable):
    """Somebody else had a lock for longer than we wait for it; nothing was done."""


class NotAdmitted(NotReached):
    """The server is there, and does not know us or our database."""


class _Crossed(Exception):
    """Somebody else's transaction came between."""


@asynccontextmanager
async def _cut_after(db: AsyncConnection, patience_s: float) -> AsyncIterator[None]:
    """Whoever waits for the server then is told at once that the connection is gone.

    Who waits for room to send is not told by the driver; they are cancelled.
    """
    driver: asyncpg.Connection = (await db.get_raw_connection()).driver_connection
    cutting = asyncio.get_running_loop().call_later(patience_s, driver.terminate)
    try:
        async with asyncio.timeout(patience_s + _TELLING_S):
            yield
    finally:
        cutting.cancel()


def _look(
    dbapi_connection: object,  # noqa: ARG001
    record: ConnectionPoolEntry,
    proxy: object,  # noqa: ARG001
) -> None:
    """One whose server has gone while it lay in the pool is not given out."""
    driver: asyncpg.Connection = record.driver_connection
    if driver.is_closed():
        raise DisconnectionError


def _judge(context: ExceptionContext) -> None:
    """A server that was demoted is as good as dead: its connections are given up, all of them."""
    if _sqlstate(context.original_exception) == _DEMOTED:
        context.is_disconnect = True


def _translated(error: DBAPIError) -> Exception:
    state, driver = _sqlstate(error.orig), error.orig and error.orig.__cause__
    if state in _IN_BETWEEN:
        return _Crossed()
    if state == _NO_LOCK:
        return Blocked("somebody else uses that part of the ledger")
    if (state or "")[:2] in _BAD_DATA or isinstance(driver, ValueError):
        return Refused(f"the ledger can't store that ({state or type(driver).__name__})")
    return LedgerUnavailable(f"the ledger in PostgreSQL can't be used ({state or 'it is gone'})")


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)
