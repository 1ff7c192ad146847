"""What users call bad is not given out again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from pointsman.cache.lookup import Cache
from pointsman.errors import LedgerUnavailable
from pointsman.ports import Books, CheckStore, FeedbackStore
from pointsman.types import EVERYWHERE, Check, Entry, Feedback, Scope, reply_id_of


class Complaints:
    """A `FeedbackStore` that heeds what it keeps.

    A cached reply that somebody got and calls bad is forgotten, also by who got it first; where
    only a similar prompt had it, that counts as a false hit. Of a comment neither secrets nor
    personal data are kept: people quote the answer.
    """

    def __init__(
        self,
        feedback: FeedbackStore,
        books: Books,
        checks: CheckStore,
        cache: Cache,
        clean: Callable[[str], str],
    ) -> None:
        """`feedback` is where it is kept, of which `clean` leaves what may be."""
        self._clean = clean
        self._feedback = feedback
        self._books = books
        self._checks = checks
        self._cache = cache

    async def add(self, feedback: Feedback, scope: Scope = EVERYWHERE) -> None:
        """See `ports.FeedbackStore`."""
        if feedback.comment is not None:
            feedback = replace(feedback, comment=self._clean(feedback.comment))
        await self._feedback.add(feedback, scope)
        if feedback.rating is None or feedback.rating >= 0:
            return
        try:
            entry = await self._books.get(feedback.request_id)
            if entry is not None:
                await self._heed(entry, feedback.time)
        except LedgerUnavailable as error:  # what was said is kept
            self._cache.report(error)

    async def _heed(self, entry: Entry, time: datetime) -> None:
        lookup = entry.lookup
        if lookup.state not in {"exact", "semantic"}:
            await self._cache.forget(reply_id_of(entry.request_id))
            return
        if lookup.id is None:
            return
        await self._cache.forget(lookup.id)
        if lookup.state == "exact":
            return
        check = Check(
            request_id=entry.request_id,
            time=time,
            organisation=entry.principal.organisation,
            route=entry.decision.target.name,
            reply_id=lookup.id,
            similarity=lookup.similarity or 0.0,
            probability=lookup.probability or 0.0,
            false=True,
            by="feedback",
            decider=self._cache.decider,
        )
        self._cache.note(check)
        await self._checks.add_check(check)
