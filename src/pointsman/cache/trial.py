"""What the semantic tier makes of two prompts: the one is kept, the other asked, as requests are."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from pointsman.cache.eligible import turn_objection
from pointsman.cache.identity import Identity
from pointsman.cache.semantic import Semantic
from pointsman.cache.words import hashes
from pointsman.ports import CacheStore
from pointsman.types import CachedReply, Selection, Vector

_PARTITION = _ID = "trial"


class Tried(msgspec.Struct, frozen=True):
    """What would become of a prompt where the reply to another is cached."""

    #: Cosine of the two, also where it would not have been asked for; None where one of them is
    #: longer than the embedder's window.
    similarity: float | None
    #: What speaks against it: the guard's word for the difference, or why one of the two is not
    #: for this tier at all; None where nothing can be named.
    guard: str | None
    #: That the reply serves, 0-1; None where nobody asked the verifier.
    p: float | None
    #: It would be given.
    hit: bool


class Trial:
    """Tries pairs of prompts, one after the other."""

    def __init__(
        self, semantic: Semantic, store: CacheStore, *, threshold: float, now: datetime
    ) -> None:
        """`store` is what `semantic` looks in; it holds nothing else meanwhile.

        `threshold` is the probability from which a reply is given.
        """
        self.semantic = semantic
        self.threshold = threshold
        self._store = store
        self._now = now

    async def tried(self, a: str, b: str) -> Tried:
        """What becomes of `b` where the reply to `a` is cached. Raises CacheUnavailable."""
        ineligible = turn_objection(a) or turn_objection(b)
        embed = self.semantic.embedder.embed
        kept, asked = await embed(a), await embed(b)
        if kept is None or asked is None:
            return Tried(None, ineligible, None, hit=False)
        await self._store.put(self._reply(a, kept))
        try:
            (near,) = await self.semantic.index.nearest(_PARTITION, asked, limit=1, now=self._now)
            if ineligible is not None:
                return Tried(near.similarity, ineligible, None, hit=False)
            return await self._asked(b, near.similarity)
        finally:
            await self._store.remove(Selection(id=_ID))

    async def _asked(self, turn: str, similarity: float) -> Tried:
        findings = await self.semantic.find(
            Identity(_ID, _PARTITION, turn),
            threshold=self.threshold,
            floor=0.0,
            now=self._now,
            valid=lambda _: True,
        )
        judged = findings.judged
        return Tried(
            similarity,
            None if judged is None else judged.objection,
            None if judged is None else judged.probability,
            hit=findings.match is not None,
        )

    def _reply(self, turn: str, vector: Vector) -> CachedReply:
        return CachedReply(
            id=_ID,
            key=_ID,
            organisation="",
            scope="",
            route="auto",
            deployment="",
            version="",
            tier="",
            request_id="",
            stored=self._now,
            expires=self._now + timedelta(days=1),
            body=b"",
            partition=_PARTITION,
            turn=turn,
            vector=vector,
            words=tuple(sorted(hashes(turn))),
        )
