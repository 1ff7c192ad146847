"""Labelled prompts served as if they were traffic, each seen only for the tier that it went to.

Pure, and nothing is kept: this measures the learner, beside other ways to choose. What is shared
with the gateway is all that matters: the score's tier and its bound, the draw of another one within
the same account of requests and money, and the belief, learned again every few outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from pointsman.feedback import drift, explore
from pointsman.feedback.belief import Belief
from pointsman.feedback.explore import Account, Choice
from pointsman.feedback.features import Measured, unpacked
from pointsman.feedback.learner import learn
from pointsman.feedback.prior import BEFORE
from pointsman.types import Evidence

TIERS = WEAK, STRONG = ("weak", "strong")
#: What a request costs, in units of what it costs in the weak tier.
PRICES = {WEAK: 1.0, STRONG: 10.0}
#: Outcomes after which it learns again.
EVERY = 25
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Labelled(msgspec.Struct, frozen=True):
    """A prompt of which it is known how well both tiers answer it."""

    measured: Measured
    #: `measured` as outcomes hold it.
    packed: str
    #: The shipped score, 0-100.
    cold: float
    #: By tier, 0-1.
    quality: dict[str, float]


class Serving(msgspec.Struct, frozen=True):
    """How prompts are served, and what is heard of it."""

    #: The lowest score that goes to the strong tier.
    bound: float
    #: Of requests that are drawn, and of what is spent that draws may add.
    share: float = 0.05
    cost: float = 0.05
    #: Instead of all that: how likely the strong tier is, whatever the score.
    even: float | None = None
    #: The share of answers that are rated, and of ratings that say the opposite.
    rated: float = 1.0
    flipped: float = 0.0


@dataclass(slots=True)
class Run:
    """What happened."""

    belief: Belief
    outcomes: list[Evidence] = field(default_factory=list)
    #: What the better answers would have had more, for each prompt.
    missed: list[float] = field(default_factory=list)
    #: What was spent, and how much of that draws added, in units of a request to the weak tier.
    spent: float = 0.0
    extra: float = 0.0
    #: When the last change of traffic or quality began that was noticed.
    drift: datetime | None = None


def replay(
    prompts: Sequence[Labelled],
    prior: Belief,
    serving: Serving,
    random: Random,
    run: Run | None = None,
) -> Run:
    """Serve prompts in this order, after those of `run` where it is given."""
    run = run or Run(prior)
    account = Account(serving.share, serving.cost)
    account.spend(run.spent, run.extra)
    for prompt in prompts:
        tier, chances = _served(prompt, run.belief, serving, account, random)
        run.missed.append(max(prompt.quality.values()) - prompt.quality[tier])
        if random.random() >= serving.rated:
            continue
        told = prompt.quality[tier]
        if random.random() < serving.flipped:
            told = 1.0 - told
        run.outcomes.append(_outcome(prompt, tier, told, chances, len(run.missed)))
        if len(run.outcomes) % EVERY == 0:
            _learn(run, prior)
    _learn(run, prior)
    run.spent, run.extra = account.spent, account.extra
    return run


def _learn(run: Run, prior: Belief) -> None:
    """As the gateway does: look whether something changed, then learn from all."""
    if len(run.outcomes) % drift.BLOCK == 0:

        def unpack(packed: str) -> Measured:
            return unpacked(packed, prior.prior.size - BEFORE)

        found = drift.look(run.outcomes, unpack, since=run.drift)
        run.drift = run.drift if found is None else found.time
    run.belief = learn(run.outcomes, TIERS, prior=prior, version="replay", since=run.drift)


def _served(
    prompt: Labelled, belief: Belief, serving: Serving, account: Account, random: Random
) -> tuple[str, dict[str, float]]:
    """The tier that it goes to, and how likely each was."""
    if serving.even is not None:
        chances = {WEAK: 1.0 - serving.even, STRONG: serving.even}
        tier = STRONG if random.random() < serving.even else WEAK
        account.spend(PRICES[tier])
        return tier, chances
    predicted = belief.predict(prompt.measured, prompt.cold)
    usual = STRONG if predicted.score >= serving.bound else WEAK
    dearer = max(PRICES[tier] - PRICES[usual] for tier in TIERS)
    admissible = TIERS if account.affords(dearer) else (usual, WEAK)
    chances = explore.probabilities(
        Choice(usual, predicted.score, predicted.spread, {WEAK: 0.0, STRONG: serving.bound}),
        admissible,
        share=account.share,
        most=account.most,
    )
    tier = explore.draw(f"{random.random()}", chances)
    account.count(1.0 - chances[usual], drawn=tier != usual)
    account.spend(PRICES[tier], PRICES[tier] - PRICES[usual])
    return tier, chances


def _outcome(
    prompt: Labelled, tier: str, told: float, chances: dict[str, float], number: int
) -> Evidence:
    return Evidence(
        request_id=f"req_{number}",
        time=_START + timedelta(seconds=number),
        tier=tier,
        features=prompt.packed,
        cold=prompt.cold,
        quality=told,
        trust=1.0,
        propensity=chances.get(tier),
    )
