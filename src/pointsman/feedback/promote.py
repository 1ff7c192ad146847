"""Whether what was learned is to replace what is in force. Pure.

A candidate is promoted only if traffic says, with 95 % confidence, that it is

* better at the same cost: its quality is above that in force, or
* cheaper at the same quality: its cost is below that in force, and its quality lower by no more
  than `MARGIN`.

No two policies cost the same on a sample of traffic. A candidate that is dearer there is therefore
measured against the policy in force with as much money more: spent on the highest tier, for
requests taken at random. It must be better than that, dearer by at most `SAME_COST`, and not
surely dearer at all.

Otherwise what is in force stays. Three things make such a statement worth less than it seems, and
are provided for:

* **Judged by what it learned from.** `compare` takes no candidate but the way to fit one. The
  outcomes are cut into blocks of time; what each block is judged by was fitted on the others. The
  mean over the blocks has the usual interval (Bayle et al. 2020, NeurIPS: "Cross-validation
  confidence intervals for test error"). Only then the candidate is fitted on everything. The policy
  in force was fitted once, so outcomes up to `after`, its last one, judge nothing.
* **Looked at again and again.** Of the 5 % of error that a version in force may be replaced with,
  the k-th look spends 1 / (k (k + 1)), so that all looks together stay below it. `due` says when
  the next one is worth its share: when the outcomes have grown by a quarter.
* **Signals that say little.** What can hardly be told apart looks alike: to signals that are worth
  nothing, the cheapest model is as good as any. That nothing is lost is therefore for outcomes to
  say whose trust is at least `TRUSTED`, above all rated ones, and `MARGIN` shrinks with their mean
  trust, as a true loss does in what they show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import sqrt
from statistics import NormalDist
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from pointsman.feedback.evaluate import (
    Estimate,
    Floats,
    Method,
    Table,
    estimate,
    estimates,
    matrix,
)
from pointsman.feedback.expected import Expected
from pointsman.types import Evidence, Json

#: Of replacing a version by a worse one, over all looks at its evidence.
ERROR = 0.05
#: So much quality (0-1, in ratings) may a cheaper candidate be short of at most.
MARGIN = 0.02
#: So much dearer than what is in force may seem what is held to cost the same.
SAME_COST = 0.1
#: Trust from which an outcome can say that no quality is lost.
TRUSTED = 0.5
#: Trust-weighted outcomes below which nothing is concluded.
LEAST = 50
_FOLDS = 5
_GROWTH = 1.25


class Policy(Protocol):
    """What can choose a tier."""

    def probabilities(self, evidence: Evidence) -> Mapping[str, float]:
        """How likely it would choose each tier for the request that this is the outcome of.

        Tiers that were not admissible there are left out of account.
        """


P = TypeVar("P", bound=Policy)
#: How a policy is made of outcomes, the oldest first.
Fit: TypeAlias = Callable[[Sequence[Evidence]], P]


class Comparison(msgspec.Struct, Generic[P], frozen=True):
    """What the candidate would have been worth above the policy in force."""

    #: Fitted on all outcomes.
    candidate: P
    promote: bool
    #: For people: one line.
    why: str
    #: Which look at the version in force this was, from 1.
    look: int
    #: Candidate less in force at the same cost, with the confidence that this look has.
    quality: Estimate
    #: The same of the cost, as a share of what is spent; where prices are unknown, of the way up
    #: the tiers.
    cost: Estimate
    #: The quality by the other methods, for who wants to see it.
    methods: Mapping[Method, Estimate]
    #: The quality by outcomes of at least `TRUSTED` alone, at the candidate's own cost.
    trusted: Estimate
    #: Mean trust of the outcomes that judged, 0-1.
    trust: float
    #: In how many of them the two would mostly choose another tier.
    contested: int

    @property
    def outcomes(self) -> int:
        """That judged."""
        return self.quality.n

    def as_json(self) -> dict[str, Json]:
        """All but the candidate itself."""
        return {
            "promote": self.promote,
            "why": self.why,
            "look": self.look,
            "outcomes": self.outcomes,
            "contested": self.contested,
            "trust": self.trust,
            "quality": self.quality.as_json(),
            "cost": self.cost.as_json(),
            "trusted": self.trusted.as_json(),
            "methods": {method: found.as_json() for method, found in self.methods.items()},
        }


def due(fresh: int, before: int) -> bool:
    """Whether so many outcomes since the last look, at which there were `before`, deserve another.

    `before` is 0 where there was none yet. What is too old to be read any more is no matter.
    """
    return fresh > 0 and fresh >= (_GROWTH - 1.0) * before


def confidence(look: int) -> float:
    """Of both-sided intervals at the k-th look, from 1. Raises ValueError for less."""
    if look < 1:
        raise ValueError(f"there is no look {look}")
    return 1.0 - ERROR / (look * (look + 1))


def judging(evidence: Sequence[Evidence], after: datetime | None = None) -> list[Evidence]:
    """Outcomes that can judge, the oldest first.

    Those later than `after` for which another tier might have been drawn, by known odds.
    """
    fresh = (each for each in evidence if after is None or each.time > after)
    return sorted((each for each in fresh if _drawn(each)), key=_when)


def compare(
    evidence: Sequence[Evidence],
    in_force: Policy,
    fit: Fit[P],
    tiers: Sequence[str],
    *,
    after: datetime | None = None,
    look: int = 1,
    least: float = LEAST,
) -> Comparison[P]:
    """Fit a candidate and say whether it should replace the policy in force, and why.

    `tiers` are all that there are, the lowest first. `after` is the time of the last outcome that
    the policy in force was fitted on, None where it never saw any of these.
    """
    ordered = sorted(evidence, key=_when)
    cases = _cases(ordered, judging(ordered, after), in_force, fit, tiers)
    sure = confidence(look)
    spent = _spent(cases, sure)
    found = estimates(_topped_up(cases, spent.topped_up), confidence=sure)
    trusted = cases.trust >= TRUSTED
    loss = estimate(_only(cases.quality, trusted), confidence=sure)
    margin = MARGIN * _mean(cases.trust[trusted])
    nothing_lost = cases.trust[trusted].sum() >= least and loss.low >= -margin
    promote, why = _verdict(found["dr"], spent, nothing_lost=nothing_lost)
    contested = _contested(cases.quality)
    if not (contested or promote):
        why = f"kept: it would choose no other tier for any of {len(cases.trust)} outcomes"
    if cases.trust.sum() < least:
        said = f"{cases.trust.sum():.0f} of {least:g} outcomes, weighted by trust"
        promote, why, look = False, f"kept: {said}", look - 1  # it could tell nothing
    return Comparison(
        candidate=fit(ordered),
        promote=promote,
        why=why,
        look=look,
        quality=found["dr"],
        cost=spent.drawn,
        methods={each: other for each, other in found.items() if each != "dr"},
        trusted=loss,
        trust=_mean(cases.trust),
        contested=contested,
    )


class _Cases(msgspec.Struct, frozen=True):
    """The outcomes that judge: by their quality, by their cost, and how far to be trusted."""

    quality: Table
    cost: Table
    trust: Floats


def _cases(
    ordered: Sequence[Evidence],
    judged: Sequence[Evidence],
    in_force: Policy,
    fit: Fit[P],
    tiers: Sequence[str],
) -> _Cases:
    """Each block of time with policy and expectations that were fitted on the others."""
    names = [
        *dict.fromkeys([*tiers, *(tier for e in ordered for tier in (e.tier, *e.propensities))])
    ]
    index = {tier: at for at, tier in enumerate(names)}
    chosen = np.array([index[_decided(each)] for each in ordered], dtype=np.intp)
    cold = np.array([each.cold for each in ordered])
    quality, cost = np.array([each.quality for each in ordered]), _costs(ordered, chosen)
    places = {each.request_id: at for at, each in enumerate(ordered)}
    judging_at = np.array([places[each.request_id] for each in judged], dtype=np.intp)
    target: list[Mapping[str, float]] = []
    better, dearer = np.zeros((2, len(judged), len(names)))
    for block in np.array_split(np.arange(len(judged)), _FOLDS):
        others = np.ones(len(ordered), dtype=bool)
        others[judging_at[block]] = False
        if not len(block):
            continue
        candidate = fit([ordered[at] for at in np.flatnonzero(others).tolist()])
        target += [candidate.probabilities(judged[at]) for at in block.tolist()]
        for values, expected in ((quality, better), (cost, dearer)):
            line = Expected(chosen[others], cold[others], values[others], len(names))
            expected[block] = line.of(cold[judging_at[block]])
    held = [in_force.probabilities(each) for each in judged]
    possible = [each.propensities for each in judged]
    table = Table(
        chosen=chosen[judging_at],
        reward=quality[judging_at],
        propensity=matrix(possible, names),
        target=matrix(_all_possible(target, possible, names), names),
        reference=matrix(_all_possible(held, possible, names), names),
        predicted=better,
    )
    trust = np.array([each.trust for each in judged])
    return _Cases(table, replace(table, reward=cost[judging_at], predicted=dearer), trust)


def _costs(evidence: Sequence[Evidence], chosen: NDArray[np.intp]) -> Floats:
    """What each cost; where that is not known of all, how far up the tiers it went."""
    known = [float(each.cost) for each in evidence if each.cost is not None]
    return np.array(known) if len(known) == len(evidence) else chosen.astype(np.float64)


def _spent(cases: _Cases, sure: float) -> _Spending:
    table = cases.cost
    if not len(table.reward):
        return _Spending(estimate(table), 0.0, 0.0, 0.0)
    usual = (table.reference * table.predicted).sum(axis=1)
    unit = float(usual.mean()) or 1.0
    more = (table.gain * table.predicted).sum(axis=1) / unit
    room = float(((_dearest(table) * table.predicted).sum(axis=1) - usual).mean()) / unit
    bounds = (0.0, float(np.max(table.reward)))
    drawn = estimate(table, confidence=sure, bounds=bounds).times(1.0 / unit)
    by_tier = float(more.mean())
    off = NormalDist().inv_cdf((1.0 + sure) / 2.0) * float(more.std()) / sqrt(len(more))
    topped_up = min(max(by_tier / room, 0.0), 1.0) if room > 0 else 0.0
    return _Spending(drawn, by_tier, by_tier - off, topped_up)


def _dearest(table: Table) -> Floats:
    """Of each row the dearest tier that could have been drawn, for sure."""
    costs = np.where(table.propensity > 0, table.predicted, -np.inf)
    return np.asarray(np.eye(costs.shape[1])[costs.argmax(axis=1)])


def _topped_up(cases: _Cases, share: float) -> Table:
    """The policy in force with so much of the requests sent to the dearest tier instead."""
    if not share:
        return cases.quality
    spent = (1.0 - share) * cases.quality.reference + share * _dearest(cases.cost)
    return replace(cases.quality, reference=spent)


def _only(table: Table, rows: NDArray[np.bool_]) -> Table:
    return Table(
        table.chosen[rows],
        table.reward[rows],
        table.propensity[rows],
        table.target[rows],
        table.reference[rows],
        table.predicted[rows],
    )


def _all_possible(
    wanted: Sequence[Mapping[str, float]],
    possible: Sequence[Mapping[str, float]],
    tiers: Sequence[str],
) -> list[Mapping[str, float]]:
    return [_possible(*each, tiers) for each in zip(wanted, possible, strict=True)]


def _possible(
    wanted: Mapping[str, float], possible: Mapping[str, float], tiers: Sequence[str]
) -> Mapping[str, float]:
    """The same chances, those of tiers that could not be drawn carried to the nearest that could.

    So a policy is judged by what it would do within one step of what was done: what a gate keeps
    out, and what lies further away, was never tried. The higher of two that are equally near.
    """
    if wanted.keys() <= possible.keys():
        return wanted
    level = {tier: at for at, tier in enumerate(tiers)}
    found = dict.fromkeys(possible, 0.0)
    for tier, chance in wanted.items():
        at = level.get(tier, len(tiers) - 1)
        found[min(found, key=lambda other: (abs(level[other] - at), -level[other]))] += chance
    return found


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _contested(table: Table) -> int:
    """Rows for which the two would mostly choose another tier."""
    return int((table.target.argmax(axis=1) != table.reference.argmax(axis=1)).sum())


def _decided(each: Evidence) -> str:
    return each.decided or each.tier


def _drawn(each: Evidence) -> bool:
    """Another tier might have been chosen."""
    return 0.0 < each.propensities.get(_decided(each), 0.0) < 1.0


def _when(each: Evidence) -> tuple[datetime, str]:
    return each.time, each.request_id


class _Spending(msgspec.Struct, frozen=True):
    """The candidate's cost less that in force, as shares of the latter."""

    #: By what the outcomes cost.
    drawn: Estimate
    #: By what the tiers cost on average, and the least that this may be.
    by_tier: float
    by_tier_low: float
    #: The share of requests at the highest tier that what is in force could have for as much.
    topped_up: float


