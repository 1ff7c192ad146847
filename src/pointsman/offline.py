"""The books without a gateway: what the command line does to them itself, where none runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from pointsman.access.keyring import KeyRing
from pointsman.bookkeeping import Bookkeeping
from pointsman.clock import SystemClock
from pointsman.config import Settings, resolve_secret
from pointsman.ports import Books
from pointsman.providers.http import HttpClient
from pointsman.storage.ledger_postgres import PostgresStore
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
    client = HttpClient()
    books = Bookkeeping(settings, net=client, clock=SystemClock(), observer=SilentObserver())
    try:
        await books.open()
        yield books.keys
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
        else await PostgresStore.open(resolve_secret(url, os.environ))
    )
    try:
        yield store
    finally:
        await store.close()
