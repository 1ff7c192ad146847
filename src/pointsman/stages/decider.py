"""The stages before anything is spent: what may leave the house, how hard it is, where it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec
from msgspec.structs import replace

from pointsman.access.permissions import may_ask, shows
from pointsman.calling.execute import Caller
from pointsman.calling.lines import Deployments
from pointsman.errors import Forbidden, UnknownModel
from pointsman.feedback import explore
from pointsman.ledger.pricing import Pricer
from pointsman.ledger.reservation import Reservations
from pointsman.ports import Clock, Scorer
from pointsman.routing import experiment, looks, thresholds
from pointsman.routing.confine import Confinement
from pointsman.routing.decide import decide
from pointsman.routing.looks import Looks
from pointsman.routing.policy import Policy, resolve
from pointsman.routing.side_calls import SideCalls
from pointsman.routing.spending import Spending
from pointsman.stages.drawing import Drawing, extra_cost
from pointsman.stages.judging import Judging
from pointsman.types import (
    UNSCORED,
    Assigned,
    Attempt,
    Call,
    Candidate,
    Confined,
    Decision,
    Deployment,
    Informed,
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
#: Kinds of targets for which a score chooses.
_ROUTED = frozenset({"auto", "location"})
#: Characters up to which a prompt is searched for secrets on the event loop.
_SHORT = 4_000


class Lesson(msgspec.Struct, frozen=True):
    """What was learned of requests such as one."""

    #: The score with it.
    scored: Score
    informed: Informed
    #: Standard deviation of that score, in points, at each step between tiers, the lowest first;
    #: empty where that is not known.
    spread: Sequence[float] = ()


class Seen(msgspec.Struct, frozen=True):
    """What a look at the prompt showed."""

    scored: Score
    #: Why it must stay local; None where it need not.
    confined: Confined | None
    #: None where learning is off, or has nothing to say of such a request.
    lesson: Lesson | None = None
    #: The experiment that it takes part in.
    assigned: Assigned | None = None


class Learner(Protocol):
    """Knows what was learned."""

    def informed(self, call: Call, scored: Score, version: str | None = None) -> Lesson | None:
        """What a version says, the one in force where none is named; None where it says nothing."""


class Experiments(Protocol):
    """Knows the experiments that run."""

    def of(
        self,
        call: Call,
        decision: Decision | None = None,
        candidates: Sequence[Candidate] = (),
        stay: Stay | None = None,
    ) -> Assigned | None:
        """The one that a call takes part in; None for most.

        Before it is decided: one of versions; with its decision: one of deployments.
        """


class Decider:
    """Looks at a request and decides. Calls no model but the judge, where there is one."""

    def __init__(
        self,
        *,
        deployments: Deployments,
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
        learning: Learner | None = None,
        drawing: Drawing | None = None,
        experiments: Experiments | None = None,
    ) -> None:
        """The caller is asked how its deployments stand, and by the judge.

        `means` are what somebody may use and spend. Without `learning` nothing is learned from,
        without `drawing` nothing is drawn to learn from it.
        """
        self._learning = learning
        self._drawing = drawing
        self._experiments = experiments
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

    def deployments_of(self, principal: Principal) -> Mapping[str, Deployment]:
        """Those that may serve the principal's organisation."""
        return self.deployments.of(principal.organisation)

    def resolve(self, principal: Principal, name: str) -> Target:
        """What a model's name stands for. Raises UnknownModel, which says what may be asked for."""
        own, grant = self.deployments_of(principal), principal.grant
        return resolve(
            name,
            self.policy,
            own,
            lambda target: shows(grant, target, [own[each] for each in target.deployments]),
        )

    def target(self, call: Call) -> Target:
        """What it asks for. Raises UnknownModel, and Forbidden for what its key may not ask for."""
        asked = call.force_route or call.request.model
        try:
            target = self.resolve(call.principal, asked)
        except UnknownModel as error:
            if call.force_route:
                error.param = "x-force-route"
            raise
        grant = call.principal.grant
        if not may_ask(grant, target):
            allowed = ", ".join(sorted(grant.routes or ())) or "nothing"
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
        ahead: bool = False,
    ) -> Seen:
        """How hard the prompt is.

        Where the judge scores it is asked, if it is only a look `ahead` only a local one, unless
        nothing hangs on the score; what it used is appended to `trail`. Raises UnknownModel.
        """
        target = self.target(call)
        routed = target.kind in _ROUTED and self._side_call(call.request) is None
        if self._judging is None or call.request.task != "chat" or not routed:
            return self._seen(call, self._score(call.request), confined, live=not ahead)
        within = Confined((), "request") if ahead and confined is None else confined
        scored = await self._judging.score(call, within, trail, self._means(call.principal))
        return self._seen(call, scored, confined, live=not ahead)

    def thresholds(self, principal: Principal, scorer: str) -> Mapping[str, float]:
        """The lowest score from this scorer for each tier, as it is now; empty where there is none."""
        present = {each.tier for each in self.deployments_of(principal).values()}
        return self._spending.standing(principal, scorer, present)

    def decide(
        self,
        call: Call,
        seen: Seen | None = None,
        *,
        stay: Stay | None = None,
        shift: float = 0.0,
        live: bool = False,
    ) -> Decision:
        """Where it goes. Writes nothing; without `seen`, the judge is not asked.

        `shift` is added to every threshold: to see what would be. Where it is `live`, it may
        take part in an experiment, or else be drawn, to learn from it. Raises UnknownModel, and BadRequest where the request asks for a privacy that there is not.
        """
        request, seen = call.request, seen or self._seen_unjudged(call)
        target, means = self.target(call), self._means(call.principal)
        side_call = self._side_call(request)
        candidates = self._candidates(call, seen.scored, means)
        present = {candidate.deployment.tier for candidate in candidates}
        bounds = self._spending.bounds(call.principal, seen.scored, present)
        decided = partial(
            decide,
            request,
            target,
            seen.scored,
            candidates,
            self.policy,
            bounds=bounds if not shift else thresholds.shifted(bounds, shift),
            confined=seen.confined,
            stay=stay,
            side_call=side_call,
            means=means,
        )
        decision = decided()
        assigned = None
        if live and self._experiments is not None and side_call is None and not call.is_own:
            comparable = self._comparable(request, decision, candidates)
            assigned = seen.assigned or self._experiments.of(call, decision, comparable, stay)
        if seen.lesson is not None:
            informed = seen.lesson.informed
            if live and stay is None and assigned is None:
                chances = self._chances(call, decision, seen.lesson, candidates, means)
                informed = replace(informed, propensities=chances)
                drawn = explore.draw(call.request_id, chances) if chances else decision.tier
                if drawn != decision.tier:
                    chosen, decision = decision, decided(drawn=drawn)
                    extra = extra_cost(chosen, decision.estimated_cost_usd)
                    informed = replace(informed, explored=True, extra=extra)
            decision = replace(decision, informed=informed)
        if assigned is not None:
            decision = experiment.take_part(decision, assigned, candidates)
        if not self._spending.may_rise(call.principal, decision):
            return decision
        return replace(decision, verify=looks.bound_for(request, decision, self._looks))

    def carry_out(self, call: Call, decision: Decision) -> None:
        """The decision is going to be: from now on it counts. `served` is to follow."""
        self._spending.observe(call.principal, decision)
        if self._drawing is not None:
            self._drawing.carried_out(decision)

    def served(self, call: Call, decision: Decision, tier: str | None) -> None:
        """Who answered is of this tier; None where nobody did."""
        self._spending.settle(call.principal, decision, tier)
        if tier is None and self._drawing is not None:
            self._drawing.unanswered(decision)

    def _side_call(self, request: ModelRequest) -> str | None:
        return self._side_calls.kind(request) if request.task == "chat" else None

    def _is_long(self, request: ModelRequest) -> bool:
        limit = self.policy.max_local_tokens
        return limit is not None and request.input_tokens > limit

    def _comparable(
        self, request: ModelRequest, decision: Decision, candidates: Sequence[Candidate]
    ) -> Sequence[Candidate]:
        """Those that may be tried first in the place of who is; a length keeps it where it is."""
        if not self._is_long(request):
            return candidates
        first = {
            each.deployment.location
            for each in candidates
            if each.deployment.id == decision.deployment
        }
        return [each for each in candidates if each.deployment.location in first]

    def _confined(self, call: Call) -> Confined | None:
        return self._confinement.of(call.request, call.principal, call.privacy)

    def _seen_unjudged(self, call: Call) -> Seen:
        scored = self._score(call.request)
        if self._judging is not None and scored.scorer != UNSCORED:
            scored = replace(scored, stands_in="judge: not asked for a look ahead")
        return self._seen(call, scored, self._confined(call))

    def _seen(
        self, call: Call, scored: Score, confined: Confined | None, *, live: bool = False
    ) -> Seen:
        """The score with what was learned, for what a person asked."""
        if self._side_call(call.request) is not None:
            return Seen(scored, confined)
        routed = self.target(call).kind in _ROUTED
        experiments = self._experiments if live and routed and not call.is_own else None
        assigned = None if experiments is None else experiments.of(call)
        version = None if assigned is None else assigned.chosen
        learner = self._learning
        lesson = None if learner is None else learner.informed(call, scored, version)
        return Seen(scored if lesson is None else lesson.scored, confined, lesson, assigned)

    def _score(self, request: ModelRequest) -> Score:
        if request.task != "chat":
            return Score(0.0, {}, UNSCORED, "1", domain=request.task)
        return self._scorer.score(request.turns)

    def _chances(
        self,
        call: Call,
        decision: Decision,
        lesson: Lesson,
        candidates: Sequence[Candidate],
        means: Means,
    ) -> Mapping[str, float]:
        """How likely each tier is; empty where no score chose: a name, a fault, a floor, a length."""
        bounds = decision.bounds
        if self._is_long(call.request):
            return {}
        if not bounds or thresholds.tier_for(decision.score, bounds) != decision.tier:
            return {}
        if self._drawing is None:
            return {decision.tier: 1.0}
        return self._drawing.chances(call, decision, lesson.spread, candidates, means)

    def _candidates(self, call: Call, scored: Score, means: Means) -> list[Candidate]:
        """Every deployment of the caller's as it stands now, and what the request may cost on it."""
        request, who = call.request, call.principal.organisation
        usage, now = _expected(request, scored), self._clock.now()
        cost, worst = self._pricer.cost, self._reservations.worst
        bounded = means.left is not None
        return self._caller.candidates(
            request,
            who,
            lambda each: (cost(each, usage, now), worst(each, request, now) if bounded else None),
        )


def _expected(request: ModelRequest, scored: Score) -> Usage:
    """The tokens that a request will probably take."""
    reply = scored.reply_tokens or EXPECTED_REPLY_TOKENS
    return Usage(request.input_tokens, min(reply, request.max_output_tokens or reply))
