"""Two PostgreSQL servers, of which one follows the other in step; they change places."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.support.postgres_books import ask
from tests.support.servers import PostgresServer


class Pair:
    """What the primary said to be durable, the standby has too."""

    def __init__(self) -> None:
        """Prepared, not started. Skips the test where PostgreSQL can't be had."""
        self.primary = PostgresServer()
        self.standby = PostgresServer()
        self._folders = (self.primary.folder, self.standby.folder)

    @property
    def url(self) -> str:
        """As Pointsman takes it: the addresses of both, in an order that never changes."""
        return self._url("postgres")

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.primary.start)
        await self.join()
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in (self.primary, self.standby):
            await asyncio.to_thread(each.stop)

    async def join(self) -> None:
        """The standby comes (back), as a copy of the primary that answers and only reads.

        From then on nothing is durable before both have it.
        """
        await asyncio.to_thread(self.standby.follow, self.primary)
        await asyncio.to_thread(self.standby.start)
        await ask(self.primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        await ask(self.primary.url, "SELECT pg_reload_conf()")
        in_step = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"
        while not await ask(self.primary.url, in_step):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """The primary dies."""
        await asyncio.to_thread(self.primary.kill)

    async def promote(self) -> None:
        """The standby takes the place of the primary, which it keeps."""
        await asyncio.to_thread(self.standby.promote)
        self.primary, self.standby = self.standby, self.primary

    async def database(self, name: str) -> tuple[str, str]:
        """A new database: its address by both servers, and by the primary alone."""
        await ask(self.primary.url, f"CREATE DATABASE {name}")
        return self._url(name), self.primary.url.replace("/postgres?", f"/{name}?")

    def _url(self, name: str) -> str:
        one, other = self._folders
        return f"postgresql://postgres@/{name}?host={one},{other}"
