"""The books that the contract suites run over. A new store joins with an opener and a line here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support import postgres_books, servers

from pointsman.ports import (
    Books,
    Charts,
    CheckStore,
    EvidenceStore,
    ExperimentStore,
    FeedbackStore,
    KeyStore,
    Ledger,
    PromptStore,
    Retention,
    TenantStore,
    VersionStore,
)
from pointsman.storage.memory import MemoryStore
from pointsman.storage.sqlite import SqliteStore


class Store(
    Ledger,
    Books,
    Charts,
    Retention,
    PromptStore,
    KeyStore,
    FeedbackStore,
    CheckStore,
    EvidenceStore,
    VersionStore,
    ExperimentStore,
    TenantStore,
    Protocol,
):
    """Everything that a store of the books does."""

    async def close(self) -> None:
        """Give back files and connections. Idempotent."""


class Opener(Protocol):
    def __call__(self, place: Path) -> AbstractAsyncContextManager[Store]:
        """Open the store, and close it at the end; the same `place` is the same store."""


@dataclass(frozen=True)
class LedgerAdapter:
    """How to open one kind of store. The suites' fixture is `books`."""

    name: str
    open: Opener
    #: What it holds is there when it is opened again.
    lasting: bool = True
    #: The real server that it needs, for the test's marks; None where it needs none.
    server: str | None = None


@asynccontextmanager
async def memory(place: Path) -> AsyncIterator[Store]:
    store = MemoryStore()
    yield store
    await store.close()


@asynccontextmanager
async def sqlite(place: Path) -> AsyncIterator[Store]:
    store = SqliteStore.open(place / "ledger.db")
    yield store
    await store.close()


@asynccontextmanager
async def postgres(place: Path) -> AsyncIterator[Store]:
    url = await postgres_books.database(servers.postgres(), place)
    async with postgres_books.opened(url) as store:
        yield store


LEDGERS = (
    LedgerAdapter("memory", memory, lasting=False),
    LedgerAdapter("sqlite", sqlite),
    LedgerAdapter("postgres", postgres, server="postgres"),
)
