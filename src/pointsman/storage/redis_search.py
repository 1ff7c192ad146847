"""Vector search in Redis: one HNSW index per number of dimensions, over the replies' hashes.

Before a search the server narrows down to one partition and embedder; where few are left it
compares with each of them (its own choice), so small partitions are searched exactly.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pointsman.storage.cache_packing import space
from pointsman.types import CachedReply, Vector

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.typing import EncodableT, FieldT

_Answer: TypeAlias = list[bytes | list[bytes]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Found(msgspec.Struct, frozen=True):
    """One hit of a search."""

    #: Of the reply that was found, and its id.
    key: str
    id: str
    similarity: float


def fields_of(reply: CachedReply) -> dict[FieldT, EncodableT]:
    """What a reply's hash holds for the index; nothing where it is no matter of vectors."""
    if reply.vector is None or reply.partition is None:
        return {}
    return {
        "space": space(reply.partition, reply.vector),
        "expires": str(_instant(reply.expires)),
        f"vector{reply.vector.size}": reply.vector.data,
    }


class RedisSearch:
    """The indexes under one prefix. Raises what redis-py raises."""

    def __init__(self, client: Redis, prefix: str) -> None:
        """Over hashes whose names are `prefix`, `reply:` and the key."""
        self._client = client
        self._hashes = f"{prefix}reply:"
        self._prefix = prefix
        self._prepared = set[int]()
        #: Whether the server has a search module; None until it was asked.
        self.known: bool | None = None

    async def is_there(self) -> bool:
        """Whether the server has a search module; it is asked until it has said so once."""
        from redis.exceptions import ResponseError  # noqa: PLC0415

        if self.known is None:
            try:
                await self._ask("FT._LIST")
            except ResponseError:
                self.known = False
            else:
                self.known = True
        return self.known

    async def prepare(self, size: int) -> None:
        """See that there is an index for vectors of this size."""
        if size not in self._prepared:
            await self._create(size)

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> list[Found]:
        """The nearest that have not expired, the nearest first."""
        from redis.exceptions import ResponseError  # noqa: PLC0415

        field = f"vector{vector.size}"
        within = f"(@space:{{{space(partition, vector)}}} @expires:[({_instant(now)} +inf])"
        asked = (
            *("FT.SEARCH", self._name(vector.size)),
            f"{within}=>[KNN {limit} @{field} $vector AS distance]",
            *("PARAMS", "2", "vector", vector.data, "SORTBY", "distance"),
            *("RETURN", "2", "id", "distance", "LIMIT", "0", str(limit), "DIALECT", "2"),
        )
        try:
            answer = await self._ask(*asked)
        except ResponseError:
            if not await self._create(vector.size):
                raise
            answer = await self._ask(*asked)
        found = []
        for name, pairs in zip(answer[1::2], answer[2::2], strict=True):
            if isinstance(name, bytes) and isinstance(pairs, list):
                values = dict(zip(pairs[::2], pairs[1::2], strict=True))
                if b"id" in values:  # else it expired meanwhile
                    key = name.decode().removeprefix(self._hashes)
                    similarity = 1 - float(values[b"distance"])
                    found.append(Found(key, values[b"id"].decode(), similarity))
        return found

    async def _create(self, size: int) -> bool:
        """False where the index was there already."""
        from redis.exceptions import ResponseError  # noqa: PLC0415

        name = self._name(size)
        try:
            await self._ask(
                *("FT.CREATE", name, "ON", "HASH", "PREFIX", "1", self._hashes),
                *("SCHEMA", "space", "TAG", "expires", "NUMERIC", f"vector{size}", "VECTOR"),
                *("HNSW", "8", "TYPE", "FLOAT32", "DIM", str(size), "DISTANCE_METRIC", "COSINE"),
                *("EF_RUNTIME", "100"),
            )
            created = True
        except ResponseError:
            if name.encode() not in await self._ask("FT._LIST"):
                raise
            created = False
        self._prepared.add(size)
        return created

    async def _ask(self, *command: str | bytes) -> _Answer:
        answer: _Answer = await self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        return answer

    def _name(self, size: int) -> str:
        return f"{self._prefix}vectors:{size}"


def _instant(time: datetime) -> int:
    """Microseconds since 1970: exact as a double."""
    return (time - _EPOCH) // _MICROSECOND
