"""Replies that were made for another request: out of the cache, or out of a flight that is shared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from functools import partial

import msgspec
from msgspec.structs import replace

from pointsman.cache import content
from pointsman.cache.flight import Flight
from pointsman.cache.lookup import Cache, Found
from pointsman.calling import faults
from pointsman.calling.execute import Caller
from pointsman.calling.line import Rules
from pointsman.errors import BadRequest, UpstreamBroken, UpstreamError
from pointsman.formats.wire import ClientFormat, Head
from pointsman.ledger.settle import Record, Recorder, Said
from pointsman.types import (
    GIVEN_AGAIN,
    Attempt,
    CachedReply,
    Call,
    Decision,
    Deployment,
    FormatName,
    Lookup,
    Outcome,
    Plan,
    PlannedAttempt,
    Reply,
    Score,
    Settlement,
    Target,
    Usage,
    reply_id_of,
)

_OK = 200


class Replay:
    """A stream that is there in full; a `Relay`."""

    def __init__(self, pieces: list[bytes], ending: bytes, usage: Usage | None) -> None:
        """The client's bytes, and what the books want to know."""
        self._pieces = pieces
        self._ending = ending
        self.usage = usage
        self.model: str | None = None

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """See `Relay`."""
        for piece in self._pieces:
            yield piece

    def ending(self) -> bytes:
        """See `Relay`."""
        return self._ending

    async def close(self) -> None:
        """See `Relay`."""


class Shared:
    """A stream that another request gets at the same time; a `Relay`."""

    def __init__(self, flight: Flight) -> None:
        """Takes over a place in the flight: `close` leaves it."""
        self._flight = flight
        self._left = False
        self.model: str | None = None

    @property
    def usage(self) -> Usage | None:
        """See `Relay`."""
        settled = self._flight.recording.settlement
        return None if settled is None else settled.usage

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """See `Relay`."""
        recording = self._flight.recording
        async for piece in recording.follow():
            yield piece
        if recording.outcome != "completed":
            raise recording.error or UpstreamBroken("the stream that this one shared was cut off")

    def ending(self) -> bytes:
        """See `Relay`."""
        return self._flight.recording.ending

    async def close(self) -> None:
        """See `Relay`."""
        if not self._left:
            self._left = True
            await self._flight.leave()


class _Giving(msgspec.Struct, frozen=True):
    """One reply that is given to one more."""

    call: Call
    record: Record
    decision: Decision
    #: Who made it.
    deployment: Deployment
    lookup: Lookup
    client: ClientFormat

    async def settle(
        self,
        outcome: Outcome,
        usage: Usage | None,
        error: UpstreamError | None = None,
        ttft_ms: float | None = None,
        said: Said | None = None,
    ) -> Settlement:
        """It cost nothing: what it used is in the books of the request that it was made for."""
        return await self.record.settle(
            outcome,
            deployment=self.deployment,
            usage=usage,
            ttft_ms=ttft_ms,
            error=None if error is None else faults.recorded(error),
            given=True,
            said=said,
        )

    def reply(self) -> Reply:
        """All but the body."""
        return Reply(
            request_id=self.call.request_id,
            decision=self.decision,
            deployment=self.deployment,
            attempts=0,
            reason=self.decision.reasoning,
            status=200,
            content_type="application/json",
            body=b"",
            lookup=self.lookup,
        )


