"""Whether semantic hits are right: some are asked of the model as well, and the answers compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from pointsman.cache import compare, content
from pointsman.cache.background import Background
from pointsman.cache.content import Kept
from pointsman.cache.keep import Fresh
from pointsman.cache.lookup import Cache, Found
from pointsman.cache.truth import sampled
from pointsman.conversation import ModelReply
from pointsman.formats.chat.follow import reply_text
from pointsman.formats.chat.request import parse_chat
from pointsman.ids import new_request_id
from pointsman.ports import CheckStore, Clock, Embedder, Observer
from pointsman.types import CachedReply, CacheWish, Call, Check, Json, Lookup, ModelRequest, Reply

#: Answers a request, as a client's is answered.
Answer: TypeAlias = Callable[[Call], Awaitable[Reply]]
#: What a judge says to some messages.
Judge: TypeAlias = Callable[[Sequence[Json]], Awaitable[str]]
How: TypeAlias = Literal["embedding", "judge", "both"]

_OK = 200
#: Re-asked requests at once: nobody waits for them.
_AT_ONCE = 4


class Comparer(msgspec.Struct, frozen=True):
    """Says whether two answers to one prompt say the same.

    `embedding` finds about half of those that differ in little; `judge` asks a model; `both` spares
    the judge what numbers and polarity tell.
    """

    how: How
    embedder: Embedder

    async def same(self, prompt: str, a: str, b: str, judge: Judge) -> bool | None:
        """None where nobody can tell. Raises PointsmanError."""
        if self.how != "judge" and compare.conflict(a, b):
            return False
        if self.how == "embedding":
            return await self._near(a, b)
        return compare.verdict(await judge(compare.question(prompt, a, b)))

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
        judge: str | None,
        share: float,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`share` of the hits, 0-1."""
        self._cache = cache
        self._checks = checks
        self._comparer = comparer
        #: The deployment that compares, where one does.
        self.judge = judge
        #: Set by the pipeline: what is asked again is a request like any other.
        self.answer: Answer = unanswered
        self._share = share
        self._clock = clock
        self._observer = observer
        self._background = Background(_AT_ONCE)

    def hit(self, call: Call, found: Found) -> None:
        """A semantic hit was given: perhaps the model is asked as well."""
        if found.lookup.state != "semantic" or not sampled(call.request_id, self._share):
            return
        if found.reply is not None and found.content is not None:
            self._background.begin(self._asked(call, found.reply, found, found.content))

    def fresh(self, fresh: Fresh, reply: ModelReply) -> None:
        """A fresh reply: where shadow mode would have given another, the two are compared."""
        found = fresh.found
        if found.shadowed is None:
            return
        would_be = content.text_of(content.decode(found.shadowed.body).reply)
        said = content.text_of(reply)
        self._background.begin(self._compared(fresh.call, found.shadowed, found, would_be, said))

    async def finished(self) -> None:
        """Wait for what is being checked."""
        await self._background.close()

    async def close(self) -> None:
        """Give up what is being checked: an upstream may take long."""
        await self._background.stop()

    async def _asked(self, call: Call, cached: CachedReply, found: Found, given: Kept) -> None:
        try:
            body = await self._answered(call, whole(call.request))
            said = None if body is None else content.read_whole(body, call.request)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            self._observer.fault("cache", error)
            return
        if said is not None and content.objection(said) is None:
            was = content.text_of(given.reply)
            await self._compared(call, cached, found, was, content.text_of(said))

    async def _answered(self, call: Call, request: ModelRequest) -> bytes | None:
        """The answer to a request of its own, in the name of who asked; None where it is refused."""
        again = replace(
            call,
            request_id=new_request_id(),
            client_request_id=call.request_id,
            time=self._clock.now(),
            request=request,
            priority="background",
            session=None,
            cache=CacheWish("off", keep=False),
            is_own=True,
        )
        reply = await self.answer(again)
        return reply.body if reply.status == _OK and isinstance(reply.body, bytes) else None

    async def _compared(
        self, call: Call, cached: CachedReply, found: Found, was: str, said: str
    ) -> None:
        async def judge(messages: Sequence[Json]) -> str:
            asked = {
                "model": self.judge,
                "messages": list(messages),
                "temperature": 0,
                "max_tokens": 32,
                "response_format": dict(compare.RESPONSE_FORMAT),
            }
            body = await self._answered(
                replace(call, force_route=None), parse_chat(msgspec.json.encode(asked))
            )
            return "" if body is None else reply_text(body)

        turn = found.identity.turn if found.identity is not None else None
        try:
            same = await self._comparer.same(turn or "", was, said, judge)
            if same is not None:
                await self.note(self._check(call, cached, found.lookup, false=not same))
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            self._observer.fault("cache", error)

    async def note(self, check: Check) -> None:
        """What was found counts from now on; a reply that would not do is forgotten.

        Raises LedgerUnavailable.
        """
        self._cache.note(check)
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


async def unanswered(_call: Call) -> Reply:
    """There is no pipeline yet. Raises TypeError."""
    raise TypeError("no pipeline answers yet")


def whole(request: ModelRequest) -> ModelRequest:
    """The same request, to be answered in one piece."""
    members = {name: raw for name, raw in request.members.items() if name != "stream_options"}
    return replace(
        request, stream=False, include_usage=False, members={**members, "stream": b"false"}
    )
