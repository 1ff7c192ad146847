"""Books in PostgreSQL for tests: databases of their own, their sums, and a line that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Self
from uuid import uuid4

import asyncpg
from msgspec.structs import replace
from tests.support.entries import entry
from tests.support.servers import PostgresServer

from pointsman.errors import BudgetExceeded
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.types import Budget, Entry, Period, Settlement, Subject

CENT = Decimal("0.01")
ACME = Subject("organisation", "acme")
DONE = Settlement(outcome="completed", cost=CENT / 2)

#: Sums that must be zero: what the books add up to, less what is in them.
_DIFFERENCES = """
    SELECT
        (SELECT coalesce(sum(spent), 0) FROM balances WHERE kind = $1)
            - (SELECT coalesce(sum(cost), 0) FROM entries WHERE outcome <> 'open'),
        (SELECT coalesce(sum(reserved), 0) FROM balances WHERE kind = $1)
            - (SELECT coalesce(sum(reserved), 0) FROM entries WHERE outcome = 'open'),
        (SELECT coalesce(sum(cost), 0) FROM rollups)
            - (SELECT coalesce(sum(cost), 0) FROM entries WHERE outcome <> 'open'),
        (SELECT coalesce(sum(requests), 0) FROM rollups)
            - (SELECT count(*) FROM entries WHERE outcome <> 'open')
"""


def open_entry(request_id: str, *, key: str = "k1", cents: int = 1) -> Entry:
    """Holds so many cents back."""
    return replace(entry(request_id, key=key, outcome="open"), reserved=cents * CENT)


def budget(cents: int, period: Period = "day", subject: Subject = ACME) -> Budget:
    """Of so many cents."""
    return Budget(subject, period, cents * CENT)


async def admitted(store: PostgresStore, asked: Entry, *budgets: Budget) -> bool:
    """Whether its budgets sufficed."""
    try:
        await store.reserve(asked, budgets)
    except BudgetExceeded:
        return False
    return True


async def new_database(server: PostgresServer) -> str:
    """The URL of an empty database."""
    return await _create(server, f"books_{uuid4().hex}", like="template1")


async def database(server: PostgresServer, place: Path) -> str:
    """The URL of a database with the tables in it; the same `place` is the same database."""
    model, name = "books_model", f"books_{sha256(bytes(place)).hexdigest()[:32]}"
    if not await _is_there(server, model):
        async with opened(await _create(server, model, like="template1")):
            pass
    if await _is_there(server, name):
        return _url(server, name)
    return await _create(server, name, like=model)


async def ask(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    """The rows that a statement returns."""
    settings = {"default_transaction_read_only": "off"}
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


async def differences(url: str) -> set[int]:
    """Between sums and entries, of organisations and of keys: nothing but zero."""
    kinds = ("organisation", "key")
    return {int(n) for kind in kinds for row in await ask(url, _DIFFERENCES, kind) for n in row}


@asynccontextmanager
async def opened(url: str, **settings: object) -> AsyncIterator[PostgresStore]:
    """A gateway's books; patient, for this machine may be busy."""
    store = await PostgresStore.open(url, **{"timeout_s": 30.0, **settings})
    try:
        yield store
    finally:
        await store.close()


async def _create(server: PostgresServer, name: str, *, like: str) -> str:
    await ask(server.url, f"CREATE DATABASE {name} TEMPLATE {like}")
    return _url(server, name)


async def _is_there(server: PostgresServer, name: str) -> bool:
    return bool(await ask(server.url, "SELECT FROM pg_database WHERE datname = $1", name))


def _url(server: PostgresServer, name: str) -> str:
    return server.url.replace("/postgres?", f"/{name}?")


class Line:
    """Stands between a store and its server, and can break at the worst moment."""

    def __init__(self, server: PostgresServer) -> None:
        """`server` is where it leads."""
        self._socket = server.folder / ".s.PGSQL.5432"
        self._folder = server.folder / "line"
        self._listening: asyncio.Server | None = None
        self._calls = set[asyncio.Task[None]]()
        #: How many of the next commits are carried out without anybody hearing of it.
        self.swallowed = 0

    def url(self, url: str) -> str:
        """The address of a database, by this line."""
        return url.replace(str(self._socket.parent), str(self._folder))

    async def __aenter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        path = Path(self._folder) / self._socket.name
        self._listening = await asyncio.start_unix_server(self._answer, path)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._listening
        self._listening.close()
        await asyncio.gather(*self._calls)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._calls.add(asyncio.create_task(self._carry(reader, writer)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._socket)
        back = asyncio.create_task(_pump(from_server, writer))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if b"COMMIT;" in data and self.swallowed:
                    self.swallowed -= 1
                    back.cancel()
                    await asyncio.wait([back])
                    to_server.write(data)
                    await from_server.read(1)
                    break
                to_server.write(data)
        back.cancel()
        for each in (writer, to_server):
            each.close()
            with suppress(ConnectionError):
                await each.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
