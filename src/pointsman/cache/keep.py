"""What is kept of a fresh reply, and whether: after the client has it, never before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from pointsman.cache import content, faithful
from pointsman.cache.background import Background
from pointsman.cache.content import Kept
from pointsman.cache.flight import Flight, Recording
from pointsman.cache.lookup import Cache, Found
from pointsman.cache.semantic import NOT_EMBEDDED
from pointsman.cache.words import hashes
from pointsman.conversation import ModelReply, Text, Thinking
from pointsman.errors import CacheUnavailable, PointsmanError
from pointsman.formats import registry
from pointsman.formats.wire import ClientFormat, Framing, Head
from pointsman.ports import Clock
from pointsman.types import (
    CachedReply,
    Call,
    Reply,
    Settlement,
    Vector,
    Verdict,
    reply_id_of,
)

#: Replies that may wait to be kept; what comes on top is not.
MOST_WAITING = 256
#: Bytes of a reply from which on it is read in a thread.
_LONG = 32 * 1024
#: Seconds that a store may take for one.
_PATIENCE_S = 10.0


class Fresh(msgspec.Struct, frozen=True):
    """A reply that just went to its client."""

    call: Call
    found: Found
    reply: Reply
    settlement: Settlement
    #: What the verifier said of this very answer; None where nobody looked.
    verdict: Verdict | None
    #: The client's bytes: a whole body, or all of a stream.
    body: bytes


class Keeper:
    """Puts replies into the cache, each in a task of its own."""

    def __init__(self, cache: Cache, tiers: tuple[str, ...], clock: Clock) -> None:
        """Nothing is being kept yet."""
        self._cache = cache
        #: The lowest first.
        self.tiers = tiers
        #: Those in which an organisation can be answered now.
        self.offered: Callable[[str], Collection[str]] = _none
        #: Whether a text holds a secret: no such reply is kept.
        self.holds_secret: Callable[[str], bool] = _holds_none
        self._clock = clock
        self._background = Background(MOST_WAITING)
        #: Told of each fresh reply that may be kept, and what it says.
        self.watch: Callable[[Fresh, ModelReply], None] = _unwatched

    def recording(
        self,
        call: Call,
        found: Found,
        reply: Reply,
        verdict: Verdict | None,
        flight: Flight | None,
    ) -> Recording:
        """Hears a fresh reply to its end and keeps it then; what is kept ends the flight.

        `verdict` is what the verifier said of this very answer.
        """
        if found.identity is None:
            return Recording(0)
        recording = Recording() if flight is None else flight.recording

        def over() -> None:
            keeping = None
            if recording.outcome == "completed" and recording.settlement is not None:
                self._cache.answered(call, found)
                if not (recording.overlong or recording.unclear):
                    settled, body = recording.settlement, recording.body
                    keeping = self._begin(Fresh(call, found, reply, settled, verdict, body))
            if flight is None:
                return
            if keeping is None:
                self._cache.flights.land(flight)
            else:
                keeping.add_done_callback(lambda _: self._cache.flights.land(flight))

        recording.over = over
        return recording

    def _begin(self, fresh: Fresh) -> asyncio.Task[None] | None:
        """Keep it, if it may be; the task ends when it is there. None where it is not kept."""
        objection = self._objection(fresh)
        if objection is None and self._background.is_full:
            objection = "too many at once"
        if objection is not None:
            self._cache.refused[objection] += 1
            return None
        return self._background.begin(self._keep(fresh))

    async def close(self) -> None:
        """Wait until all that was begun is kept."""
        await self._background.close()

    def _objection(self, fresh: Fresh) -> str | None:
        """What speaks against it before it is read."""
        if fresh.found.identity is None or not fresh.call.cache.keep:
            return "not wanted"
        served, wanted = fresh.reply.deployment.tier, fresh.reply.decision.tier
        if not {served, wanted} <= set(self.tiers):
            return "of tiers that are no more"
        if self.tiers.index(served) < self.tiers.index(wanted) and self._is_there(fresh, wanted):
            return "below its tier"
        if fresh.verdict is not None and not fresh.verdict.accepted:
            return "not good enough"
        informed = fresh.reply.decision.informed
        if informed is not None and informed.explored:
            return "drawn to learn from it"
        return None

    def _is_there(self, fresh: Fresh, wanted: str) -> bool:
        """Whether anything of the tier, or above it, could have answered on another day."""
        offered = self.offered(fresh.call.principal.organisation)
        return any(tier in offered for tier in self.tiers[self.tiers.index(wanted) :])

    async def _keep(self, fresh: Fresh) -> None:
        try:
            kept = await self._read(fresh)
            if isinstance(kept, str):
                self._cache.refused[kept] += 1
                return
            async with asyncio.timeout(_PATIENCE_S):
                reply = await self._made(fresh, kept)
                await self._cache.store.put(reply)
            if self._cache.forgot(reply, since=fresh.call.time):
                await self._cache.forget(reply.id)
            self.watch(fresh, kept.reply)
        except Exception as error:  # noqa: BLE001 - the client has its answer
            self._cache.refused["fault"] += 1
            self._cache.report(error)

    async def _read(self, fresh: Fresh) -> Kept | str:
        """What it says, or why it is not kept."""
        if len(fresh.body) <= _LONG:
            return self._looked_at(fresh)
        return await asyncio.to_thread(self._looked_at, fresh)

    def _looked_at(self, fresh: Fresh) -> Kept | str:
        kept = _read(fresh)
        if not isinstance(kept, str) and self.holds_secret(_words(kept.reply)):
            return "secret"
        return kept

    async def _made(self, fresh: Fresh, kept: Kept) -> CachedReply:
        call, found, settlement = fresh.call, fresh.found, fresh.settlement
        identity = found.identity
        if identity is None:
            raise TypeError("a request that bypassed the cache has no identity")
        vector = await self._vector(found)
        now = self._clock.now()
        served = settlement.attempts[-1].served_model if settlement.attempts else None
        similar = identity.partition is not None and vector is not None
        turn = identity.turn if similar else None
        return CachedReply(
            id=reply_id_of(call.request_id),
            key=identity.key,
            organisation=call.principal.organisation,
            scope=self._cache.rules.realm(call.principal).scope,
            route=fresh.reply.decision.target.name,
            deployment=fresh.reply.deployment.id,
            version=self._cache.versions.stamp(fresh.reply.deployment.id, served),
            tier=fresh.reply.deployment.tier,
            request_id=call.request_id,
            stored=now,
            expires=now + timedelta(seconds=found.rule.ttl_s),
            body=content.encode(kept),
            cost=settlement.cost,
            latency_ms=settlement.latency_ms,
            tags=call.cache.tags,
            partition=identity.partition if similar else None,
            turn=turn,
            vector=vector if similar else None,
            words=tuple(sorted(hashes(turn))) if turn else (),
        )

    async def _vector(self, found: Found) -> Vector | None:
        """The embedding that it can be found by, where similar prompts may have it."""
        identity, semantic = found.identity, self._cache.semantic
        if found.vector is not None or identity is None or identity.partition is None:
            return found.vector
        if semantic is None or found.lookup.reason == NOT_EMBEDDED:
            return None
        try:
            return await semantic.vector(identity.turn)
        except CacheUnavailable as error:  # the same request may have it all the same
            self._cache.report(error, rests=False)
            return None


def _none(_organisation: str) -> Collection[str]:
    return ()


def _unwatched(_fresh: Fresh, _reply: ModelReply) -> None:
    """Nobody compares it with another."""


def _read(fresh: Fresh) -> Kept | str:
    """What a reply says, or why it is not kept: it is not finished, or more than could be replayed."""
    request = fresh.call.request
    client = registry.CLIENTS[request.format]
    framing: Framing | None = None
    try:
        if request.stream:
            framing = content.framing(request.format)
            reply = content.read_stream([fresh.body], request)
        else:
            reply = content.read_whole(fresh.body, request)
    except PointsmanError:
        return "unreadable"
    if fresh.settlement.usage is not None:
        reply = replace(reply, usage=fresh.settlement.usage)
    if refused := content.objection(reply):
        return refused
    if faithful.lost(fresh.body, _replayed(reply, fresh.call, client), framing) is not None:
        return "more than can be replayed"
    return Kept.of(reply, request.format, None if request.stream else fresh.body)


def _replayed(reply: ModelReply, call: Call, client: ClientFormat) -> bytes:
    """What a client that asks the same would get of it."""
    head = Head(call.request_id, call.time, reply.model)
    if not call.request.stream:
        return client.reply(reply, call.request, head)
    pieces, ending = content.streamed(reply, call.request, client, head)
    return b"".join(pieces) + ending


def _words(reply: ModelReply) -> str:
    parts = (part for choice in reply.choices for part in choice.parts)
    return "\n".join(part.text for part in parts if isinstance(part, Text | Thinking))


def _holds_none(text: str) -> bool:
    del text
    return False
