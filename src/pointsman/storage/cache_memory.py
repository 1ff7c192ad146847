"""A cache in memory: CacheStore and VectorIndex for tests and for what need not last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nlargest

from msgspec.structs import replace

from pointsman.storage.eviction import Shelf, kept, size_of
from pointsman.storage.vectors import Vectors, cosine
from pointsman.types import CachedReply, Listing, Near, Selection, Vector

#: Replies that are forgotten before others get their turn: a millisecond's work.
_PORTION = 32


class MemoryCache:
    """CacheStore and VectorIndex, bounded; who stays says `eviction`."""

    def __init__(self, *, max_replies: int = 100_000, max_bytes: int = 256 * 1024**2) -> None:
        """`max_bytes` of bodies, turns and vectors; the index takes a third of a vector once more."""
        self._replies: dict[str, CachedReply] = {}
        self._shelf = Shelf(max_replies=max_replies, max_bytes=max_bytes)
        self._vectors = Vectors()

    async def get(self, key: str, now: datetime) -> CachedReply | None:
        """See `ports.CacheStore`."""
        item = self._shelf.at(key)
        return self._replies[item.id] if item and item.expires > now else None

    async def put(self, reply: CachedReply) -> None:
        """See `ports.CacheStore`. What is larger than all the room is not kept."""
        self._drop(self._shelf.add(kept(reply), now=reply.stored))
        if reply.id not in self._shelf:
            return
        self._replies[reply.id] = reply
        if reply.partition is not None and reply.vector is not None:
            self._vectors.add(
                reply.id, reply.partition, reply.vector, words=reply.words, expires=reply.expires
            )

    async def used(self, reply_id: str, now: datetime) -> None:  # noqa: ARG002
        """See `ports.CacheStore`."""
        if self._shelf.used(reply_id):
            reply = self._replies[reply_id]
            self._replies[reply_id] = replace(reply, hits=reply.hits + 1)

    async def remove(self, which: Selection) -> int:
        """See `ports.CacheStore`."""
        selected = await asyncio.to_thread(_select, list(self._replies.values()), which)
        removed = 0
        for start in range(0, len(selected), _PORTION):
            gone = [r.id for r in selected[start : start + _PORTION] if self._shelf.remove(r.id)]
            self._drop(gone)
            removed += len(gone)
            await asyncio.sleep(0)
        return removed

    async def list(
        self, which: Selection, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> Listing:
        """See `ports.CacheStore`."""
        return await asyncio.to_thread(_listing, list(self._replies.values()), which, limit, after)

    async def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """See `ports.VectorIndex`."""
        return self._vectors.plausible(partition, words)

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> Sequence[Near]:
        """See `ports.VectorIndex`."""
        ids = await self._vectors.nearest(partition, vector, limit=limit, now=now)
        return nearest_of((self._replies[i] for i in ids if i in self._replies), vector, now)

    async def sweep(self, now: datetime) -> int:
        """Forget what has expired, in small portions; returns how many."""
        swept = 0
        while gone := self._shelf.expired(now, limit=_PORTION):
            self._drop(gone)
            swept += len(gone)
            await asyncio.sleep(0)
        return swept

    async def close(self) -> None:
        """Nothing to give back."""

    def _drop(self, gone: Iterable[str]) -> None:
        for reply_id in gone:
            del self._replies[reply_id]
            self._vectors.remove(reply_id)


def nearest_of(
    candidates: Iterable[CachedReply], vector: Vector, now: datetime
) -> tuple[Near, ...]:
    """Those that have not expired with their cosines, as they are in the replies themselves."""
    near = [
        Near(reply, cosine(reply.vector, vector))
        for reply in candidates
        if reply.vector and reply.vector.size == vector.size and reply.expires > now
    ]
    return tuple(sorted(near, key=lambda each: -each.similarity))


def _select(replies: Iterable[CachedReply], which: Selection) -> list[CachedReply]:
    return [reply for reply in replies if which.fits(reply)]


def _listing(
    replies: Iterable[CachedReply],
    which: Selection,
    limit: int,
    after: tuple[datetime, str] | None,
) -> Listing:
    selected = _select(replies, which)
    older = [each for each in selected if after is None or (each.stored, each.id) < after]
    newest = nlargest(limit, older, key=lambda reply: (reply.stored, reply.id))
    return Listing(tuple(newest), len(selected), sum(map(size_of, selected)))
