"""What the cache's contract suite and the stores' own tests build with.

A store joins the suite by an `Adapter` in `tests/contract/adapters.py`.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sqrt
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from pointsman.ports import CacheStore, VectorIndex
from pointsman.types import CachedReply, Near, Selection, Vector

#: The real time, for servers have clocks of their own and forget by them.
NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

EMBEDDER = "minilm@1"
EVERYTHING = Selection()
#: As MiniLM's.
DIMENSIONS = 384


class Cache(CacheStore, VectorIndex, Protocol):
    """What the suite asks of a store; one that is no index says so in its `Adapter`."""

    async def sweep(self, now: datetime) -> int:
        """Forget what has expired; returns how many, 0 where the server does it by itself."""

    async def close(self) -> None:
        """Give back files and connections. Idempotent."""


class Opener(Protocol):
    def __call__(
        self, place: Path, *, max_replies: int = 10_000, max_bytes: int = 100_000_000
    ) -> AbstractAsyncContextManager[Cache]:
        """Open the store, and close it at the end; the same `place` is the same store."""


@dataclass(frozen=True)
class Adapter:
    """How to open one kind of store, and what it can do.

    The suite's fixtures are `cache`, for every store, and `index`, for those that are `semantic`.
    """

    name: str
    open: Opener
    #: It finds replies by vector; else only the exact tier is tested.
    semantic: bool = True
    #: `plausible` can say False.
    tells: bool = True
    #: It keeps to `max_replies` and `max_bytes` by itself, the most valuable staying.
    bounded: bool = True
    #: What it holds is there when it is opened again.
    lasting: bool = True
    #: The real server that it needs, for the test's marks; None where it needs none.
    server: str | None = None


def vector(seed: int, *, embedder: str = EMBEDDER, size: int = DIMENSIONS) -> Vector:
    """A random direction; those of different seeds are nearly orthogonal."""
    rng = random.Random(seed)  # noqa: S311
    return unit([rng.gauss(0, 1) for _ in range(size)], embedder=embedder)


def unit(values: list[float], *, embedder: str = EMBEDDER) -> Vector:
    """The direction of `values`, of length 1."""
    length = sqrt(sum(value * value for value in values))
    return Vector(struct.pack(f"<{len(values)}f", *(v / length for v in values)), embedder)


def near(to: Vector, cosine: float, seed: int = 0) -> Vector:
    """A vector with this cosine to `to`."""
    base, other = numbers(to), numbers(vector(seed, size=to.size))
    along = sum(a * b for a, b in zip(base, other, strict=True))
    across = [b - along * a for a, b in zip(base, other, strict=True)]
    length = sqrt(sum(value * value for value in across))
    sine = sqrt(1 - cosine * cosine)
    mixed = [cosine * a + sine * c / length for a, c in zip(base, across, strict=True)]
    return unit(mixed, embedder=to.embedder)


def numbers(of: Vector) -> tuple[float, ...]:
    return struct.unpack(f"<{of.size}f", of.data)


def cosine(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(numbers(a), numbers(b), strict=True))


def reply(
    number: int = 1,
    *,
    body: bytes = b'{"text": "Paris"}',
    stored: datetime = NOW,
    expires: datetime = NOW + DAY,
    cost: Decimal | None = Decimal("0.0025"),
    organisation: str = "acme",
    scope: str = "",
    route: str = "auto",
    deployment: str = "haiku",
    tags: tuple[str, ...] = (),
) -> CachedReply:
    """A reply for the exact tier; all that is not given follows from the number."""
    return CachedReply(
        id=f"cr_{number}",
        key=f"{number:064x}",
        organisation=organisation,
        scope=scope,
        route=route,
        deployment=deployment,
        version="claude-haiku-5",
        tier="medium",
        request_id=f"req_{number}",
        stored=stored,
        expires=expires,
        body=body,
        cost=cost,
        latency_ms=812.5,
        tags=tags,
    )


def meant(
    number: int = 1,
    *,
    partition: str = "p1",
    at: Vector | None = None,
    words: tuple[int, ...] = (11, 22, 33),
) -> CachedReply:
    """A reply for both tiers; its prompt's embedding is `at`, or follows from the number."""
    return replace(
        reply(number),
        partition=partition,
        turn=f"Question {number}?",
        vector=at or vector(number),
        words=words,
    )


async def ids(store: CacheStore, which: Selection = EVERYTHING) -> list[str]:
    """Of what is there, the newest first."""
    return [each.id for each in (await store.list(which, limit=10_000)).replies]


def found(those: Sequence[Near]) -> list[str]:
    """The ids, in order."""
    return [each.reply.id for each in those]
