"""What the cache keeps, and finds it by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pointsman.types import (
    Alignment,
    CachedReply,
    Check,
    Listing,
    Near,
    Selection,
    Vector,
)


class CacheStore(Protocol):
    """Cached replies, one per exact identity. Every method raises CacheUnavailable."""

    async def get(self, key: str, now: datetime) -> CachedReply | None:
        """The reply for an exact identity; None where there is none, or none any more."""

    async def put(self, reply: CachedReply) -> None:
        """Keep it, in place of what was there for its key. The least valuable go where room ends."""

    async def used(self, reply_id: str, now: datetime) -> None:
        """It was given out: that makes it worth more."""

    async def remove(self, which: Selection) -> int:
        """Forget; returns how many."""

    async def list(
        self, which: Selection, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> Listing:
        """The newest first, expired ones that are still there included.

        `after` says when one was stored and its id: only those older than it are listed, all that
        are selected are counted.
        """


class VectorIndex(Protocol):
    """Finds cached replies by what their prompts mean."""

    async def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """False where nothing near can be there, told cheaply by the hashes of a prompt's words.

        Adapters that can't tell say True.
        """

    async def nearest(
        self, partition: str, vector: Vector, *, limit: int, now: datetime
    ) -> Sequence[Near]:
        """The nearest of a partition that have not expired, the nearest first.

        Raises CacheUnavailable.
        """


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """Name and version: vectors of different ones never meet."""

    @property
    def window(self) -> int:
        """Word pieces that it reads; longer texts are not embedded."""

    async def embed(self, text: str) -> Vector | None:
        """The text's embedding; None where it can't be had.

        It is longer than the window, has words that the embedder does not know, or too many wait.
        Raises CacheUnavailable.
        """

    async def align(self, a: str, b: str) -> Alignment | None:
        """How two texts fit piece by piece; None where this embedder can't tell."""


class CheckStore(Protocol):
    """What was found when semantic hits were checked."""

    async def add_check(self, check: Check) -> None:
        """Keep it."""

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """The oldest first; of one route or of all."""

    async def forget_checks(self, route: str) -> int:
        """Let a route begin anew; returns how many are forgotten."""
