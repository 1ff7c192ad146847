"""The path of a request. It names the stages in order and leaves the work to them.

receive -> authenticate -> admit -> look up -> score -> decide -> call -> record -> reply
server     access                              scoring  routing   calling  ledger   server
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from pointsman.calling import faults
from pointsman.calling.exchange import Errand, Whole
from pointsman.calling.execute import Answer, Caller
from pointsman.errors import PointsmanError, UpstreamError
from pointsman.formats.wire import ClientFormat, Head
from pointsman.ledger.pricing import Pricer
from pointsman.ledger.settle import Record, Recorder
from pointsman.ports import Clock, Scorer
from pointsman.routing import explain
from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy, resolve
from pointsman.routing.side_calls import SideCalls
from pointsman.routing.sticky import Sessions, is_sticky
from pointsman.types import (
    UNSCORED,
    Call,
    Decision,
    Deployment,
    FormatName,
    ModelRequest,
    Outcome,
    Reply,
    Score,
    Settlement,
    Stay,
    Usage,
)

#: Tokens a reply is expected to have where the request sets no limit: the estimate's assumption.
EXPECTED_REPLY_TOKENS = 400


class Decider:
    """The stages before anything is spent: score and decide."""

    def __init__(
        self,
        *,
        deployments: Mapping[str, Deployment],
        policy: Policy,
        scorer: Scorer,
        side_calls: SideCalls,
        caller: Caller,
        pricer: Pricer,
        clock: Clock,
    ) -> None:
        """The caller is asked how its deployments stand, and for nothing else."""
        self.deployments = deployments
        self.policy = policy
        self._scorer = scorer
        self._side_calls = side_calls
        self._caller = caller
        self._pricer = pricer
        self._clock = clock

    def decide(
        self,
        request: ModelRequest,
        force_route: str | None = None,
        *,
        stay: Stay | None = None,
    ) -> Decision:
        """Score and decide. Calls no model, writes nothing. Raises UnknownModel."""
        target = resolve(force_route or request.model, self.policy, self.deployments)
        chat = request.task == "chat"
        scored = self._scorer.score(request.turns) if chat else _unscored(request)
        return decide(
            request,
            target,
            scored,
            self._caller.candidates(request),
            self.policy,
            stay=stay,
            side_call=self._side_calls.kind(request) if chat else None,
        )

    def explain(self, request: ModelRequest, force_route: str | None = None) -> Decision:
        """The decision with what it is expected to cost. Raises UnknownModel."""
        decision = self.decide(request, force_route)
        if decision.deployment is None:
            return decision
        usage = Usage(request.input_tokens, request.max_output_tokens or EXPECTED_REPLY_TOKENS)
        cost = self._pricer.cost(decision.deployment, usage, self._clock.now())
        return replace(decision, estimated_cost_usd=cost)


def _unscored(request: ModelRequest) -> Score:
    return Score(0.0, {}, UNSCORED, "1", domain=request.task)


class Pipeline:
    """All stages, wired."""

    def __init__(
        self,
        *,
        decider: Decider,
        caller: Caller,
        recorder: Recorder,
        sessions: Sessions,
        clients: Mapping[FormatName, ClientFormat],
        clock: Clock,
    ) -> None:
        """The stages in the order in which a request meets them."""
        self.decider = decider
        self._caller = caller
        self._recorder = recorder
        self._sessions = sessions
        self._clients = clients
        self._clock = clock

    async def answer(self, call: Call) -> Reply:
        """Decide, call, record. Raises PointsmanError where there is no answer; that is recorded too.

        A stream's entry is settled when the stream ends or is closed.
        """
        stay = self._stay(call)
        decision = self.decider.decide(call.request, call.force_route, stay=stay)
        record = await self._recorder.open(call, decision)
        errand = Errand(
            call.request,
            Head(call.request_id, call.time, ""),
            background=call.priority == "background",
        )
        try:
            answer = await self._caller.call(decision.plan, errand, record.attempts)
        except BaseException as error:
            await self._settle_unanswered(call, record, error)
            raise
        deployment = answer.line.deployment
        if call.session is not None and decision.target.kind in {"auto", "location"}:
            stay = Stay(deployment.id, deployment.tier)
            self._sessions.put(call.principal, call.session, stay, self._clock.monotonic())
        return await self._reply(call, decision, record, answer)

    def _stay(self, call: Call) -> Stay | None:
        """Where the conversation was served last, if that binds this request."""
        if call.session is None or not is_sticky(call.request, call.session):
            return None
        return self._sessions.get(call.principal, call.session, self._clock.monotonic())

    async def _settle_unanswered(self, call: Call, record: Record, error: BaseException) -> None:
        """No answer: refused, failed, or not waited for; what was sent by then may cost."""
        outcome = faults.outcome(error, record.attempts)
        sent = next((last for last in record.attempts[-1:] if last.outcome != "failed"), None)
        await record.settle(
            outcome,
            deployment=self.decider.deployments[sent.deployment] if sent else None,
            usage=Usage(call.request.input_tokens, estimated=True) if sent else None,
            error=faults.recorded(error) or None,
        )

    async def _reply(self, call: Call, decision: Decision, record: Record, answer: Answer) -> Reply:
        """The answer as a reply that is in the books when it has ended."""
        deployment, content = answer.line.deployment, answer.content
        client = self._clients[call.request.format]
        reply = Reply(
            request_id=call.request_id,
            decision=decision,
            deployment=deployment,
            attempts=len(record.attempts) + 1,
            reason=explain.served(decision.reasoning, record.attempts, deployment.id),
            status=200,
            content_type=answer.content_type or client.stream_type,
            body=b"",
            left_out=answer.left_out,
        )
        ttft_ms = record.elapsed_ms()

        async def settle(outcome: Outcome, error: PointsmanError | None = None) -> Settlement:
            upstream = error if isinstance(error, UpstreamError) else None
            record.attempts.append(self._caller.ended(answer, outcome, upstream))
            return await record.settle(
                outcome,
                deployment=deployment,
                usage=answer.usage,
                reason=reply.reason,
                ttft_ms=ttft_ms,
                error=None if error is None else faults.recorded(error),
            )

        if not isinstance(content, Whole):
            raw = call.request.raw is not None  # no format, so no words for an error in it
            failure = None if raw else partial(client.stream_error, request_id=call.request_id)
            return replace(reply, body=self._caller.deliver(answer, settle, failure))
        settlement = await settle("failed" if content.refused else "completed", content.refused)
        if content.refused is not None:
            written = client.error(content.refused, call.request_id)
            reply = replace(reply, status=content.status, body=written)
        else:
            reply = replace(reply, status=content.status, body=content.body)
        return replace(reply, settlement=settlement)
