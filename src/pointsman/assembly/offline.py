"""The books without a gateway: what the command line does to them itself, where none runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from pointsman.access.directory import seal_anew
from pointsman.access.keyring import KeyRing
from pointsman.access.organising import Organising
from pointsman.assembly.bookkeeping import Bookkeeping
from pointsman.assembly.tenancy import ENCRYPTION_KEY, sealer
from pointsman.clock import SystemClock
from pointsman.config import Settings, resolve_secret
from pointsman.errors import ConfigError
from pointsman.ports import Books
from pointsman.providers.http import HttpClient
from pointsman.storage import moving
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.storage.moving import Moved
from pointsman.storage.owner import owner
from pointsman.storage.reader import SqliteReader
from pointsman.storage.sqlite import SqliteStore
from pointsman.storage.upgrading import bring_up_to_date, old_revision
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import Change, Check, Observed


def running_at(settings: Settings) -> str | None:
    """The address of the gateway that holds the books now; None where none runs."""
    holder = owner(settings.database)
    return holder.address if holder else None


def operator_token(settings: Settings) -> str | None:
    """What lets the command line into the gateway that holds the books; None where none runs."""
    holder = owner(settings.database)
    return holder.token if holder else None


def outdated(settings: Settings) -> bool:
    """Whether the books are a file that an older version wrote."""
    return settings.ledger.url is None and old_revision(settings.database) is not None


def upgrade(settings: Settings, tell: Callable[[str, int, int], None]) -> None:
    """Bring such a file up to date; `tell` hears how far it is. See `bring_up_to_date`."""
    bring_up_to_date(settings.database, tell)


async def move(
    settings: Settings,
    file: Path | None,
    to: SecretStr | None,
    tell: Callable[[str, int, int], None],
) -> Sequence[Moved]:
    """Copy the books in a file to a database, both of which the settings say where nobody does.

    `tell` hears how far it is. See `moving.move`, which says what is raised.
    """
    url = to or settings.ledger.url
    if url is None:
        raise ConfigError("name the database with --to, or set [ledger] url")
    return await moving.move(file or settings.database, resolve_secret(url, os.environ), tell)


class ReadableStore(Books, Protocol):
    """The books, what was found when semantic hits were checked, and what can be learned from."""

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`."""

    async def observed(self, *, organisation: str | None = None, limit: int) -> Sequence[Observed]:
        """See `ports.EvidenceStore`."""

    async def changes(
        self, *, organisation: str | None = None, limit: int = 100
    ) -> Sequence[Change]:
        """See `ports.VersionStore`."""


@asynccontextmanager
async def open_keys(settings: Settings) -> AsyncIterator[KeyRing]:
    """The keys. Raises ConfigError where a gateway holds the books, LedgerUnavailable."""
    async with _open_books(settings) as books:
        yield books.keys


@asynccontextmanager
async def open_organisations(settings: Settings) -> AsyncIterator[Organising]:
    """The organisations. Raises ConfigError where a gateway holds the books, LedgerUnavailable."""
    async with _open_books(settings) as books:
        yield books.organising(lambda: settings)


async def rotate_encryption(settings: Settings) -> int:
    """Encrypt every provider's key with the first of the encryption keys; how many had another.

    Raises ConfigError where there is none, or a gateway holds the books; LedgerUnavailable.
    """
    vault = sealer(settings, os.environ)
    if vault is None:
        raise ConfigError(f"there is no encryption key: set {ENCRYPTION_KEY}")
    async with writing(settings) as store:
        return await seal_anew(store, vault)


@asynccontextmanager
async def _open_books(settings: Settings) -> AsyncIterator[Bookkeeping]:
    client = HttpClient()
    books = Bookkeeping(settings, net=client, clock=SystemClock(), observer=SilentObserver())
    try:
        await books.open()
        yield books
    finally:
        await books.close()
        await client.close()


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[ReadableStore]:
    """The books, to read; empty where there are none yet. Raises ConfigError, LedgerUnavailable."""
    if settings.ledger.url is not None:
        async with writing(settings) as shared:
            yield shared
        return
    books = await asyncio.to_thread(SqliteReader.open, settings.database)
    try:
        yield books
    finally:
        await books.close()


@asynccontextmanager
async def writing(settings: Settings) -> AsyncIterator[SqliteStore | PostgresStore]:
    """The books, brought up to date. Raises ConfigError where a gateway holds their file.

    LedgerUnavailable where their server does not answer.
    """
    url = settings.ledger.url
    store = (
        await asyncio.to_thread(SqliteStore.open, settings.database)
        if url is None
        else await PostgresStore.open(resolve_secret(url, os.environ), max_connections=2)
    )
    try:
        yield store
    finally:
        await store.close()
