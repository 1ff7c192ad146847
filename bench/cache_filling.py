"""A cache of many replies in one partition, each of which can be asked for."""

import asyncio
from itertools import count
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from cache_gateway import ROOM, SIMILAR
from overhead_formats import asked
from pointsman.cache.identity import Realm, identify
from pointsman.cache.words import hashes
from pointsman.clock import SystemClock
from pointsman.formats.chat.request import parse_chat
from pointsman.ids import new_request_id
from pointsman.storage.cache_sqlite import SqliteCache
from pointsman.types import CachedReply, Call, Principal, Selection, Target, Vector

#: Puts under way at a time.
_CLIENTS = 64


def key_of(turn: str, embedder: str) -> tuple[str, str | None]:
    """The key and the partition of a request with that prompt, as the gateway makes them."""
    request = parse_chat(asked("chat", SIMILAR, turn))
    call = Call(new_request_id(), SystemClock().now(), Principal(key="static"), request)
    realm = Realm(call.principal.organisation, "")
    identity = identify(call, Target("deployment", SIMILAR), realm, embedder=embedder)
    return identity.key, identity.partition


async def fill(file: Path, turns: list[str]) -> None:
    """Put a reply for each turn beside the one that is there, in its partition.

    Their vectors point anywhere: nothing is near, and all is searched.
    """
    store = SqliteCache.open(file, max_replies=ROOM, max_bytes=2**40)
    (first,) = (await store.list(Selection(route=SIMILAR), limit=1)).replies
    vector, asked_before = first.vector, first.turn
    if vector is None or asked_before is None:
        raise SystemExit("the gateway kept a reply without its vector")
    if key_of(asked_before, vector.embedder) != (first.key, first.partition):
        raise SystemExit("the gateway gives requests another identity than this bench does")
    left, number = iter(turns), count()
    draw = np.random.default_rng(1)

    async def client() -> None:
        for turn in left:
            await store.put(_like(first, turn, _drawn(draw, vector), next(number)))

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    await store.close()


def _drawn(draw: np.random.Generator, like: Vector) -> Vector:
    """A vector of length 1 that points anywhere."""
    drawn = draw.standard_normal(like.size)
    unit = (drawn / np.linalg.norm(drawn)).astype("<f4")
    return Vector(unit.tobytes(), like.embedder)


def _like(first: CachedReply, turn: str, vector: Vector, number: int) -> CachedReply:
    """A reply that differs from the first in what was asked."""
    return replace(
        first,
        id=f"cr_{number}",
        key=key_of(turn, vector.embedder)[0],
        turn=turn,
        vector=vector,
        words=tuple(sorted(hashes(turn))),
    )