def _verdict(quality: Estimate, spent: _Spending, *, nothing_lost: bool) -> tuple[bool, str]:
    same = spent.by_tier <= SAME_COST and spent.by_tier_low <= 0 and spent.drawn.low <= 0
    cheaper = spent.drawn.high < 0
    by = f"quality {_said(quality)}, cost {_said(spent.drawn, percent=True)}"
    if quality.low > 0 and same and not cheaper:
        return True, f"better at the same cost: {by}"
    if cheaper and nothing_lost:
        what = "better, and cheaper" if quality.low > 0 else "cheaper at the same quality"
        return True, f"{what}: {by}"
    return False, f"kept: {_kept(quality, spent.drawn)}: {by}"


def _kept(quality: Estimate, cost: Estimate) -> str:
    if quality.low > 0 and cost.high >= 0:
        return "better, but dearer"
    if quality.high < 0:
        return "worse"
    if quality.unknown > 0.4 * (quality.high - quality.value):
        return "it would do what was hardly ever tried"
    if cost.high < 0:
        return "cheaper, but ratings don't show that nothing is lost"
    return f"that it is better can't be told from {quality.n} outcomes"


def _said(found: Estimate, *, percent: bool = False) -> str:
    form = "{:+.0%} ({:+.0%} to {:+.0%})" if percent else "{:+.3f} ({:+.3f} to {:+.3f})"
    return form.format(found.value, found.low, found.high)
