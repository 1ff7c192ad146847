"""Books in a SQLite file moved to PostgreSQL, exactly: all of them or none."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Boolean, Column, Integer

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.storage import schema_batches, schema_tenants  # noqa: F401 - their tables
from pointsman.storage.any_text import Text, escaped
from pointsman.storage.connection import connect
from pointsman.storage.migrate import Tell
from pointsman.storage.owner import Claim
from pointsman.storage.postgres_link import PostgresLink
from pointsman.storage.postgres_upgrade import bring_up_to_date
from pointsman.storage.schema import Money, dollars, gateways, metadata
from pointsman.storage.sqlite import SqliteStore
from pointsman.storage.statements import Value, Written
from pointsman.storage.upgrading import bring_up_to_date as upgrade_file
from pointsman.storage.upgrading import old_revision

if TYPE_CHECKING:
    import asyncpg

Row: TypeAlias = tuple[Value, ...]

#: What is moved, each after what it refers to; processes that share the books are not part of them.
TABLES: Sequence[Written] = [each for each in metadata.sorted_tables if each is not gateways]
#: Rows that are read at a time.
_PORTION = 2000
_TIMEOUT_S = 10.0
_LARGEST = 2**128


@dataclass(slots=True)
class Moved:
    """What a table holds; equal for equal rows in whatever order."""

    table: str
    rows: int = 0
    #: The sum of a digest of each row.
    digest: int = 0
    #: By column, in pico-dollars.
    money: dict[str, int] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The digest, for people."""
        return f"{self.digest:032x}"

    @property
    def sums(self) -> Mapping[str, Decimal]:
        """By column, in US dollars."""
        return {name: dollars(picos) for name, picos in self.money.items()}

    def add(self, row: Row, places: dict[str, int]) -> None:
        """One more row, with the places of what is money in it."""
        self.rows += 1
        hashed = int.from_bytes(sha256(repr(row).encode()).digest()[:16])
        self.digest = (self.digest + hashed) % _LARGEST
        for name, place in places.items():
            amount = row[place]
            self.money[name] = self.money.get(name, 0) + (amount if isinstance(amount, int) else 0)


async def move(source: Path, url: str, tell: Tell) -> Sequence[Moved]:
    """Copy everything in the file at `source` to the database at `url`, which is to be empty.

    `tell` hears how far it is. It is one transaction: what is cut short leaves nothing behind, and
    what is read back has to be what was sent. The file stays as it is, but for requests that were
    open when its gateway stopped: they are closed as interrupted. Raises ConfigError where a
    gateway holds the file or there are books in the database, LedgerUnavailable where that is not
    there.
    """
    await (await asyncio.to_thread(_opened, source, tell)).close()
    claim = Claim(source)
    try:
        link = PostgresLink(url, timeout_s=_TIMEOUT_S, max_connections=1)
        try:
            await bring_up_to_date(link)
        finally:
            await link.close()
        with closing(connect(source, read_only=True)) as file:
            file.execute("BEGIN")
            return await _copied(file, url, tell)
    finally:
        claim.release()


def _opened(source: Path, tell: Tell) -> SqliteStore:
    """Up to date, and nothing open in it."""
    if not source.exists():
        raise ConfigError(f"there are no books at {source}")
    if old_revision(source) is not None:
        upgrade_file(source, tell)
    return SqliteStore.open(source)


async def _copied(file: sqlite3.Connection, url: str, tell: Tell) -> Sequence[Moved]:
    import asyncpg  # noqa: PLC0415 - `bring_up_to_date` has seen that it is there

    try:
        server = await asyncpg.connect(url, timeout=_TIMEOUT_S, target_session_attrs="read-write")
        try:
            async with server.transaction():
                await _check_empty(server)
                sent = [await _send(file, server, table, tell) for table in TABLES]
                found = [
                    await _read_back(server, table, sent_, tell)
                    for table, sent_ in zip(TABLES, sent, strict=True)
                ]
                _compare(sent, found)
            await server.execute("ANALYZE")
        finally:
            await server.close(timeout=_TIMEOUT_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise LedgerUnavailable(
            f"the database could not take the books, and has nothing of them: {type(error).__name__}"
        ) from error
    return sent


async def _check_empty(server: asyncpg.Connection) -> None:
    """Nobody writes to it from now on. Raises ConfigError where there is anything in it."""
    for table in TABLES:
        await server.execute(f'LOCK TABLE "{table.name}" IN EXCLUSIVE MODE')
        if await server.fetchval(f'SELECT EXISTS (SELECT FROM "{table.name}")'):  # noqa: S608 - our own names
            raise ConfigError(
                f"there are books in that database: its table {table.name} is not empty; "
                "name an empty one"
            )


async def _send(
    file: sqlite3.Connection, server: asyncpg.Connection, table: Written, tell: Tell
) -> Moved:
    moved, places = Moved(table.name), _money(table)
    names = [column.name for column in table.c]
    quoted = ", ".join(f'"{name}"' for name in names)
    total = file.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0]  # noqa: S608
    cursor = file.execute(f'SELECT {quoted} FROM "{table.name}"')  # noqa: S608

    def rows() -> Iterator[Row]:
        convert = _converter(table)
        while portion := cursor.fetchmany(_PORTION):
            tell(table.name, moved.rows, total)
            for each in portion:
                row = convert(each)
                moved.add(row, places)
                yield row

    await server.copy_records_to_table(table.name, records=rows(), columns=names)
    for column in table.primary_key if len(table.primary_key.columns) == 1 else ():
        if isinstance(column.type, Integer):
            await server.execute(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), "  # noqa: S608
                f'greatest(max("{column.name}"), 1), max("{column.name}") IS NOT NULL) FROM "{table.name}"'
            )
    return moved


async def _read_back(server: asyncpg.Connection, table: Written, sent: Moved, tell: Tell) -> Moved:
    found, places = Moved(table.name), _money(table)
    quoted = ", ".join(f'"{column.name}"' for column in table.c)
    async for row in server.cursor(f'SELECT {quoted} FROM "{table.name}"', prefetch=_PORTION):  # noqa: S608
        if found.rows % _PORTION == 0:
            tell(f"{table.name}, read back", found.rows, sent.rows)
        found.add(tuple(row.values()), places)
    return found


def _compare(sent: Sequence[Moved], found: Sequence[Moved]) -> None:
    for each, other in zip(sent, found, strict=True):
        if each != other:
            raise ConfigError(
                f"what was read back of {each.table} is not what was sent ({other.rows} rows of "
                f"{each.rows}); nothing is kept of it"
            )


def _converter(table: Written) -> Callable[[Row], Row]:
    """What makes a row of the file one of PostgreSQL's."""
    changed = [
        (place, _CONVERTERS[type(column.type)])
        for place, column in enumerate(table.c)
        if type(column.type) in _CONVERTERS
    ]

    def convert(row: Row) -> Row:
        values = list(row)
        for place, to in changed:
            if values[place] is not None:
                values[place] = to(values[place])
        return tuple(values)

    return convert


def _as_bool(value: Value) -> Value:
    return bool(value)


_CONVERTERS: dict[type, Callable[[Value], Value]] = {Boolean: _as_bool, Text: escaped}


def _money(table: Written) -> dict[str, int]:
    """The places of the columns that are money."""
    columns: Sequence[Column[object]] = list(table.c)
    return {
        column.name: place for place, column in enumerate(columns) if isinstance(column.type, Money)
    }