class Replaying:
    """Gives replies that cost nothing, each with an entry of its own in the books."""

    def __init__(
        self,
        *,
        cache: Cache,
        recorder: Recorder,
        caller: Caller,
        deployments: Mapping[str, Deployment],
        clients: Mapping[FormatName, ClientFormat],
    ) -> None:
        """The caller pumps the streams, as it does its own."""
        self._cache = cache
        self._recorder = recorder
        self._caller = caller
        self._deployments = deployments
        self._clients = clients

    async def cached(self, call: Call, target: Target, found: Found, trail: list[Attempt]) -> Reply:
        """The reply out of the cache, for a hit; `trail` is what looking for it took."""
        cached, kept = found.reply, found.content
        if cached is None or kept is None:
            raise TypeError("only a hit can be given out")
        client, head = self._clients[call.request.format], Head(call.request_id, call.time, "")
        body, stream = b"", Replay([], b"", kept.usage)
        if call.request.stream:
            said = kept.reply
            head = replace(head, model=said.model)
            pieces, ending = content.streamed(said, call.request, client, head)
            stream = Replay(pieces, ending, kept.usage)
        else:
            body = content.written(kept, call.request, client, head)
        self._cache.given(cached)
        decision = _decision(target, cached, found.lookup)
        reserve = call.request.stream or call.row is not None  # that may have been opened before
        record = await self._recorder.open(
            call, decision, trail, lookup=found.lookup, reserve=reserve
        )
        giving = self._giving(
            call, record, decision, self._deployments[cached.deployment], found.lookup
        )
        if call.request.stream:
            return self._streamed(giving, stream)
        settlement = await giving.settle("completed", kept.usage, said=(_OK, body))
        return replace(giving.reply(), body=body, settlement=settlement)

    async def shared(self, call: Call, flight: Flight, trail: list[Attempt]) -> Reply:
        """The reply of a flight that `call` has boarded. Raises what making it raised."""
        lookup = Lookup("exact", "shared", id=reply_id_of(flight.leader), age_s=0.0)
        record: Record | None = None
        handed_on, left = False, None
        try:
            decision = await asyncio.shield(flight.decision)
            record = await self._recorder.open(call, decision, trail, lookup=lookup)
            lead = await flight.follow()
            giving = self._giving(call, record, decision, lead.deployment, lookup)
            if isinstance(lead.body, bytes):
                return await self._whole(giving, lead)
            handed_on = True
            return self._streamed(giving, Shared(flight))
        except BaseException as error:
            left = error
            if record is not None:
                why = faults.recorded(error) or None
                await record.settle(_outcome(error), error=why, given=True)
            raise
        finally:
            if not handed_on:
                await flight.leave(left)

    def _giving(
        self, call: Call, record: Record, decision: Decision, deployment: Deployment, lookup: Lookup
    ) -> _Giving:
        client = self._clients[call.request.format]
        return _Giving(call, record, decision, deployment, lookup, client)

    async def _whole(self, giving: _Giving, lead: Reply) -> Reply:
        """The very bytes that the one who led got: an answer, or an upstream's refusal."""
        settled = lead.settlement
        completed = settled is not None and settled.error is None
        usage = settled.usage if settled is not None else None
        said = (lead.status, lead.body) if isinstance(lead.body, bytes) else None
        if completed:
            settlement = await giving.settle("completed", usage, said=said)
        else:
            error = settled.error if settled is not None else None
            settlement = await giving.record.settle("failed", error=error, given=True, said=said)
        return replace(giving.reply(), status=lead.status, body=lead.body, settlement=settlement)

    def _streamed(self, giving: _Giving, relay: Replay | Shared) -> Reply:
        ttft_ms = giving.record.elapsed_ms()

        async def settle(outcome: Outcome, error: UpstreamError | None) -> Settlement:
            return await giving.settle(outcome, relay.usage, error, ttft_ms)

        failure = partial(giving.client.stream_error, request_id=giving.call.request_id)
        body = self._caller.relay(relay, settle, failure, Rules().client_stall_s)
        return replace(giving.reply(), content_type=giving.client.stream_type, body=body)


def _decision(target: Target, cached: CachedReply, lookup: Lookup) -> Decision:
    """What there was to decide: nothing needed to be scored."""
    age = f"{lookup.age_s or 0:.0f} s ago"
    reason = f"the same request was answered {age}; its reply is given again"
    if lookup.state == "semantic":
        reason = (
            f"a prompt that means the same was answered {age} (cosine {lookup.similarity:.3f}, "
            f"serves with probability {lookup.probability:.2f}); its reply is given again"
        )
    planned = PlannedAttempt(cached.deployment, cached.tier, f"made {cached.id}")
    return Decision(
        cached.tier, target, Score(0.0, {}, GIVEN_AGAIN, "1"), Plan((planned,), ()), reason
    )


def _outcome(error: BaseException) -> Outcome:
    """How a request ended whose shared answer failed, or that did not wait for it."""
    if isinstance(error, asyncio.CancelledError):
        return faults.stopped_by(error)
    return "refused" if isinstance(error, BadRequest) else "failed"
