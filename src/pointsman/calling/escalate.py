"""A look at the cheap answer before it is given out; where it will not do, on to a better tier."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from pointsman.calling import faults
from pointsman.calling.agreement import agreement
from pointsman.calling.answer import Answer
from pointsman.calling.draft import Draft
from pointsman.calling.evidence import draft_of
from pointsman.calling.exchange import Errand, Whole
from pointsman.calling.execute import Caller
from pointsman.calling.stream import EventRelay
from pointsman.calling.verify import Verifier
from pointsman.conversation import Choice, OutputFormat
from pointsman.errors import PointsmanError, UpstreamError
from pointsman.formats.collecting import choices
from pointsman.ports import Clock, Observer
from pointsman.types import Attempt, Decision, ModelRequest, Plan, Verdict

#: Characters of an answer up to which a verdict is reached on the event loop.
_SHORT = 8_000
#: Tokens of a prompt up to which it is read again on the event loop.
_SHORT_PROMPT = 2_000


class Patience(msgspec.Struct, frozen=True):
    """What a verdict may cost."""

    #: Of a stream, so many tokens are held back for it, or so many seconds of it.
    hold_tokens: int = 60
    hold_s: float = 2.0
    #: A second sample is drawn where the verdict is this close to its bound; 0 draws none.
    doubt: float = 0.0
    #: Seconds until the better answer must have begun, or the draft is given out after all.
    better_s: float = 60.0


class Escalation:
    """Walks a plan; where the decision wants it, its first answer is judged before it is given out.

    The client gets the better answer, and both attempts are in the trail. Where nothing better
    answers, the draft does.
    """

    def __init__(
        self,
        caller: Caller,
        verifier: Verifier,
        *,
        tiers: Sequence[str],
        patience: Patience,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`tiers`, the lowest first; the observer is told where the verifier fails."""
        self._caller = caller
        self._verifier = verifier
        self._tiers = tuple(tiers)
        self._patience = patience
        self._clock = clock
        self._observer = observer
        self._closing: set[asyncio.Task[None]] = set()

    async def call(self, decision: Decision, errand: Errand, trail: list[Attempt]) -> Answer:
        """The answer that is given out. Raises Unavailable, NoDeploymentFits, BudgetExceeded."""
        plan, bound = decision.plan, decision.verify
        if bound is None or len({attempt.tier for attempt in plan.attempts}) == 1:
            return await self._caller.call(plan, errand, trail)
        answer = await self._caller.call(plan, replace(errand, looked_at=True), trail)
        better = self._better(plan, answer)
        if not better.attempts or _refused(answer):
            if isinstance(answer.content, EventRelay):
                answer.content.release()
            return answer
        if isinstance(answer.content, Whole):  # it is there, and its slot is free for others
            answer = replace(answer, attempt=self._caller.ended(answer, "completed"))
        try:
            verdict = await self._verdict(answer, errand, decision, bound, trail)
        except UpstreamError as error:  # the stream broke while it was held
            ended = self._caller.ended(answer, "failed", error)
            trail.append(replace(ended, usage=answer.usage))
            self._close(answer)
            return await self._caller.call(_without(plan, answer), errand, trail)
        except BaseException:
            self._drop(answer, trail, len(trail))
            raise
        answer = replace(answer, verdict=verdict)
        if verdict is None or verdict.accepted:
            return answer
        return await self._instead(better, answer, errand, trail)

    async def _instead(
        self, better: Plan, draft: Answer, errand: Errand, trail: list[Attempt]
    ) -> Answer:
        """A better tier's answer; the draft stays at hand until it is there."""
        place, began = len(trail), self._clock.monotonic()
        try:
            async with asyncio.timeout(self._patience.better_s):
                beside = replace(errand, beside=draft.line.deployment.id)
                answer = await self._caller.call(better, beside, trail)
        except (PointsmanError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                trail[place:] = [*map(faults.out_of_time, trail[place:])]
            return replace(draft, held_s=draft.held_s + self._clock.monotonic() - began)
        except BaseException:
            self._drop(draft, trail, place)
            raise
        if _refused(answer):
            trail.append(self._caller.ended(answer, "failed"))
            return draft
        self._drop(draft, trail, place)
        return answer

    def _better(self, plan: Plan, answer: Answer) -> Plan:
        """What the plan holds of higher tiers than the one that answered."""
        level = self._tiers.index(answer.line.deployment.tier)
        higher = (each for each in plan.attempts if self._tiers.index(each.tier) > level)
        return Plan(tuple(higher), plan.dropped)

    def _drop(self, draft: Answer, trail: list[Attempt], place: int) -> None:
        """End an attempt whose answer is not given out: what it used is in the books."""
        over = not isinstance(draft.content, EventRelay) or draft.content.is_over
        ended = self._caller.ended(draft, "completed" if over else "interrupted")
        trail.insert(place, replace(ended, purpose="draft", usage=draft.usage))
        self._close(draft)

    def _close(self, draft: Answer) -> None:
        """Give its connection back, in a task of its own: nothing may come between."""
        if isinstance(draft.content, EventRelay):
            task = asyncio.create_task(draft.content.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _verdict(
        self,
        answer: Answer,
        errand: Errand,
        decision: Decision,
        bound: float,
        trail: list[Attempt],
    ) -> Verdict | None:
        """What the verifier says; None where there is nothing to judge. Raises UpstreamError."""
        draft = await self._draft(answer, errand.request)
        if draft is None:
            return None
        try:
            verdict = await self._judged(draft, decision, bound)
            in_doubt = abs(verdict.probability - bound) < self._patience.doubt
            if not in_doubt or not isinstance(answer.content, Whole):
                return verdict
            second = await self._second(answer, errand, decision.plan, trail)
            if second is None:
                return verdict
            agreed = agreement(draft.prompt, draft.text, second.text)
            return await self._judged(replace(draft, agreement=agreed), decision, bound)
        except Exception as error:  # noqa: BLE001 - a fault of ours takes no answer away
            self._observer.fault("verify", error)
            return None

    async def _judged(self, draft: Draft, decision: Decision, bound: float) -> Verdict:
        if len(draft.text) <= _SHORT:
            return self._verifier.verdict(draft, decision.scored, bound)
        return await asyncio.to_thread(self._verifier.verdict, draft, decision.scored, bound)

    async def _second(
        self, answer: Answer, errand: Errand, plan: Plan, trail: list[Attempt]
    ) -> Draft | None:
        """Another sample of the same deployment; None where it gives none."""
        own = answer.line.deployment.id
        same = Plan(tuple(each for each in plan.attempts if each.deployment == own), ())
        tried: list[Attempt] = []
        try:
            once = replace(errand, looked_at=True, once=True, beside=own)
            sample = await self._caller.call(same, once, tried)
            tried.append(replace(self._caller.ended(sample, "completed"), usage=sample.usage))
            return await self._draft(sample, errand.request)
        except PointsmanError:
            return None
        finally:
            trail += [replace(each, purpose="sample") for each in tried]

    async def _draft(self, answer: Answer, request: ModelRequest) -> Draft | None:
        """The evidence; None where there are no words to judge. Raises UpstreamError."""
        content, complete = answer.content, True
        if isinstance(content, Whole):
            said = _said(answer, content, request)
        elif isinstance(content, EventRelay):
            complete = await content.hold(self._patience.hold_tokens, self._patience.hold_s)
            said = choices(content.heard)
        else:
            return None
        if not said:
            return None
        output = await self._output(answer, request)
        draft = draft_of(said[0], request, complete=complete, output=output)
        silent = not draft.text and (draft.tool_calls or not draft.complete)
        return None if silent else draft

    async def _output(self, answer: Answer, request: ModelRequest) -> OutputFormat | None:
        """The JSON that was asked for; None where that can't be read, which is no fault here."""
        speech = answer.line.speech
        try:
            if request.input_tokens <= _SHORT_PROMPT:
                return speech.output(request)
            return await asyncio.to_thread(speech.output, request)
        except PointsmanError:
            return None


def _refused(answer: Answer) -> bool:
    return isinstance(answer.content, Whole) and answer.content.refused is not None


def _said(answer: Answer, content: Whole, request: ModelRequest) -> Sequence[Choice]:
    """The choices of a whole reply; none where it passes but can't be read in full."""
    try:
        return answer.line.speech.said(content.source, request).choices
    except UpstreamError:
        return ()


def _without(plan: Plan, answer: Answer) -> Plan:
    """The plan without who failed."""
    failed = answer.line.deployment.id
    return Plan(tuple(each for each in plan.attempts if each.deployment != failed), plan.dropped)
