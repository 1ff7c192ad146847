"""Whether semantic hits are right: some are asked of the model as well, and the answers compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pointsman.asking import Asking
from pointsman.cache import compare, content
from pointsman.cache.background import Background
from pointsman.cache.keep import Fresh
from pointsman.cache.lookup import Cache, Found
from pointsman.cache.truth import sampled
from pointsman.conversation import ModelReply
from pointsman.errors import PointsmanError
from pointsman.ids import new_request_id
from pointsman.ports import CheckStore, Clock, Embedder, Observer
from pointsman.types import CachedReply, CacheWish, Call, Check, Lookup, ModelRequest, Reply

How: TypeAlias = Literal["embedding", "judge", "both"]

_OK = 200
#: Re-asked requests at once: nobody waits for them.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Comparer:
    """Says whether two answers to one prompt say the same.

    `embedding` finds about half of those that differ in little; `judge` asks a model; `both` spares
    the judge what numbers and polarity tell.
    """

    how: How
    embedder: Embedder
    judge: Asking | None = None

    async def same(self, prompt: str, a: str, b: str) -> bool | None:
        """None where nobody can tell. Raises PointsmanError."""
        if self.how != "judge" and compare.conflict(a, b):
            return False
        if self.judge is None:
            return await self._near(a, b)
        question = compare.question(prompt, a, b)
        return compare.verdict(await self.judge.say(question, compare.RESPONSE_FORMAT))

    async def _near(self, a: str, b: str) -> bool | None:
        vectors = [
            [await self.embedder.embed(piece) for piece in compare.pieces(text)] for text in (a, b)
        ]
        known = [[vector for vector in each if vector is not None] for each in vectors]
        if known != vectors or not all(known):
            return None
        return compare.same_by_embedding(compare.agreement(known[0], known[1]))


class Rechecking:
    """Checks a share of the hits, and every one that shadow mode would have given."""

    def __init__(
        self,
        *,
        cache: Cache,
        checks: CheckStore,
        comparer: Comparer,
        share: float,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`share` of the hits, 0-1."""
        self._cache = cache
        self._checks = checks
        self._comparer = comparer
        self._share = share
        self._clock = clock
        self._observer = observer
        self._background = Background(_AT_ONCE)

    def hit(self, call: Call, found: Found, answer: Callable[[Call], Awaitable[Reply]]) -> None:
        """A semantic hit was given: perhaps `answer` is asked for a fresh one."""
        if found.lookup.state != "semantic" or not sampled(call.request_id, self._share):
            return
        if found.reply is not None and found.content is not None:
            self._background.begin(self._asked(call, found.reply, found, answer))

    def fresh(self, fresh: Fresh, reply: ModelReply) -> None:
        """A fresh reply: where shadow mode would have given another, the two are compared."""
        found = fresh.found
        if found.shadowed is None:
            return
        would_be = content.text_of(content.decode(found.shadowed.body).reply)
        said = content.text_of(reply)
        self._background.begin(self._compared(fresh.call, found.shadowed, found, would_be, said))

    async def close(self) -> None:
        """Give up what is being checked: an upstream may take long."""
        await self._background.stop()

    async def _asked(
        self,
        call: Call,
        cached: CachedReply,
        found: Found,
        answer: Callable[[Call], Awaitable[Reply]],
    ) -> None:
        """Ask the same of the model: a request of its own, in the books like any other."""
        again = replace(
            call,
            request_id=new_request_id(),
            client_request_id=call.request_id,
            time=self._clock.now(),
            request=_whole(call.request),
            priority="background",
            session=None,
            cache=CacheWish("off", keep=False),
        )
        try:
            reply = await answer(again)
            if reply.status != _OK or not isinstance(reply.body, bytes):
                return
            said = content.read_whole(reply.body, again.request)
        except PointsmanError as error:
            self._observer.fault("cache", error)
            return
        if content.objection(said) is None and found.content is not None:
            was = content.text_of(found.content.reply)
            await self._compared(call, cached, found, was, content.text_of(said))

    async def _compared(
        self, call: Call, cached: CachedReply, found: Found, was: str, said: str
    ) -> None:
        turn = found.identity.turn if found.identity is not None else None
        try:
            same = await self._comparer.same(turn or "", was, said)
            if same is not None:
                await self.note(self._check(call, cached, found.lookup, false=not same))
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            self._observer.fault("cache", error)

    async def note(self, check: Check) -> None:
        """What was found counts from now on; a reply that would not do is forgotten.

        Raises LedgerUnavailable.
        """
        self._cache.truth.note(check)
        if check.false:
            await self._cache.forget(check.reply_id)
        await self._checks.add_check(check)

    def _check(self, call: Call, cached: CachedReply, lookup: Lookup, *, false: bool) -> Check:
        return Check(
            request_id=call.request_id,
            time=self._clock.now(),
            organisation=call.principal.organisation,
            route=cached.route,
            reply_id=cached.id,
            similarity=lookup.similarity or 0.0,
            probability=lookup.probability or 0.0,
            false=false,
            by=self._comparer.how,
            decider=self._cache.decider,
        )


def _whole(request: ModelRequest) -> ModelRequest:
    """The same request, to be answered in one piece."""
    members = {name: raw for name, raw in request.members.items() if name != "stream_options"}
    return replace(
        request, stream=False, include_usage=False, members={**members, "stream": b"false"}
    )
