"""The path of a request. It names the stages in order and leaves the work to them.

receive -> authenticate -> admit -> look up -> score -> decide -> call -> record -> reply
server     access                              scoring  routing   calling  ledger   server
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pointsman.calling import faults
from pointsman.calling.execute import Answer, Caller, Whole
from pointsman.calling.stream import Delivery
from pointsman.errors import UpstreamError
from pointsman.ledger.pricing import Pricer
from pointsman.ledger.settle import Record, Recorder
from pointsman.ports import Clock, Scorer
from pointsman.routing import explain
from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy, resolve
from pointsman.types import (
    Call,
    Decision,
    Deployment,
    ModelRequest,
    Outcome,
    Reply,
    Settlement,
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
        caller: Caller,
        pricer: Pricer,
        clock: Clock,
    ) -> None:
        """The caller is asked how its deployments stand, and for nothing else."""
        self.deployments = deployments
        self.policy = policy
        self._scorer = scorer
        self._caller = caller
        self._pricer = pricer
        self._clock = clock

    def decide(self, request: ModelRequest, force_route: str | None = None) -> Decision:
        """Score and decide. Calls no model, writes nothing. Raises UnknownModel."""
        target = resolve(force_route or request.model, self.policy, self.deployments)
        scored = self._scorer.score(request.turns)
        return decide(request, target, scored, self._caller.candidates(), self.policy)

    def explain(self, request: ModelRequest, force_route: str | None = None) -> Decision:
        """The decision with what it is expected to cost. Raises UnknownModel."""
        decision = self.decide(request, force_route)
        if decision.deployment is None:
            return decision
        usage = Usage(request.input_tokens, request.max_output_tokens or EXPECTED_REPLY_TOKENS)
        cost = self._pricer.cost(decision.deployment, usage, self._clock.now())
        return replace(decision, estimated_cost_usd=cost)


class Pipeline:
    """All stages, wired."""

    def __init__(self, decider: Decider, caller: Caller, recorder: Recorder) -> None:
        """The stages in the order in which a request meets them."""
        self.decider = decider
        self._caller = caller
        self._recorder = recorder

    async def answer(self, call: Call) -> Reply:
        """Decide, call, record. Raises PointsmanError where there is no answer; that is recorded too.

        A stream's entry is settled when the stream ends or is closed.
        """
        decision = self.decider.decide(call.request, call.force_route)
        record = await self._recorder.open(call, decision)
        try:
            answer = await self._caller.call(decision.plan, call.request, record.attempts)
        except BaseException as error:
            await self._settle_unanswered(call, record, error)
            raise
        return await self._reply(call, decision, record, answer)

    async def _settle_unanswered(self, call: Call, record: Record, error: BaseException) -> None:
        """No answer: refused, failed, or not waited for; what was sent by then may cost."""
        outcome = faults.outcome(error, record.attempts)
        sent = outcome != "failed" and bool(record.attempts)
        await record.settle(
            outcome,
            deployment=self.decider.deployments[record.attempts[-1].deployment] if sent else None,
            usage=Usage(call.request.input_tokens, estimated=True) if sent else None,
            error=str(error) or None,
        )

    async def _reply(self, call: Call, decision: Decision, record: Record, answer: Answer) -> Reply:
        """The answer as a reply that is in the books when it has ended."""
        deployment, content = answer.line.deployment, answer.content
        reply = Reply(
            request_id=call.request_id,
            decision=decision,
            deployment=deployment,
            attempts=len(record.attempts) + 1,
            reason=explain.served(decision.reasoning, record.attempts, deployment.id),
            status=200,
            content_type="text/event-stream; charset=utf-8",
            body=b"",
        )
        ttft_ms = record.elapsed_ms()

        async def settle(outcome: Outcome, error: UpstreamError | None = None) -> Settlement:
            record.attempts.append(self._caller.ended(answer, outcome, error))
            return await record.settle(
                outcome,
                deployment=deployment,
                usage=content.usage,
                reason=reply.reason,
                ttft_ms=ttft_ms,
                error=None if error is None else str(error),
            )

        if not isinstance(content, Whole):
            return replace(reply, body=Delivery(content, settle))
        settlement = await settle("failed" if content.refused else "completed", content.refused)
        return replace(
            reply,
            status=content.status,
            content_type="application/json",
            body=content.body,
            settlement=settlement,
        )
