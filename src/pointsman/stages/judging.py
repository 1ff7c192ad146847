"""The judge and its questions: calls like any other, planned, gated, in their request's trail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from pointsman.calling import faults
from pointsman.calling.exchange import Errand, Whole
from pointsman.calling.execute import Caller
from pointsman.errors import UpstreamBroken
from pointsman.formats.chat.follow import reply_text
from pointsman.formats.chat.request import parse_chat
from pointsman.formats.wire import Head
from pointsman.ledger.reservation import Reservations
from pointsman.ports import Clock
from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy
from pointsman.scoring.judge import Judge
from pointsman.types import (
    UNSCORED,
    Attempt,
    Call,
    Confined,
    Deployment,
    Means,
    ModelRequest,
    Plan,
    Score,
    Target,
)

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: With its usual penalty on repetition, the embedded model counts up instead of judging.
_UNPENALISED = {"repeat_penalty": 1}
_NOT_SCORED = Score(0.0, {}, UNSCORED, "1", domain="chat")


class Judging:
    """Has prompts judged by a deployment."""

    def __init__(
        self,
        judge: Judge,
        caller: Caller,
        policy: Policy,
        deployments: Mapping[str, Deployment],
        named: str | None,
        *,
        reservations: Reservations,
        clock: Clock,
    ) -> None:
        """`named` judges; where it is None an embedded deployment, or else any local one."""
        self._reservations = reservations
        self._clock = clock
        #: US dollars that open questions may cost at most, by who is to pay.
        self._held: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._judge = judge
        self._caller = caller
        self._policy = policy
        everybodys = [each for each in deployments.values() if each.is_for(None)]
        embedded = (each.id for each in everybodys if each.provider == "embedded")
        name = named or next(embedded, None)
        self._target = Target("deployment", name) if name else Target("location", "local")
        judges = None if name is None else deployments[name].provider
        self._plainly = _UNPENALISED if judges == "embedded" else {}

    async def score(
        self, call: Call, confined: Confined | None, trail: list[Attempt], means: Means
    ) -> Score:
        """The judge's score, or the score that stands in for it.

        What the judge used, and its failures, are appended to `trail`. It is not asked where that
        may cost more than is left, or nobody knows what.
        """

        async def ask(body: bytes) -> str:
            return await self._ask(body, call, confined, trail, means)

        return await self._judge.score(call.request.turns, ask)

    async def _ask(
        self,
        body: bytes,
        call: Call,
        confined: Confined | None,
        trail: list[Attempt],
        means: Means,
    ) -> str:
        named = {"model": self._target.name, **self._plainly, **_MEMBERS.decode(body)}
        request = parse_chat(msgspec.json.encode(named))
        plan, worst = self._plan(request, call, confined, means)
        payer = call.principal.organisation
        self._held[payer] += worst
        try:
            return await self._answered(request, plan, call, confined, trail)
        finally:
            self._held[payer] -= worst

    def _plan(
        self, request: ModelRequest, call: Call, confined: Confined | None, means: Means
    ) -> tuple[Plan, Decimal]:
        """Who is asked, and what that costs at most. What others ask for now is as good as spent."""
        who, now = call.principal.organisation, self._clock.now()
        left = None if means.left is None else means.left - self._held[who]
        worst = self._reservations.worst
        candidates = self._caller.candidates(
            request, who, lambda each: (None, None if left is None else worst(each, request, now))
        )
        spendable = Means(left=left, allow_unpriced=means.allow_unpriced, organisation=who)
        plan = decide(
            request,
            self._target,
            _NOT_SCORED,
            candidates,
            self._policy,
            confined=confined,
            means=spendable,
        ).plan
        costs = {each.deployment.id: each.worst_cost or Decimal(0) for each in candidates}
        most = max((costs[each.deployment] for each in plan.attempts), default=Decimal(0))
        return plan, most

    async def _answered(
        self,
        request: ModelRequest,
        plan: Plan,
        call: Call,
        confined: Confined | None,
        trail: list[Attempt],
    ) -> str:
        errand = Errand(
            request,
            Head(call.request_id, call.time, ""),
            who=call.principal.organisation,
            confined=confined is not None,
        )
        tried: list[Attempt] = []
        try:
            answer = await self._caller.call(plan, errand, tried)
            tried.append(replace(self._caller.ended(answer, "completed"), usage=answer.usage))
        finally:
            trail += [replace(each, purpose="judge") for each in map(faults.out_of_time, tried)]
        if not isinstance(answer.content, Whole) or answer.content.refused is not None:
            raise UpstreamBroken("the judge's deployment refuses the question")
        return reply_text(answer.content.body)
