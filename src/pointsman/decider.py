"""The stages before anything is spent: what may leave the house, how hard it is, where it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pointsman.calling.execute import Caller
from pointsman.errors import Forbidden
from pointsman.judging import Judging
from pointsman.ledger.pricing import Pricer
from pointsman.ledger.reservation import Reservations
from pointsman.ports import Clock, Scorer
from pointsman.routing import looks
from pointsman.routing.confine import Confinement
from pointsman.routing.decide import decide
from pointsman.routing.looks import Looks
from pointsman.routing.policy import Policy, resolve
from pointsman.routing.side_calls import SideCalls
from pointsman.routing.spending import Spending
from pointsman.routing.thresholds import shifted
from pointsman.types import (
    UNSCORED,
    Attempt,
    Call,
    Candidate,
    Confined,
    Decision,
    Deployment,
    Means,
    ModelRequest,
    Principal,
    Score,
    Stay,
    Target,
    Usage,
)

#: Tokens a reply is expected to have where neither the request nor the scorer says.
EXPECTED_REPLY_TOKENS = 400
#: Characters up to which a prompt is searched for secrets on the event loop.
_SHORT = 4_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the prompt showed."""

    scored: Score
    #: Why it must stay local; None where it need not.
    confined: Confined | None


class Decider:
    """Looks at a request and decides. Calls no model but the judge, where there is one."""

    def __init__(
        self,
        *,
        deployments: Mapping[str, Deployment],
        policy: Policy,
        confinement: Confinement,
        scorer: Scorer,
        judging: Judging | None,
        spending: Spending,
        looks: Looks,
        side_calls: SideCalls,
        caller: Caller,
        pricer: Pricer,
        clock: Clock,
        means: Callable[[Principal], Means],
        reservations: Reservations,
    ) -> None:
        """The caller is asked how its deployments stand, and by the judge.

        `means` are what somebody may use and spend.
        """
        self._means = means
        self._reservations = reservations
        self.deployments = deployments
        self.policy = policy
        self._confinement = confinement
        self._scorer = scorer
        self._judging = judging
        self._spending = spending
        self._looks = looks
        self._side_calls = side_calls
        self._caller = caller
        self._pricer = pricer
        self._clock = clock

    def target(self, call: Call) -> Target:
        """What it asks for. Raises UnknownModel, and Forbidden for what its key may not ask for."""
        asked = call.force_route or call.request.model
        target, routes = resolve(asked, self.policy, self.deployments), call.principal.grant.routes
        if routes is not None and target.name not in routes:
            allowed = ", ".join(sorted(routes)) or "nothing"
            raise Forbidden(f"this key may not ask for {target.name}; it may ask for {allowed}")
        return target

    async def confine(self, call: Call) -> Confined | None:
        """Whether it must stay local; it binds whatever is done for the request.

        Raises BadRequest where it asks for a privacy that there is not.
        """
        written = (*(turn.text for turn in call.request.turns), *call.request.private_texts)
        if sum(map(len, written)) > _SHORT:
            return await asyncio.to_thread(self._confined, call)
        return self._confined(call)

    async def look(
        self,
        call: Call,
        confined: Confined | None,
        trail: list[Attempt],
        *,
        local: bool = False,
    ) -> Seen:
        """How hard the prompt is.

        Where the judge scores it is asked, if `local` or where no money is left only a local one,
        unless nothing hangs on the score; what it used is appended to `trail`. Raises UnknownModel.
        """
        target = self.target(call)
        routed = target.kind in {"auto", "location"} and self._side_call(call.request) is None
        if self._judging is None or call.request.task != "chat" or not routed:
            return Seen(self._score(call.request), confined)
        left = self._means(call.principal).left
        local = local or (left is not None and left <= 0)
        within = Confined((), "request") if local and confined is None else confined
        return Seen(await self._judging.score(call, within, trail), confined)

    def thresholds(self, principal: Principal, scorer: str) -> Mapping[str, float]:
        """The lowest score from this scorer for each tier, as it is now; empty where there is none."""
        present = {deployment.tier for deployment in self.deployments.values()}
        return self._spending.standing(principal, scorer, present)

    def decide(
        self,
        call: Call,
        seen: Seen | None = None,
        *,
        stay: Stay | None = None,
        shift: float = 0.0,
    ) -> Decision:
        """Where it goes. Writes nothing; without `seen`, the judge is not asked.

        `shift` is added to every threshold: to see what would be. Raises UnknownModel, and BadRequest where the request asks for a privacy that there is not.
        """
        request, seen = call.request, seen or self._seen_unjudged(call)
        target, means = self.target(call), self._means(call.principal)
        candidates = self._candidates(request, seen.scored, means)
        present = {candidate.deployment.tier for candidate in candidates}
        bounds = self._spending.bounds(call.principal, seen.scored, present)
        decision = decide(
            request,
            target,
            seen.scored,
            candidates,
            self.policy,
            bounds=bounds if not shift else shifted(bounds, shift),
            confined=seen.confined,
            stay=stay,
            side_call=self._side_call(request),
            means=means,
        )
        if not self._spending.may_rise(call.principal, decision):
            return decision
        return replace(decision, verify=looks.bound_for(request, decision, self._looks))

    def carry_out(self, call: Call, decision: Decision) -> None:
        """The decision is going to be: from now on it counts. `served` is to follow."""
        self._spending.observe(call.principal, decision)

    def served(self, call: Call, decision: Decision, tier: str | None) -> None:
        """Who answered is of this tier; None where nobody did."""
        self._spending.settle(call.principal, decision, tier)

    def _side_call(self, request: ModelRequest) -> str | None:
        return self._side_calls.kind(request) if request.task == "chat" else None

    def _confined(self, call: Call) -> Confined | None:
        return self._confinement.of(call.request, call.principal, call.privacy)

    def _seen_unjudged(self, call: Call) -> Seen:
        scored = self._score(call.request)
        if self._judging is not None and scored.scorer != UNSCORED:
            scored = replace(scored, stands_in="judge: not asked for a look ahead")
        return Seen(scored, self._confined(call))

    def _score(self, request: ModelRequest) -> Score:
        if request.task != "chat":
            return Score(0.0, {}, UNSCORED, "1", domain=request.task)
        return self._scorer.score(request.turns)

    def _candidates(self, request: ModelRequest, scored: Score, means: Means) -> list[Candidate]:
        """Every deployment as it stands now, and what the request may cost on it."""
        usage, now = _expected(request, scored), self._clock.now()
        cost, worst = self._pricer.cost, self._reservations.worst
        return [
            replace(
                each,
                expected_cost=cost(each.deployment.id, usage, now),
                worst_cost=None if means.left is None else worst(each.deployment.id, request, now),
            )
            for each in self._caller.candidates(request)
        ]


def _expected(request: ModelRequest, scored: Score) -> Usage:
    """The tokens that a request will probably take."""
    reply = scored.reply_tokens or EXPECTED_REPLY_TOKENS
    return Usage(request.input_tokens, min(reply, request.max_output_tokens or reply))
