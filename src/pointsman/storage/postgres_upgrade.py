"""The schema in PostgreSQL brought up to date, while gateways of the version before keep working."""

from __future__ import annotations

import asyncio
import logging
import random

from sqlalchemy import Connection, func, select, text

from pointsman.errors import LedgerUnavailable
from pointsman.storage.migrate import HEAD, revision, upgrade
from pointsman.storage.postgres_link import Blocked, PostgresLink

logger = logging.getLogger(__name__)

#: Seconds for a change of the schema, which may go through all entries.
_PATIENCE_S = 600.0
#: Milliseconds to wait for the lock on a table: all who want it after us wait as long.
_LOCK_MS = 250
#: Seconds until the next try, at least; as long again by chance.
_PAUSE_S = 0.5
#: Stands for the schema among the server's locks: any number will do.
_SCHEMA_LOCK = 7_070_000_000_000_001


async def bring_up_to_date(link: PostgresLink, *, patience_s: float = _PATIENCE_S) -> None:
    """One gateway after the other; all of the schema or nothing of it.

    Requests never queue up behind it: where somebody uses a table for long, it steps back and comes
    again. Raises LedgerUnavailable after `patience_s`, and ConfigError where a newer version wrote it.
    """
    try:
        async with asyncio.timeout(patience_s):
            await _until_free(link, patience_s)
    except TimeoutError as error:
        raise LedgerUnavailable(
            "the schema can't be brought up to date: something uses its tables without a pause"
        ) from error


async def _until_free(link: PostgresLink, patience_s: float) -> None:
    told = False
    while True:
        try:
            return await link.write(_upgrade, patience_s=patience_s)
        except Blocked:
            if not told:
                logger.warning("the schema is to be changed, and waits for others to let it")
            told = True
        await asyncio.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311 - no secret


def _upgrade(db: Connection) -> None:
    db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    db.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
    if revision(db) != HEAD:
        db.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MS}"))
        upgrade(db)
    if db.scalar(text("SHOW synchronous_commit")) == "off":
        logger.warning("PostgreSQL has synchronous_commit = off: a crash of it may lose entries")
