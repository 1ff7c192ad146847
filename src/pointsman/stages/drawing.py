"""Which requests may be drawn to learn from them, and to where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from pointsman.feedback import explore
from pointsman.feedback.explore import Account, Choice
from pointsman.routing.sticky import in_tool_loop
from pointsman.types import Call, Candidate, Decision, Means, Principal

#: A budget that is left for no more requests than so many, at what the dearest may cost, is nearly
#: out.
NEARLY_OUT = 20


class Drawing:
    """Draws another tier now and then, as far as its account allows."""

    def __init__(
        self,
        account: Account,
        *,
        off_organisations: Collection[str] = (),
        off_keys: Collection[str] = (),
    ) -> None:
        """Nobody of these organisations is drawn, nor any request with these keys."""
        self.account = account
        self._off_organisations = frozenset(off_organisations)
        self._off_keys = frozenset(off_keys)

    def chances(
        self,
        call: Call,
        decision: Decision,
        spread: Sequence[float],
        candidates: Sequence[Candidate],
        means: Means,
    ) -> Mapping[str, float]:
        """How likely each tier is to be chosen, which adds up to 1.

        Empty where the request may not be drawn, or exploration can't pay for it: nothing can be
        told of what another tier would have done. `decision` is what was decided by its score,
        which is believed within `spread` points; `candidates` are as they stand. No floor is
        crossed, nor any gate.
        """
        account = self.account
        if not spread or account.most <= 0 or not self._may(call, means, decision, candidates):
            return {}
        others = _others(decision, candidates)
        admissible = {tier for tier, extra in others.items() if account.affords(float(extra))}
        if others and not admissible:
            return {}
        choice = Choice(decision.tier, decision.score, spread, decision.bounds)
        return explore.probabilities(choice, admissible, share=account.share, most=account.most)

    def carried_out(self, decision: Decision) -> None:
        """A decision is going to be: it counts."""
        informed = decision.informed
        if informed is None:
            return
        self.account.spend(float(decision.estimated_cost_usd or 0), float(informed.extra or 0))
        if informed.propensities:
            drawable = 1.0 - max(informed.propensities.values())
            self.account.count(drawable, drawn=informed.explored)

    def unanswered(self, decision: Decision) -> None:
        """Nobody answered it after all: it is not expected to cost anything."""
        informed = decision.informed
        if informed is not None:
            cost, extra = float(decision.estimated_cost_usd or 0), float(informed.extra or 0)
            self.account.give_back(cost, extra)

    def _may(
        self, call: Call, means: Means, decision: Decision, candidates: Sequence[Candidate]
    ) -> bool:
        """Whether a request may be drawn at all. A session's first one may; the others stay."""
        return (
            call.explore
            and not call.is_own
            and self._is_on(call.principal)
            and "tools" not in call.request.needs  # what it begins goes on for many requests
            and not in_tool_loop(call.request)
            and not _goes_on(call)
            and not _nearly_out(means.left, decision, candidates)
        )

    def _is_on(self, principal: Principal) -> bool:
        return (
            principal.organisation not in self._off_organisations
            and principal.key not in self._off_keys
        )


def _goes_on(call: Call) -> bool:
    """It is in the middle of a conversation, also one that began elsewhere."""
    return any(turn.role == "assistant" for turn in call.request.turns)


def _others(decision: Decision, candidates: Sequence[Candidate]) -> dict[str, Decimal]:
    """Other tiers that the request could go to at once, with the most that this costs more.

    Those of unknown price are not among them.
    """
    first, passed = _first(decision), passed_by(decision)
    if first != decision.tier:
        return {}
    found: dict[str, Decimal] = {}
    ruled_out = {first}
    for each in candidates:
        tier = each.deployment.tier
        if each.deployment.id not in passed or not each.deployment.weight:
            continue
        extra = extra_cost(decision, each.expected_cost)
        if each.state != "up" or extra is None:
            ruled_out.add(tier)
        else:
            found[tier] = max(extra, found.get(tier, extra))
    return {tier: extra for tier, extra in found.items() if tier not in ruled_out}


def passed_by(decision: Decision) -> frozenset[str]:
    """Deployments that passed every gate and stand on no lower tier than the floor."""
    planned = (each.deployment for each in decision.plan.attempts)
    spare = (each.deployment for each in decision.dropped if each.gate == "fallback")
    return frozenset((*planned, *spare))


def extra_cost(decision: Decision, cost: Decimal | None) -> Decimal | None:
    """US dollars that it is expected to cost more elsewhere; None where nobody can tell.

    Where no price is known at all there is none to count.
    """
    before = decision.estimated_cost_usd
    if cost is None:
        return Decimal(0) if before is None else None
    return max(cost - (before or Decimal(0)), Decimal(0))


def _first(decision: Decision) -> str | None:
    """The tier that the first deployment is of."""
    return decision.plan.attempts[0].tier if decision.plan.attempts else None


def _nearly_out(left: Decimal | None, decision: Decision, candidates: Sequence[Candidate]) -> bool:
    if left is None:
        return False
    if any(drop.gate == "budget" for drop in decision.dropped):
        return True
    dearest = max((each.worst_cost for each in candidates if each.worst_cost), default=Decimal(0))
    return left < NEARLY_OUT * dearest
