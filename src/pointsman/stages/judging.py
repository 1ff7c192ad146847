"""The judge and its questions: calls like any other, planned, gated, in their request's trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from pointsman.calling import faults
from pointsman.calling.exchange import Errand, Whole
from pointsman.calling.execute import Caller
from pointsman.errors import UpstreamBroken
from pointsman.formats.chat.follow import reply_text
from pointsman.formats.chat.request import parse_chat
from pointsman.formats.wire import Head
from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy
from pointsman.scoring.judge import Judge
from pointsman.types import UNSCORED, Attempt, Call, Confined, Deployment, Score, Target

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
    ) -> None:
        """`named` judges; where it is None an embedded deployment, or else any local one."""
        self._judge = judge
        self._caller = caller
        self._policy = policy
        everybodys = [each for each in deployments.values() if each.is_for(None)]
        embedded = (each.id for each in everybodys if each.provider == "embedded")
        name = named or next(embedded, None)
        self._target = Target("deployment", name) if name else Target("location", "local")
        judges = None if name is None else deployments[name].provider
        self._plainly = _UNPENALISED if judges == "embedded" else {}

    async def score(self, call: Call, confined: Confined | None, trail: list[Attempt]) -> Score:
        """The judge's score, or the score that stands in for it.

        What the judge used, and its failures, are appended to `trail`.
        """

        async def ask(body: bytes) -> str:
            return await self._ask(body, call, confined, trail)

        return await self._judge.score(call.request.turns, ask)

    async def _ask(
        self, body: bytes, call: Call, confined: Confined | None, trail: list[Attempt]
    ) -> str:
        named = {"model": self._target.name, **self._plainly, **_MEMBERS.decode(body)}
        request = parse_chat(msgspec.json.encode(named))
        candidates = self._caller.candidates(request, call.principal.organisation)
        plan = decide(
            request, self._target, _NOT_SCORED, candidates, self._policy, confined=confined
        ).plan
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
            late = (faults.out_of_time(attempt, request) for attempt in tried)
            trail += [replace(attempt, purpose="judge") for attempt in late]
        if not isinstance(answer.content, Whole) or answer.content.refused is not None:
            raise UpstreamBroken("the judge's deployment refuses the question")
        return reply_text(answer.content.body)
