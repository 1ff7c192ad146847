"""Batches, wired: their books, what hands out the work on them, and who does it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from pointsman.assembly.bookkeeping import Bookkeeping, Store
from pointsman.batching.filing import Filing
from pointsman.batching.hours import OffPeak
from pointsman.batching.running import Running
from pointsman.batching.service import Batching
from pointsman.batching.validating import Bounds
from pointsman.config import Settings, resolve_secret
from pointsman.errors import AuthenticationFailed, ConfigError
from pointsman.formats import registry
from pointsman.ports import BatchBooks, Clock, Jobs
from pointsman.storage.batches import SqlBatches
from pointsman.storage.jobs_local import LocalJobs
from pointsman.storage.jobs_postgres import PostgresJobs
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.storage.memory import MemoryStore
from pointsman.types import Call, Principal, Reply

#: Portions of batches that a gateway works on at once: while the last rows of one are answered,
#: those of the next are asked.
_PORTIONS = 2
#: Seconds between two looks for batches at their end.
_TEND_S = 2.0
#: Seconds between two looks for what is old enough to be forgotten.
_FORGET_S = 3600.0


class Scheduling:
    """Batches for as long as the books are open."""

    def __init__(
        self,
        settings: Settings,
        books: Bookkeeping,
        *,
        ask: Callable[[Call], Awaitable[Reply]],
        clock: Clock,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Does no I/O. `ask` has a row answered."""
        self._settings = settings
        self._books = books
        self._ask = ask
        self._clock = clock
        self._environment = environment
        self._batching: Batching | None = None

    @property
    def batching(self) -> Batching:
        """Files and batches. Only while open."""
        if self._batching is None:
            raise ConfigError("not started: use `async with`, or call start() first")
        return self._batching

    async def open(self, *, serves: bool) -> None:
        """Go on with what is unfinished, where this process `serves`. The books must be open.

        Raises ConfigError, LedgerUnavailable.
        """
        made = self._batching = self._made(serves=serves)
        if not serves:
            return
        await made.start()
        self._books.every(_TEND_S, "batches", made.tend)
        self._books.every(_FORGET_S, "files", made.forget)

    async def end(self) -> None:
        """Begin nothing more, and wait for what is being asked. Idempotent."""
        if self._batching is not None:
            await self._batching.end()

    async def close(self) -> None:
        """End, and give everything back. Idempotent."""
        batching, self._batching = self._batching, None
        if batching is not None:
            await batching.close()

    async def _asker(self, key_id: str) -> Principal:
        """Who has a key. Another gateway may have made it, or its member, just now."""
        try:
            return await self._books.keys.owner(key_id)
        except AuthenticationFailed:
            await self._books.refresh_organisations()
            return await self._books.keys.owner(key_id)

    def _made(self, *, serves: bool) -> Batching:
        wanted, books, clock = self._settings.batch, self._books, self._clock
        off_peak = None if wanted.off_peak is None else OffPeak.read(wanted.off_peak)
        store = batch_books(books.store)
        running = Running(
            store,
            ask=self._ask,
            principal=self._asker,
            clients=registry.CLIENTS,
            clock=clock,
            concurrency=wanted.concurrency,
            off_peak=off_peak,
        )
        filing = Filing(
            store,
            clock,
            retention=timedelta(days=wanted.retention_days),
            max_bytes=wanted.max_file_bytes,
            max_stored_bytes=wanted.max_stored_bytes,
        )
        return Batching(
            store,
            self._jobs(serves=serves),
            running,
            filing=filing,
            clock=clock,
            longest_window=timedelta(hours=wanted.longest_window_h),
            most=Bounds(wanted.max_rows, self._settings.server.max_body_bytes),
            off_peak=off_peak,
        )

    def _jobs(self, *, serves: bool) -> Jobs:
        """None are taken where no rows are asked here."""
        settings = self._settings
        at_once = _PORTIONS if settings.batch.concurrency else 0
        grace_s = float(settings.server.shutdown_grace_s)
        url = settings.ledger.url
        if not serves or url is None or not isinstance(self._books.store, PostgresStore):
            return LocalJobs(self._clock, at_once=at_once, grace_s=grace_s)
        secret = resolve_secret(url, self._environment)
        return PostgresJobs(secret, at_once=at_once, grace_s=grace_s)


def batch_books(store: Store) -> BatchBooks:
    """What keeps files and batches beside these books."""
    if isinstance(store, MemoryStore):
        return store.batches
    return SqlBatches(store, store.gateway if isinstance(store, PostgresStore) else None)
