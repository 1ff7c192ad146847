"""The path of a request. It names the stages in order and leaves the work to them.

receive -> authenticate -> admit -> look up -> score -> decide -> call -> record -> reply
server     access                   cache      scoring  routing   calling  ledger   server
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from msgspec.structs import replace

from pointsman.access.admit import Admission
from pointsman.cache.flight import Flight
from pointsman.cache.keep import Keeper
from pointsman.cache.lookup import Cache, Found
from pointsman.calling import faults
from pointsman.calling.answer import Answer
from pointsman.calling.escalate import Escalation
from pointsman.calling.exchange import Errand, Whole
from pointsman.calling.execute import Caller
from pointsman.errors import LedgerUnavailable, PointsmanError, RateLimited, UpstreamError
from pointsman.formats.wire import ClientFormat, Head
from pointsman.ledger.marks import Marks
from pointsman.ledger.settle import Record, Recorder, Said
from pointsman.ports import Clock
from pointsman.routing import explain
from pointsman.routing.sticky import Sessions, is_named, is_sticky
from pointsman.stages import asking
from pointsman.stages.afterwards import Afterwards
from pointsman.stages.decider import Decider
from pointsman.stages.replaying import Replaying
from pointsman.stages.reserving import Reserving
from pointsman.types import (
    Attempt,
    Call,
    Confined,
    Decision,
    FormatName,
    Outcome,
    Reply,
    Settlement,
    Stay,
    Target,
    Verdict,
)


class Pipeline:
    """All stages, wired."""

    def __init__(
        self,
        *,
        cache: Cache,
        keeper: Keeper,
        afterwards: Afterwards,
        replaying: Replaying,
        decider: Decider,
        caller: Caller,
        escalation: Escalation,
        admission: Admission,
        reserving: Reserving,
        recorder: Recorder,
        marks: Marks,
        sessions: Sessions,
        clients: Mapping[FormatName, ClientFormat],
        clock: Clock,
    ) -> None:
        """The stages in the order in which a request meets them."""
        self.cache = cache
        self._keeper = keeper
        self._afterwards = afterwards
        afterwards.begin(self._admitted)  # what we ask is our own wish: no limit counts it
        self._replaying = replaying
        self.decider = decider
        self.caller = caller
        self._escalation = escalation
        self._admission = admission
        self._reserving = reserving
        self._recorder = recorder
        self._marks = marks
        self._sessions = sessions
        self._clients = clients
        self.clock = clock

    async def answer(self, call: Call) -> Reply:
        """Admit, look up, else decide and call; record. Raises PointsmanError without an answer.

        That is recorded too, from when it was admitted. A stream's entry is settled when the stream
        ends or is closed.
        """
        standing = await self._admission.admit(call)
        try:
            return replace(await self._admitted(call), standing=standing)
        except BaseException as error:
            await self._admission.leave(call.request_id)
            if isinstance(error, PointsmanError):  # at last: who share a call share its error
                error.standing = error.standing if isinstance(error, RateLimited) else standing
            raise

    async def look_ahead(self, call: Call, *, shift: float = 0.0) -> Decision:
        """What would be decided. It counts as a request, and asks no judge but a local one.

        `shift` is added to every threshold. Raises RateLimited, and what deciding raises.
        """
        await self._admission.admit(call)
        try:
            confined = await self.decider.confine(call)
            seen = await self.decider.look(call, confined, [], ahead=True)
            return self.decider.decide(call, seen, shift=shift)
        finally:
            await self._admission.leave(call.request_id)

    async def _admitted(self, call: Call) -> Reply:
        """An answer that was given before, or one of its own."""
        target = self.decider.target(call)
        confined = await self.decider.confine(call)
        since, trail = self.cache.flights.count, list[Attempt]()
        found = await self._look_up(call, target, confined, trail, since)
        if found.is_hit:
            reply = await self._replaying.cached(call, target, found, trail)
            self.cache.answered(call, found)
            self._afterwards.hit(call, found)
            return reply
        if found.lookup.state == "miss" and found.rule.exact and call.cache.keep:
            return await self._together(call, confined, found, trail)
        return await self._live(call, confined, found, trail)

    async def _together(
        self, call: Call, confined: Confined | None, found: Found, trail: list[Attempt]
    ) -> Reply:
        """One call for all who ask the same at the same time."""
        key = self._flight_key(call, found)
        flight = self.cache.flights.find(key)
        if flight is not None and call.cache.max_age_s != 0:
            flight.board()
            async with self._booked(call, trail):
                return await self._replaying.shared(call, flight, trail)
        live = partial(self._live, call, confined, found, trail)
        flight = self.cache.flights.begin(key, call.request_id, live)
        try:
            return await flight.lead()
        except asyncio.CancelledError:
            if flight.recording.wanted:  # it goes on, for others and on this one's account
                await self._admission.leave(call.request_id, None)
            raise

    def _flight_key(self, call: Call, found: Found) -> str:
        """Who has the same shares a call, where the same budgets bind it: none pays for another's."""
        return f"{self.cache.flight_key(call, found)} {self._admission.purse(call.principal)}"

    async def _live(
        self,
        call: Call,
        confined: Confined | None,
        found: Found,
        trail: list[Attempt],
        flight: Flight | None = None,
    ) -> Reply:
        """An answer of its own: score, decide, call, record."""
        async with self._booked(call, trail):
            seen = await self.decider.look(call, confined, trail)
            record = await self._reserving.open(
                call, seen, trail, lookup=found.lookup, stay=self._stay(call)
            )
        decision = record.decision
        served: str | None = None
        try:
            if flight is not None:
                flight.decision.set_result(decision)
            answer = await self._answer(call, record)
            served = answer.line.deployment.tier
        finally:
            self.decider.served(call, decision, served)
        if call.session is not None and _may_stay(decision):
            stay = self._stays_at(decision, record, answer)
            self._sessions.put(call.principal, call.session, stay, self.clock.monotonic())
        return await self._reply(
            call, found, flight, decision=decision, record=record, answer=answer
        )

    async def _answer(self, call: Call, record: Record) -> Answer:
        """The answer that is given out; where there is none, that is in the books."""
        errand = Errand(
            call.request,
            Head(call.request_id, call.time, ""),
            who=call.principal.organisation,
            background=call.priority == "background",
            confined=record.decision.confined is not None,
            go_on=partial(self._reserving.go_on, call, record),
        )
        try:
            return await self._escalation.call(record.decision, errand, record.attempts)
        except BaseException as error:
            await self._settle_unanswered(call, record, error)
            raise

    def _stays_at(self, decision: Decision, record: Record, answer: Answer) -> Stay:
        """Where the conversation goes on: after one draft that would not do, where that was made."""
        draft = next((each for each in record.attempts if each.purpose == "draft"), None)
        if draft is not None:
            return Stay(draft.deployment, draft.tier)
        deployment = answer.line.deployment
        tier = min(deployment.tier, decision.tier, key=self.decider.policy.tiers.index)
        return Stay(deployment.id, tier)

    async def _look_up(
        self,
        call: Call,
        target: Target,
        confined: Confined | None,
        trail: list[Attempt],
        since: int,
    ) -> Found:
        """Look for a reply that was given before, or meanwhile: `since` that count of flights."""
        async with self._booked(call, trail):
            with asking.trail(trail):
                found = await self.cache.look_up(call, target, confined, _conversation(call))
            if found.lookup.state == "miss":
                found = await self.cache.again(call, found, self._flight_key(call, found), since)
            return found

    @asynccontextmanager
    async def _booked(self, call: Call, trail: list[Attempt]) -> AsyncIterator[None]:
        """What an embedder or the judge used is in the books also where no record takes it over."""
        try:
            yield
        except LedgerUnavailable:
            raise
        except (asyncio.CancelledError, PointsmanError) as error:
            if any(each.usage is not None for each in trail):
                record = await self._recorder.open(call, self.decider.decide(call), trail)
                await self._settle_unanswered(call, record, error)
            raise

    def _stay(self, call: Call) -> Stay | None:
        """Where the conversation was served last, if that binds this request."""
        if call.session is None or not is_sticky(call.request, call.session):
            return None
        return self._sessions.get(call.principal, call.session, self.clock.monotonic())

    async def _settle_unanswered(self, call: Call, record: Record, error: BaseException) -> None:
        """No answer: refused, failed, or not waited for; what was sent by then may cost."""
        made = [attempt for attempt in record.attempts if attempt.purpose == "answer"]
        outcome = faults.outcome(error, made)
        sent = next((last for last in made[-1:] if last.outcome != "failed"), None)
        if sent is not None:  # what it used is the answer's
            record.attempts[record.attempts.index(sent)] = replace(sent, usage=None)
        await record.settle(
            outcome,
            deployment=self.decider.deployments[sent.deployment] if sent else None,
            usage=sent.usage if sent else None,
            error=faults.recorded(error) or None,
            said=self._words(call, error),
        )
        self._afterwards.unanswered(call)

    def _words(self, call: Call, error: BaseException) -> Said | None:
        """What the client is told of an error; None where it is gone."""
        if not isinstance(error, PointsmanError):
            return None
        return error.status, self._clients[call.request.format].error(error, call.request_id)

    async def _reply(
        self,
        call: Call,
        found: Found,
        flight: Flight | None,
        *,
        decision: Decision,
        record: Record,
        answer: Answer,
    ) -> Reply:
        """The answer as a reply that is in the books when it has ended, and then in the cache."""
        deployment, content = answer.line.deployment, answer.content
        made = [attempt for attempt in record.attempts if attempt.purpose in {"answer", "draft"}]
        client = self._clients[call.request.format]
        reply = Reply(
            request_id=call.request_id,
            decision=decision,
            deployment=deployment,
            attempts=len(made) + 1,
            reason=explain.served(decision.reasoning, made, deployment.id),
            status=200,
            content_type=answer.content_type or client.stream_type,
            body=b"",
            left_out=answer.left_out,
            verdict=_first_verdict(made, answer),
            lookup=found.lookup,
        )
        ttft_ms = record.elapsed_ms()
        recording = self._keeper.recording(call, found, reply, answer.verdict, flight)
        tap = self._afterwards.tap(call, reply, recording)

        async def settle(
            outcome: Outcome, error: PointsmanError | None = None, said: Said | None = None
        ) -> Settlement:
            upstream = error if isinstance(error, UpstreamError) else None
            record.attempts.append(self.caller.ended(answer, outcome, upstream))
            left = outcome == "completed" and recording.leader_left
            recording.unclear = content.unclear
            recording.settlement = await record.settle(
                "client_left" if left else outcome,
                deployment=deployment,
                usage=answer.usage,
                reason=reply.reason,
                ttft_ms=ttft_ms,
                error=None if error is None else faults.recorded(error),
                said=said,
            )
            return recording.settlement

        if not isinstance(content, Whole):
            raw = call.request.raw is not None  # no format, so no words for an error in it
            failure = None if raw else partial(client.stream_error, request_id=call.request_id)
            self._marks.watch(record, deployment, lambda: answer.usage, since=answer.sent)
            return replace(reply, body=self.caller.deliver(answer, settle, failure, tap))
        body = _told(content, client, call.request_id)
        outcome: Outcome = "failed" if content.refused else "completed"
        settlement = await settle(outcome, content.refused, (content.status, body))
        tap.ended(outcome, body, None)
        return replace(reply, status=content.status, body=body, settlement=settlement)


def _told(content: Whole, client: ClientFormat, request_id: str) -> bytes:
    """The body for the client; a refusal is in its own format's words."""
    return content.body if content.refused is None else client.error(content.refused, request_id)


def _conversation(call: Call) -> str | None:
    """The client's own name for the conversation, where it gives one."""
    return call.session if call.session is not None and is_named(call.session) else None


def _may_stay(decision: Decision) -> bool:
    """Whether the conversation goes on where this is answered: not where that was drawn."""
    drawn = decision.informed is not None and decision.informed.explored
    return decision.target.kind in {"auto", "location"} and not drawn


def _first_verdict(made: Sequence[Attempt], answer: Answer) -> Verdict | None:
    """What the verifier said, of a draft or of the answer itself."""
    said = (*(attempt.verdict for attempt in made), answer.verdict)
    return next((verdict for verdict in said if verdict is not None), None)
