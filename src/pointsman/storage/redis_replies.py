"""Cached replies as keys of Redis.

Three keys for each, all with its time to live: `reply:KEY`, a hash; `id:ID`, the KEY; and, once it
was given out, `hits:KEY`. What an id says is checked against the reply, so one that is left behind
does no harm, and one that the server evicted is found by walking through all.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from pointsman.storage.cache_packing import pack, unpack
from pointsman.storage.eviction import size_of
from pointsman.storage.redis_search import fields_of
from pointsman.types import CachedReply, Selection

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.typing import EncodableT, FieldT

#: Keys that are looked at together.
_PORTION = 500

#: Of the reply at KEYS[1] if its id is ARGV[1]: count a hit at KEYS[2].
_USED = """
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
redis.call('INCR', KEYS[2])
return redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
"""
#: Of the reply at KEYS[1] if its id is ARGV[1]: remove all its keys.
_REMOVE = """
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
redis.call('DEL', unpack(KEYS))
return 1
"""


class Outline(msgspec.Struct, frozen=True):
    """A reply without its body, its vector and its hits."""

    key: str
    reply: CachedReply
    #: Bytes, see `eviction.size_of`.
    size: int

    @property
    def age(self) -> tuple[float, str]:
        """The greatest is the newest."""
        return self.reply.stored.timestamp(), self.reply.id


class RedisReplies:
    """The replies under one prefix. Raises what redis-py, `pack` and `unpack` raise."""

    def __init__(self, client: Redis, prefix: str) -> None:
        """All keys begin with `prefix`."""
        self._client = client
        self._prefix = prefix

    async def put(self, reply: CachedReply, life_ms: int) -> None:
        """Keep it for so many milliseconds, in place of what was there for its key."""
        fields: dict[FieldT, EncodableT] = {
            "id": reply.id,
            "body": reply.body,
            "reply": pack(reply),
            "size": str(size_of(reply)),
            **fields_of(reply),
        }
        async with self._client.pipeline() as together:
            together.delete(self._reply(reply.key), self._hits(reply.key))
            together.hset(self._reply(reply.key), mapping=fields)
            together.pexpire(self._reply(reply.key), life_ms)
            together.set(self._id(reply.id), reply.key, px=life_ms)
            await together.execute()

    async def used(self, reply_id: str) -> None:
        """Count a hit, if it is there."""
        key = await self._client.get(self._id(reply_id))
        if key is not None:
            names = self._reply(_text(key)), self._hits(_text(key))
            await self._client.eval(_USED, len(names), *names, reply_id)

    async def fetch(self, keys: Sequence[str]) -> list[CachedReply | None]:
        """Those of the keys, in their order."""
        async with self._client.pipeline(transaction=False) as together:
            for key in keys:
                together.hgetall(self._reply(key))
                together.get(self._hits(key))
            answers = await together.execute()
        return [
            _unpacked(fields, int(hits or 0)) if fields else None
            for fields, hits in zip(answers[::2], answers[1::2], strict=True)
        ]

    async def remove(self, those: Sequence[Outline]) -> int:
        """Forget them; returns how many were still there."""
        async with self._client.pipeline(transaction=False) as together:
            for each in those:
                names = self._reply(each.key), self._hits(each.key), self._id(each.reply.id)
                together.eval(_REMOVE, len(names), *names, each.reply.id)
            return sum(await together.execute())

    async def selected(self, which: Selection) -> AsyncIterator[list[Outline]]:
        """What is meant, in portions; each once."""
        seen = set[str]()
        async for keys in self._keys(which):
            fresh = set(keys) - seen
            seen |= fresh
            yield [each for each in await self._outlines(list(fresh)) if which.fits(each.reply)]

    async def _keys(self, which: Selection) -> AsyncIterator[list[str]]:
        """Keys of all that may be meant, in portions, some of them perhaps twice."""
        if which.id is not None:
            key = await self._client.get(self._id(which.id))
            outlines = await self._outlines([_text(key)] if key is not None else [])
            if any(each.reply.id == which.id for each in outlines):
                yield [each.key for each in outlines]
                return
        cursor, pattern = 0, re.sub(r"([\\*?\[\]])", r"\\\1", self._reply("")) + "*"
        while True:
            cursor, names = await self._client.scan(cursor, match=pattern, count=_PORTION)
            yield [_text(name).removeprefix(self._reply("")) for name in names]
            if not cursor:
                return

    async def _outlines(self, keys: Sequence[str]) -> list[Outline]:
        """Those of the keys that are there."""
        async with self._client.pipeline(transaction=False) as together:
            for key in keys:
                together.hmget(self._reply(key), "reply", "size")
            answers = await together.execute()
        return [
            Outline(key, unpack(packed), int(size))
            for key, (packed, size) in zip(keys, answers, strict=True)
            if packed
        ]

    def _reply(self, key: str) -> str:
        return f"{self._prefix}reply:{key}"

    def _hits(self, key: str) -> str:
        return f"{self._prefix}hits:{key}"

    def _id(self, reply_id: str) -> str:
        return f"{self._prefix}id:{reply_id}"


def _unpacked(fields: dict[bytes, bytes], hits: int) -> CachedReply:
    vector = next((fields[name] for name in fields if name.startswith(b"vector")), None)
    return unpack(fields[b"reply"], body=fields[b"body"], vector=vector, hits=hits)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
