"""The books in PostgreSQL, as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from pointsman.config import Settings, resolve_secret
from pointsman.errors import ConfigError
from pointsman.storage import cache_postgres, jobs_postgres
from pointsman.storage.journal import Journal
from pointsman.storage.ledger_postgres import PostgresStore

_MEGABYTE = 1024 * 1024


async def open_shared(
    settings: Settings, environment: Mapping[str, str], now: Callable[[], datetime]
) -> PostgresStore:
    """Raises ConfigError and LedgerUnavailable, as `PostgresStore.open` does."""
    ledger = settings.ledger
    if ledger.url is None:
        raise ConfigError("[ledger] url is not set")
    url = resolve_secret(ledger.url, environment)
    journal = None
    if ledger.journal_mb:
        most = int(ledger.journal_mb * _MEGABYTE)
        journal = await asyncio.to_thread(Journal.open, settings.home, max_bytes=most)
    place = settings.cache_place
    kept_there = place.store == "postgres" and place.url == ledger.url
    try:
        return await PostgresStore.open(
            url,
            max_connections=ledger.max_connections,
            beside=jobs_postgres.CONNECTIONS + (cache_postgres.CONNECTIONS if kept_there else 0),
            now=now,
            journal=journal,
            journal_s=ledger.journal_s,
        )
    except BaseException:
        if journal is not None:
            journal.close()
        raise
