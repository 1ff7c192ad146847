"""What is spent on better tiers, request by request: shares of the traffic that are kept.

No clock and no randomness: the same requests in the same order get the same bounds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pointsman.routing import thresholds
from pointsman.routing.policy import Escalate, Policy
from pointsman.types import UNSCORED, Decision, Principal, Score

#: Scores that are remembered: from them follows which score how many requests reach.
WINDOW = 200
#: Of these, how many stand for the scorer's usual scores until there is traffic.
_PRIOR = 50
#: Requests that a step may owe, or have given too many, however long the traffic and whatever it
#: holds: then all go up until it is right again, or none does. A tier between two steps misses its
#: share by what both miss theirs: with the request that is decided, by 10 of 200, or 5 points.
_MOST_OWED = 4.0
#: What floors and sessions forced up beyond this is not made up for later.
_MOST_REMEMBERED = 6.0
#: Spreads any number of points evenly over 0-1, one after the other.
_GOLDEN = 0.6180339887498949

#: A scorer's usual scores: their quantiles, evenly spaced, rising.
Quantiles: TypeAlias = Sequence[float]
_EVEN: Quantiles = tuple(float(score) for score in range(101))


class Shares:
    """Bounds that follow the traffic, so that each tier gets its share of it.

    For each step between tiers it knows the quantile of the latest scores, and how many requests
    the tiers above the step are owed. The more they are owed, the larger the share that goes up
    next; nearly nothing changes while they are owed nearly nothing, so that among all requests it
    is those with the highest scores that go up.
    """

    def __init__(self, shares: Mapping[str, float], usual: Quantiles = _EVEN) -> None:
        """Of each tier its share (0-1), lowest tier first, which gets what the others leave."""
        tiers = list(shares)
        self._lowest = tiers[0]
        self._steps = [
            _Step(tier, min(sum(shares[above] for above in tiers[i:]), 1.0))
            for i, tier in enumerate(tiers)
            if i
        ]
        self._level = {tier: i for i, tier in enumerate(tiers)}
        last = len(usual) - 1
        first = [usual[round((i * _GOLDEN) % 1 * last)] for i in range(_PRIOR)]
        self._latest = deque(first)
        self._rising = sorted(first)

    def bounds(self) -> dict[str, float]:
        """The lowest score of each tier for the next request, lowest tier first."""
        bounds: dict[str, float] = {}
        highest = thresholds.NEVER
        for step in reversed(self._steps):
            highest = bounds[step.tier] = min(step.bound(self._rising), highest)
        return dict(reversed([*bounds.items(), (self._lowest, 0.0)]))

    def decide(self, score: float) -> str:
        """The tier of the next request, if its score is this."""
        return thresholds.tier_for(score, self.bounds())

    def observe(self, score: float, tier: str) -> None:
        """A request with this score went to this tier, whether by its score, a floor or else."""
        for step in self._steps:
            step.count(went_up=self._level[tier] >= self._level[step.tier])
        self._latest.append(score)
        insort(self._rising, score)
        if len(self._latest) > WINDOW:
            del self._rising[bisect_left(self._rising, self._latest.popleft())]

    def has_room(self, tier: str) -> bool:
        """Whether one more request of `tier` may rise without missing a share for it."""
        return all(step.owed - step.reserved > 1.0 - _MOST_OWED for step in self._above(tier)[:1])

    def reserve(self, tier: str) -> None:
        """A request of `tier` may rise; until it is known whether it did, it counts as if."""
        for step in self._above(tier):
            step.reserved += 1

    def settle(self, tier: str, served: str, *, reserved: bool) -> None:
        """A request that was counted for `tier` was served by this one, perhaps a higher."""
        for step in self._above(tier):
            step.reserved -= reserved
            if self._level[step.tier] <= self._level[served]:
                step.count_rise()

    def _above(self, tier: str) -> list[_Step]:
        return [step for step in self._steps if self._level[step.tier] > self._level[tier]]


@dataclass(slots=True)
class _Step:
    """The step into a tier, from below."""

    tier: str
    #: Of the traffic, that goes to this tier or higher.
    share: float
    #: Requests that should have gone there by now and did not; negative where too many did.
    owed: float = 0.0
    #: Requests that may rise after a look at their drafts, and have not been answered yet.
    reserved: int = 0

    def bound(self, rising: Sequence[float]) -> float:
        """The lowest score that goes up, given the latest scores."""
        share = self._share_of_next()
        if share >= 1.0:
            return 0.0
        if share <= 0.0:
            return thresholds.NEVER
        score = rising[min(int((1.0 - share) * len(rising)), len(rising) - 1)]
        # Where many have this score, all of them go up or none: whichever leaves less owed.
        goes_up = self.owed + self.share >= 0.5  # noqa: PLR2004 - half a request
        return score if goes_up else min(score + thresholds.JUST, thresholds.NEVER)

    def count(self, *, went_up: bool) -> None:
        """One request more."""
        owed = self.owed + self.share - went_up
        self.owed = max(-_MOST_REMEMBERED, min(owed, _MOST_REMEMBERED))

    def count_rise(self) -> None:
        """One that was counted as not going up went up after all."""
        self.owed = max(-_MOST_OWED - 1.0, self.owed - 1.0)

    def _share_of_next(self) -> float:
        debt = max(-1.0, min(1.0, self.owed / _MOST_OWED)) ** 3
        return self.share + debt * (1.0 - self.share if debt > 0 else self.share)


#: Whose setting, which scorer, which tiers.
_Key: TypeAlias = tuple[tuple[str, ...], str, tuple[str, ...]]


class Spending:
    """The bounds in force for whoever asks: the key's setting, else the organisation's, else all's.

    Shares are kept for each setting on its own, and for each scorer, since scores of two scorers
    can't be compared.
    """

    def __init__(
        self, policy: Policy, usual: Mapping[str, Quantiles] | None = None, most: int = 1000
    ) -> None:
        """`usual` scores by scorer; at most so many shares are followed, the latest used."""
        self._policy = policy
        self._usual = usual or {}
        self._most = most
        self._shares: OrderedDict[_Key, Shares] = OrderedDict()

    def bounds(
        self, principal: Principal, scored: Score, present: Collection[str]
    ) -> dict[str, float]:
        """The lowest score of each tier for this request; changes nothing.

        `present` are the tiers that have a deployment.
        """
        owner, escalate = self._setting(principal)
        levels = thresholds.in_use(self._policy.tiers, present)
        is_scored = scored.fault is None and scored.scorer != UNSCORED
        if escalate.share is not None and is_scored and levels:
            return self._shares_of((owner, scored.scorer, levels), escalate.share).bounds()
        own = self._policy.own(scored.scorer)
        return thresholds.bounds(self._policy.tiers, present, scored, escalate, own)

    def standing(
        self, principal: Principal, scorer: str, present: Collection[str]
    ) -> Mapping[str, float]:
        """The bounds as they are now; empty where each request has its own (`quality`)."""
        if self._setting(principal)[1].quality is not None:
            return {}
        return self.bounds(principal, Score(0.0, {}, scorer, ""), present)

    def observe(self, principal: Principal, decision: Decision) -> None:
        """The decision is carried out: it counts where a score had a say in it.

        To be called before the next request is decided, or the shares are missed by as many
        requests as are decided in between; `settle` is to follow. Where the decision wants its
        first answer looked at, a place is kept for it above.
        """
        found = self._followed(principal, decision)
        if found is not None:
            shares, tier = found
            shares.observe(decision.score, tier)
            if decision.verify is not None:
                shares.reserve(tier)

    def settle(self, principal: Principal, decision: Decision, served: str | None) -> None:
        """Who answered is of this tier; None where nobody did."""
        found = self._followed(principal, decision)
        if found is not None:
            shares, tier = found
            reached = served if served in decision.bounds else tier
            shares.settle(tier, reached or tier, reserved=decision.verify is not None)

    def may_rise(self, principal: Principal, decision: Decision) -> bool:
        """Whether the request may go up after a look at its draft: shares count that too."""
        found = self._followed(principal, decision)
        return found is None or found[0].has_room(found[1])

    def _followed(self, principal: Principal, decision: Decision) -> tuple[Shares, str] | None:
        """The shares that a decision counts for, and as which tier; None where it counts for none."""
        owner, escalate = self._setting(principal)
        levels = tuple(decision.bounds)
        if escalate.share is None or not levels:
            return None
        reach = self._policy.tiers.index(decision.tier)
        reached = [tier for tier in levels if self._policy.tiers.index(tier) <= reach]
        shares = self._shares_of((owner, decision.scored.scorer, levels), escalate.share)
        return shares, reached[-1] if reached else levels[0]

    def _setting(self, principal: Principal) -> tuple[tuple[str, ...], Escalate]:
        organisation, key = principal.organisation, principal.key
        if key in self._policy.by_key:
            return (organisation, key), self._policy.by_key[key]
        if organisation in self._policy.by_organisation:
            return (organisation,), self._policy.by_organisation[organisation]
        return (), self._policy.escalate

    def _shares_of(self, key: _Key, share: float | Mapping[str, float]) -> Shares:
        if key not in self._shares:
            _, scorer, levels = key
            shares = share if isinstance(share, Mapping) else {levels[-1]: share}
            parts = dict.fromkeys(levels, 0.0)
            for tier, part in shares.items():
                parts[self._standing_in(tier, levels)] += part
            self._shares[key] = Shares(parts, self._usual.get(scorer, _EVEN))
            if len(self._shares) > self._most:
                self._shares.popitem(last=False)
        self._shares.move_to_end(key)
        return self._shares[key]

    def _standing_in(self, tier: str, levels: tuple[str, ...]) -> str:
        """The tier itself where it is in use, else the next lower that is, else the lowest."""
        place = self._policy.tiers.index(tier)
        below = [level for level in levels if self._policy.tiers.index(level) <= place]
        return below[-1] if below else levels[0]
