"""A cache in Redis or Valkey, shared by all gateways that use the same server and prefix.

The server removes what has expired, and what has to go where its `maxmemory` ends: choose its
`maxmemory-policy`, best `volatile-lfu`, or `allkeys-lfu` where it serves nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from heapq import nlargest
from typing import TYPE_CHECKING

import msgspec

from pointsman.errors import CacheUnavailable
from pointsman.storage.redis_link import redis_client
from pointsman.storage.redis_replies import Outline, RedisReplies
from pointsman.storage.redis_search import RedisSearch
from pointsman.types import CachedReply, Listing, Near, Selection, Vector

if TYPE_CHECKING:
    from redis.asyncio import Redis

_MILLISECOND = timedelta(milliseconds=1)


class _Server(msgspec.Struct, frozen=True):
    client: Redis
    replies: RedisReplies
    search: RedisSearch


class RedisCache:
    """CacheStore on Redis >= 6 or Valkey; VectorIndex where the server has a search module.

    Every method but `close` raises CacheUnavailable where the server does not answer in time. A
    server that comes back is used again.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "pointsman:cache:1:",
        timeout_s: float = 0.25,
        max_connections: int = 32,
    ) -> None:
        """`url` as redis-py takes it: redis://, rediss:// or unix://.

        All keys begin with `prefix`. `timeout_s` bounds connecting, each answer, and waiting for
        one of `max_connections` to be free. Nothing is asked before `start`.
        """
        self._url = url
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._max_connections = max_connections
        self._server: _Server | None = None

    @property
    def has_vectors(self) -> bool:
        """Whether the server has vector search; False until it was asked."""
        return bool(self._server and self._server.search.known)

    async def start(self) -> None:
        """Connect, and learn what the server can do. Idempotent.

        Raises ConfigError where the URL or the installation is at fault. After CacheUnavailable
        the cache may be used all the same: it connects when the server is there.
        """
        if self._server is None:
            client = redis_client(
                self._url,
                connections=self._max_connections,
                wait_s=self._timeout_s,
                timeout_s=self._timeout_s,
            )
            self._server = _Server(
                client, RedisReplies(client, self._prefix), RedisSearch(client, self._prefix)
            )
        with self._asking() as server:
            await server.search.is_there()

    async def close(self) -> None:
        """Give back the connections. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.client.aclose()

    async def get(self, key: str, now: datetime) -> CachedReply | None:
        """See `ports.CacheStore`."""
        with self._asking() as server:
            [reply] = await server.replies.fetch([key])
        return reply if reply and reply.expires > now else None

    async def put(self, reply: CachedReply) -> None:
        """See `ports.CacheStore`. Its time to live counts from now on, by the server's clock."""
        life_ms = max(1, (reply.expires - reply.stored) // _MILLISECOND)
        with self._asking() as server:
            if reply.vector and await server.search.is_there():
                await server.search.prepare(reply.vector.size)
            await server.replies.put(reply, life_ms)

    async def used(self, reply_id: str, now: datetime) -> None:  # noqa: ARG002
        """See `ports.CacheStore`."""
        with self._asking() as server:
            await server.replies.used(reply_id)

    async def remove(self, which: Selection) -> int:
        """See `ports.CacheStore`. It walks through all replies unless one id is meant."""
        removed = 0
        with self._asking() as server:
            async for portion in server.replies.selected(which):
                removed += await server.replies.remove(portion)
        return removed

    async def list(
        self, which: Selection, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> Listing:
        """See `ports.CacheStore`. It walks through all replies unless one id is meant."""
        count = size = 0
        newest: Sequence[Outline] = ()
        last = None if after is None else (after[0].timestamp(), after[1])
        with self._asking() as server:
            async for portion in server.replies.selected(which):
                count += len(portion)
                size += sum(each.size for each in portion)
                older = [each for each in portion if last is None or each.age < last]
                newest = nlargest(limit, [*newest, *older], key=lambda each: each.age)
            shown = await server.replies.fetch([each.key for each in newest])
        return Listing(tuple(reply for reply in shown if reply), count, size)

    async def plausible(self, partition: str, words: frozenset[int]) -> bool:  # noqa: ARG002
        """See `ports.VectorIndex`; False only where the server has no vector search."""
        return self._server is None or self._server.search.known is not False

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> Sequence[Near]:
        """See `ports.VectorIndex`; nothing where the server has no vector search."""
        with self._asking() as server:
            if limit <= 0 or not await server.search.is_there():
                return ()
            found = await server.search.nearest(partition, vector, limit=limit, now=now)
            replies = await server.replies.fetch([each.key for each in found])
        return [
            Near(reply, each.similarity)
            for each, reply in zip(found, replies, strict=True)
            if reply and reply.id == each.id and reply.expires > now
        ]

    async def sweep(self, now: datetime) -> int:  # noqa: ARG002
        """0: the server removes by itself what has expired."""
        return 0

    @contextmanager
    def _asking(self) -> Iterator[_Server]:
        """Whatever goes wrong with the server becomes CacheUnavailable."""
        from redis.exceptions import RedisError  # noqa: PLC0415

        if self._server is None:
            raise CacheUnavailable("the cache in Redis is not started")
        try:
            yield self._server
        except (RedisError, OSError) as error:
            name = type(error).__name__
            raise CacheUnavailable(f"the cache in Redis can't be asked: {name}") from error
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise CacheUnavailable(f"a reply can't be kept or read: {error}") from error
