"""Walks a plan: the first deployment that answers, answers. Retry and fallback live here, once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from pointsman.calling import faults
from pointsman.calling.answer import Answer
from pointsman.calling.arrival import Arrival
from pointsman.calling.blame import blame
from pointsman.calling.delivery import Delivery, Settle, Tap
from pointsman.calling.exchange import Errand, Whole, exchange
from pointsman.calling.hints import Hint, Hints, heed
from pointsman.calling.line import Line
from pointsman.calling.lines import Lines
from pointsman.calling.rest import Rests
from pointsman.calling.retry import RetryBudget, backoff, retriable
from pointsman.calling.stream import Relay
from pointsman.errors import BudgetExceeded, PointsmanError, UpstreamError, UpstreamTimeout
from pointsman.ports import Clock
from pointsman.types import Attempt, Candidate, ModelRequest, Outcome, Plan

_OK = 200
#: What remains of the count of requests given to each deployment of a tier, per request.
_REMEMBERED = 0.98
#: Seconds between two looks at a server that is loading its model.
_LOOK_AGAIN_S = 1.0
#: Seconds that a request waits at most before one deployment is tried again.
LONGEST_RETRY_WAIT_S = 5.0
#: Times that a request is tried again, over all deployments of its plan.
RETRIES = 2

Sleep = Callable[[float], Awaitable[object]]
#: What a request is expected to cost on a deployment, and what it costs at most there.
Costs = Callable[[str], tuple[Decimal | None, Decimal | None]]
#: Writes the end of a stream that broke.
Failure = Callable[[PointsmanError], bytes]


@dataclass(slots=True)
class _Walk:
    """One request on its way along a plan."""

    errand: Errand
    #: Every attempt that has ended.
    trail: list[Attempt]
    #: How deployments failed last, by their ids.
    failures: dict[str, UpstreamError] = field(default_factory=dict)
    #: Deployments that were not paid for any more, and why.
    unpaid: dict[str, BudgetExceeded] = field(default_factory=dict)


class Caller:
    """Calls deployments. Knows how each of them stands."""

    def __init__(
        self,
        lines: Mapping[str, Line],
        clock: Clock,
        *,
        retries: int = RETRIES,
        sleep: Sleep = asyncio.sleep,
        hints: Hints | None = None,
        before: Caller | None = None,
    ) -> None:
        """`lines` by deployment id; `sleep` waits for seconds; `hints` are for other gateways.

        Who rests, and how much is tried again, goes on as with the one `before`.
        """
        self.lines = lines if isinstance(lines, Lines) else Lines(lines)
        self._clock = clock
        self._retries = retries
        self._sleep = sleep
        self.budget: RetryBudget = RetryBudget() if before is None else before.budget
        self.rests: Rests = Rests() if before is None else before.rests
        self._hints = hints or Hints()
        self._deliveries: set[Delivery] = set()

    def candidates(
        self,
        request: ModelRequest | None = None,
        who: str | None = None,
        costs: Costs = lambda _: (None, None),
    ) -> list[Candidate]:
        """Every deployment that an organisation may use and its state now; of None, every one.

        With a request, whether it can be written for it, and with `costs` what it costs there.
        """
        now = self._clock.monotonic()
        return [
            Candidate(
                line.deployment,
                line.provider.state,
                line.breaker.is_open(now),
                self.rests.wait(line.quota_group, now),
                line.slots.busy + line.slots.waiting,
                line.given,
                *costs(line.deployment.id),
                None if request is None else line.speech.objection(request),
            )
            for line in (self.lines if who is None else self.lines.of(who)).values()
        ]

    def heed(self, hint: Hint) -> None:
        """Take another gateway's word."""
        heed(hint, self.lines.every(), self.rests, self._clock.monotonic())

    async def call(self, plan: Plan, errand: Errand, trail: list[Attempt]) -> Answer:
        """The first answer along the plan; each failed attempt is appended to `trail`.

        Raises Unavailable where there is none, NoDeploymentFits where waiting would not help,
        BudgetExceeded where another attempt is not paid for.
        """
        if not plan.attempts:
            raise faults.nothing_left(plan, self._wait(plan, errand))
        self.budget.enter()
        try:
            return await self._along(plan, _Walk(errand, trail))
        except BaseException:
            self.budget.leave()
            raise

    def deliver(
        self,
        answer: Answer,
        settle: Settle,
        failure: Failure | None,
        tap: Tap | None = None,
    ) -> Delivery:
        """Begin to pump a streamed answer towards the client."""
        if isinstance(answer.content, Whole):
            raise TypeError("a whole answer needs no pump")
        rules = answer.line.rules
        return self._watched(
            Delivery(
                answer.content,
                settle,
                failure=failure,
                on_disconnect=rules.on_disconnect,
                total_s=rules.total_s,
                spent_s=self._since(answer.sent) - answer.held_s,
                stall_s=rules.client_stall_s,
                tap=tap,
            )
        )

    def relay(self, relay: Relay, settle: Settle, failure: Failure, stall_s: float) -> Delivery:
        """Begin to pump what no upstream of this client's own sends: a reply made for another."""
        return self._watched(Delivery(relay, settle, failure=failure, stall_s=stall_s))

    def _watched(self, delivery: Delivery) -> Delivery:
        """It is interrupted when the gateway stops."""
        self._deliveries.add(delivery)
        delivery.pump.add_done_callback(lambda _: self._deliveries.discard(delivery))
        return delivery

    def ended(
        self, answer: Answer, outcome: Outcome, error: UpstreamError | None = None
    ) -> Attempt:
        """The answering attempt, now that its reply has ended. Once per answer.

        One that has ended already stays as it ended.
        """
        if answer.attempt is not None:
            return replace(answer.attempt, verdict=answer.verdict)
        line, now = answer.line, self._clock.monotonic()
        line.slots.release()
        self.budget.leave()
        if error is not None:
            blame(line, error, self.rests, self._hints, self._clock)
            queued_s = answer.sent - answer.started
            return faults.failed_attempt(
                line.deployment, now - answer.started, error, queued_s=queued_s, status=_OK
            )
        if outcome == "completed":
            line.breaker.succeeded(now)
            line.seen_at = now
            answer.learn()
        else:
            line.breaker.left()
        status = answer.content.status if isinstance(answer.content, Whole) else _OK
        return Attempt(
            line.deployment.id,
            line.deployment.tier,
            outcome,
            status=status,
            latency_ms=(now - answer.started) * 1000,
            queued_ms=(answer.sent - answer.started) * 1000,
            served_model=answer.other_model,
            left_out=answer.left_out,
            verdict=answer.verdict,
        )

    async def close(self) -> None:
        """Interrupt what is still being pumped."""
        await asyncio.gather(*(each.close("interrupted") for each in tuple(self._deliveries)))

    async def finished(self) -> None:
        """Wait until nothing is pumped any more."""
        while self._deliveries:
            await asyncio.wait([each.pump for each in self._deliveries])

    async def _along(self, plan: Plan, walk: _Walk) -> Answer:
        """Once along the plan, then again to whoever may answer the soonest, as far as allowed."""
        errand, failures = walk.errand, walk.failures
        for planned in plan.attempts:
            line = self._line(planned.deployment, errand)
            again = bool(failures) and line.breaker.suspect
            answer = await self._try(line, walk, budgeted=again)
            if answer is not None:
                return answer
        for retry in range(0 if errand.once else self._retries):
            soonest = self._soonest(walk, retry)
            if soonest is None or soonest[1] > LONGEST_RETRY_WAIT_S:
                break
            await self._sleep(soonest[1])
            answer = await self._try(soonest[0], walk, budgeted=True)
            if answer is not None:
                return answer
        answer = await self._patiently(walk)
        if answer is not None:
            return answer
        if walk.unpaid:
            raise faults.unpaid(walk.trail, [*walk.unpaid.values()])
        wait = self._shortest_wait(plan, errand)
        all_failed = len(failures) == len(plan.attempts)
        raise faults.exhausted(walk.trail, list(failures.values()), wait, all_failed=all_failed)

    async def _patiently(self, walk: _Walk) -> Answer | None:
        """Wait for a server that is loading its model: the one attempt that counts is its last."""
        loading = [name for name, error in walk.failures.items() if faults.is_warming(error)]
        if not loading or walk.errand.once:
            return None
        line = self._line(loading[0], walk.errand)
        until = self._clock.monotonic() + line.rules.load_s
        while faults.is_warming(walk.failures[loading[0]]) and self._clock.monotonic() < until:
            await self._sleep(_LOOK_AGAIN_S)
            walk.trail[:] = [each for each in walk.trail if not _is_look(each, loading[0])]
            answer = await self._try(line, walk)
            if answer is not None or loading[0] in walk.unpaid:
                return answer
        return None

    def _soonest(self, walk: _Walk, retry: int) -> tuple[Line, float] | None:
        """Which of the failed deployments may be tried again the soonest, and in how many seconds."""
        now = self._clock.monotonic()
        pause = backoff(retry, random.random())  # noqa: S311 - jitter is no secret
        lines = [
            self._line(name, walk.errand)
            for name, error in walk.failures.items()
            if name not in walk.unpaid and retriable(error) and not faults.is_warming(error)
        ]
        waits = [(max(pause, self._resting(line, now)), line) for line in lines]
        if not waits:
            return None
        wait, line = min(waits, key=lambda each: each[0])
        return line, wait

    def _resting(self, line: Line, now: float) -> float:
        """Seconds until a deployment may be asked again."""
        return max(self.rests.wait(line.quota_group, now), line.breaker.wait(now))

    async def _try(self, line: Line, walk: _Walk, *, budgeted: bool = False) -> Answer | None:
        """One attempt; None where it failed, with the failure noted, or was not allowed."""
        started = self._clock.monotonic()
        if self.rests.wait(line.quota_group, started) > 0:
            return None
        if budgeted and not self.budget.take():
            return None
        answer: Answer | None = None
        try:
            if walk.trail or walk.errand.beside:
                await walk.errand.go_on(line.deployment.id, walk.errand.beside)
            async with line.trials if walk.failures else contextlib.nullcontext():
                answer = await self._in_turn(line, walk.errand, started, walk.trail)
        except UpstreamError as error:
            walk.failures[line.deployment.id] = error
        except BudgetExceeded as refused:
            walk.unpaid[line.deployment.id] = refused
        finally:
            if budgeted:
                self.budget.give_back()
        return answer

    async def _in_turn(
        self, line: Line, errand: Errand, started: float, trail: list[Attempt]
    ) -> Answer | None:
        """Wait for a slot, then call; None where it may not be called by then.

        The breaker or its provider may want no calls now, or its server may have told meanwhile
        that it passes on to the cloud what must stay local.
        """
        try:
            await line.slots.acquire(int(errand.background), line.rules.queue_s, errand.who)
        except UpstreamError as busy:
            waited = self._since(started)
            trail.append(faults.failed_attempt(line.deployment, waited, busy, queued_s=waited))
            raise
        answer: Answer | None = None
        try:
            now = self._clock.monotonic()
            rested = self.rests.wait(line.quota_group, now) == 0
            astray = errand.confined and line.deployment.location != "local"
            if rested and not astray and line.breaker.enter(now):
                answer = await self._attempt(line, errand, started, trail)
        except UpstreamError as error:
            blame(line, error, self.rests, self._hints, self._clock)
            raise
        except BaseException:
            line.breaker.left()
            raise
        finally:
            if answer is None:
                line.slots.release()
        return answer

    async def _attempt(
        self, line: Line, errand: Errand, started: float, trail: list[Attempt]
    ) -> Answer:
        self._note_given(line, errand)
        outbound = line.speech.outbound(errand.request)
        total_s, sent = line.rules.total_s, self._clock.monotonic()
        arrival = Arrival()

        def note(ended: BaseException) -> None:
            """In the books it is as it ended, with what it used by then."""
            attempt = faults.failed_attempt(
                line.deployment,
                self._since(started),
                ended,
                queued_s=sent - started,
                status=arrival.status,
                used=arrival.used(ended, line, errand.request),
            )
            trail.append(attempt)

        try:
            async with asyncio.timeout(total_s):
                content = await exchange(line, outbound, errand, arrival)
        except TimeoutError as error:
            late = UpstreamTimeout(f"the reply took longer than {total_s:g} s")
            note(late)
            raise late from error
        except BaseException as ended:
            note(ended)
            raise
        line.breaker.answered()
        prompt_tokens = errand.request.input_tokens
        return Answer(line, started, sent, content, prompt_tokens, left_out=outbound.left_out)

    def _line(self, name: str, errand: Errand) -> Line:
        return self.lines.of(errand.who)[name]

    def _note_given(self, line: Line, errand: Errand) -> None:
        """Count it, and forget slowly: who was away must not catch up on all that it missed."""
        for peer in self.lines.of(errand.who).values():
            if peer.deployment.tier == line.deployment.tier:
                peer.given *= _REMEMBERED
        line.given += 1

    def _since(self, started: float) -> float:
        return self._clock.monotonic() - started

    def _shortest_wait(self, plan: Plan, errand: Errand) -> float | None:
        """Seconds until the first deployment of the plan may be asked again; None if at once."""
        now = self._clock.monotonic()
        lines = (self._line(each.deployment, errand) for each in plan.attempts)
        return min(self._resting(line, now) for line in lines) or None

    def _wait(self, plan: Plan, errand: Errand) -> float:
        """Seconds until the first of the dropped deployments lets a request pass again."""
        now = self._clock.monotonic()
        passing = [drop.deployment for drop in plan.dropped if drop.gate in faults.PASSING]
        return min((self._resting(self._line(name, errand), now) for name in passing), default=0.0)


def _is_look(attempt: Attempt, loading: str) -> bool:
    """Whether it did no more than find a server loading its model."""
    is_its = attempt.deployment == loading and attempt.purpose == "answer"
    return is_its and attempt.usage is None
