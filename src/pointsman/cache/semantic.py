"""The semantic tier: the reply to a prompt that means the same, found, doubted, and only then given.

prefilter -> embedder -> nearest in the partition -> guard -> verifier -> bound
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from pointsman.cache.eligible import turn_objection
from pointsman.cache.identity import Identity
from pointsman.cache.words import hashes
from pointsman.ports import Embedder, VectorIndex
from pointsman.types import Alignment, CachedReply, Near, Vector

#: Cached prompts of a partition that are looked at, the nearest first.
_NEAREST = 4
#: Why a prompt was not looked for: it is too long for the embedder, or too many wait.
NOT_EMBEDDED = "not embedded"


class Guard(Protocol):
    """Names what differs between two prompts."""

    def objection(self, a: str, b: str) -> str | None:
        """In one word, why a reply to `a` is none to `b`; None where nothing can be named."""


class Verifier(Protocol):
    """Says how likely it is that a reply to one prompt serves another."""

    @property
    def version(self) -> str:
        """Of its weights."""

    def probability(self, a: str, b: str, similarity: float, alignment: Alignment | None) -> float:
        """0-1, for the reply to `a` and the prompt `b`."""


class Judged(msgspec.Struct, frozen=True):
    """What is thought of giving the reply to one prompt to another."""

    similarity: float
    #: What the guard names; None where it passes.
    objection: str | None = None
    #: That the reply serves; None where nobody asked the verifier.
    probability: float | None = None

    def reason(self, threshold: float) -> str:
        """Why it is not given, from that probability on; empty where it is."""
        if self.objection is not None:
            return f"guard: {self.objection}"
        serves = self.probability is not None and self.probability >= threshold
        return "" if serves else "verifier"


class Match(msgspec.Struct, frozen=True):
    """A cached reply that serves."""

    reply: CachedReply
    similarity: float
    probability: float


class Findings(msgspec.Struct, frozen=True):
    """What a look at the semantic tier brought."""

    match: Match | None = None
    #: Why there is no match.
    reason: str = ""
    #: The prompt's own embedding, where it was made.
    vector: Vector | None = None
    #: What was thought of the last one that was near enough; None where none was.
    judged: Judged | None = None


class Semantic:
    """Finds the reply to a prompt that means the same. Raises CacheUnavailable."""

    def __init__(
        self,
        *,
        index: VectorIndex,
        embedder: Embedder,
        guard: Guard,
        verifier: Verifier | None,
        floor: float,
        is_free: bool = True,
    ) -> None:
        """`floor` is the lowest cosine that is looked at.

        `is_free`: embeddings cost nothing, so that a text may be embedded for whoever asks next.

        Without a verifier, which is calibrated for one embedder, the cosine stands in for its
        probability.
        """
        self.index = index
        self.embedder = embedder
        self.guard = guard
        self._verifier = verifier
        self.floor = floor
        self.is_free = is_free

    @property
    def decider(self) -> str:
        """What gives the probabilities: those of another are not to be compared with them."""
        version = "" if self._verifier is None else self._verifier.version
        return f"{self.embedder.name} {version}".strip()

    async def find(
        self,
        identity: Identity,
        *,
        threshold: float,
        floor: float,
        now: datetime,
        valid: Callable[[CachedReply], bool],
    ) -> Findings:
        """A cached reply for a request with a partition, from that probability on.

        `valid` has the last word on whether a reply may be given to this request at all.
        """
        partition, turn = identity.partition, identity.turn
        if partition is None or turn is None:
            return Findings(reason="no single text")
        if refused := turn_objection(turn):
            return Findings(reason=refused)
        if self.is_free and not await self.index.plausible(partition, hashes(turn)):
            return Findings(reason="nothing alike")
        vector = await self.embedder.embed(turn)
        if vector is None:
            return Findings(reason=NOT_EMBEDDED)
        near = await self.index.nearest(partition, vector, limit=_NEAREST, now=now)
        findings = Findings(reason="nothing near", vector=vector)
        for each in near:
            if each.similarity < max(floor, self.floor):
                break
            if not _is_of(each.reply, partition, vector) or not valid(each.reply):
                continue
            findings = await self._weighed(each, turn, threshold, vector)
            if findings.match is not None:
                break
        return findings

    async def judge(self, a: str, b: str, similarity: float) -> Judged:
        """What is thought of giving the reply to `a` to `b`, of that cosine."""
        objection = self.guard.objection(a, b)
        if objection is not None:
            return Judged(similarity, objection)
        return Judged(similarity, probability=await self.probability(a, b, similarity))

    async def probability(self, a: str, b: str, similarity: float) -> float:
        """That the reply to `a` serves `b`, of that cosine, whatever the guard says."""
        if self._verifier is None:
            return similarity
        alignment = await self.embedder.align(a, b)
        return self._verifier.probability(a, b, similarity, alignment)

    async def vector(self, turn: str | None) -> Vector | None:
        """The embedding under which a reply to that turn can be found; None where it can't be.

        Where embeddings cost, only the one made at look-up is used: it is in its request's books.
        """
        if turn is None or not self.is_free or turn_objection(turn):
            return None
        return await self.embedder.embed(turn)

    async def _weighed(self, near: Near, turn: str, threshold: float, vector: Vector) -> Findings:
        """The match, or why it is none."""
        judged = await self.judge(near.reply.turn or "", turn, near.similarity)
        reason = judged.reason(threshold)
        if reason or judged.probability is None:
            return Findings(reason=reason, vector=vector, judged=judged)
        match = Match(near.reply, near.similarity, judged.probability)
        return Findings(match, vector=vector, judged=judged)


def _is_of(reply: CachedReply, partition: str, vector: Vector) -> bool:
    """Looked at again on what was fetched: no store's mistake may cross a partition."""
    return (
        reply.partition == partition
        and reply.vector is not None
        and reply.vector.embedder == vector.embedder
    )
