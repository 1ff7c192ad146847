"""What needs numpy of learning: read what was learned, learn, and compare. Loaded late, in a thread.

Everything here is computed from what is handed in; the store is `learning`'s business.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from pointsman import data
from pointsman.feedback import drift, promote, quality, rule
from pointsman.feedback.belief import Belief
from pointsman.feedback.drift import Drift
from pointsman.feedback.features import Features
from pointsman.feedback.learner import learn
from pointsman.feedback.rule import Move, Standings
from pointsman.routing import thresholds
from pointsman.routing.policy import Policy
from pointsman.scoring.meaning import Meaning
from pointsman.stages.informing import Mind, Said
from pointsman.types import (
    SHIPPED,
    Evidence,
    Json,
    LearnerKind,
    LearningKind,
    Observed,
    Score,
    Version,
)

Measured: TypeAlias = NDArray[np.float32]
#: Lowest scores of tiers for a score.
Bounds: TypeAlias = Callable[[Score], Mapping[str, float]]
#: Characters of a version's id after its prefix.
_ID = 12


class Believing(msgspec.Struct, frozen=True):
    """What the bandit believes."""

    version: str
    until: datetime | None
    belief: Belief

    def say(self, measured: Measured, scored: Score) -> Said:
        """See `informing.Mind`."""
        predicted = self.belief.predict(measured, scored.value)
        return Said(predicted.score, predicted.spread, predicted.quality)


class Ruling(msgspec.Struct, frozen=True):
    """What the plain rule has come to."""

    version: str
    standings: Standings
    #: It knows of no doubt: the doubt is of what it was put on.
    shipped: Mind
    #: What moved it may judge: it makes the rule seem better than it is, never what follows it.
    until: None = None

    def say(self, measured: Measured, scored: Score) -> Said:
        """See `informing.Mind`. Drawn as before, so that a bandit that follows has evidence."""
        value = scored.value + rule.points(self.standings, scored.value, scored.domain)
        return Said(value, self.shipped.say(measured, scored).spread)


class Chooser(msgspec.Struct, frozen=True):
    """A version with the thresholds that it would have: it can choose a tier."""

    mind: Mind
    bounds: Bounds
    features: Features

    def probabilities(self, evidence: Evidence) -> Mapping[str, float]:
        """See `promote.Policy`: one tier for sure, exploration left out."""
        scored = score_of(self.mind, self.features, evidence)
        return {thresholds.tier_for(scored.value, self.bounds(scored)): 1.0}


class Found(msgspec.Struct, frozen=True):
    """What a comparison came to."""

    version: Version
    promote: bool
    #: For people: one line.
    why: str
    evidence: Mapping[str, Json]


class Teacher:
    """Reads what was learned, and learns. All but `measure` and `pack` may take seconds."""

    def __init__(
        self, features: Features, prior: Belief, policy: Policy, tiers: Sequence[str]
    ) -> None:
        """`prior` is what ships; `tiers` those with a deployment, the lowest first."""
        self._features = features
        self._prior = prior
        self._policy = policy
        self._tiers = tuple(tiers)
        #: What is believed where nothing was learned.
        self.shipped: Mind = Believing(SHIPPED, None, prior)

    def measure(self, scored: Score, text: str) -> Measured:
        """See `informing.Reader`."""
        return self._features.of(scored, text)

    def pack(self, measured: Measured) -> str:
        """See `informing.Reader`."""
        return self._features.pack(measured)

    def read(self, version: Version) -> Mind:
        """Raises ValueError, KeyError or TypeError where it is none that can be used."""
        if version.kind == "rule":
            return Ruling(version.id, rule.read(version.content), self.shipped)
        return Believing(version.id, version.time, Belief.read(version.content))

    def evidence(
        self, observed: Sequence[Observed], kind: LearningKind
    ) -> dict[str, list[Evidence]]:
        """What can be learned from, by organisation; under "" from all of them, oldest first.

        For the rule, signals say what they say as shipped: who rates is mostly who is unhappy, and
        what nobody rated must not count as poor for that. Left out is what a version of Pointsman
        with other features measured.
        """
        calibration = quality.SHIPPED if kind == "rule" else quality.calibrate(observed)
        found: dict[str, list[Evidence]] = defaultdict(list)
        for each in observed:
            for evidence in quality.evidence([each], calibration):
                if self._is_readable(evidence):
                    found[""].append(evidence)
                    found[each.organisation].append(evidence)
        return found

    def _is_readable(self, evidence: Evidence) -> bool:
        try:
            self._features.unpack(evidence.features)
        except ValueError:
            return False
        return True

    def is_due(
        self,
        evidence: Sequence[Evidence],
        in_force: Mind,
        *,
        before: int,
        looked: datetime | None,
        least: float,
    ) -> bool:
        """Whether there are enough new outcomes for another comparison, after one of so many then.

        And whether all that judge are `least`, weighted by trust: with fewer, nothing can be told.
        """
        judging = promote.judging(evidence, in_force.until)
        fresh = sum(looked is None or each.time > looked for each in judging)
        return promote.due(fresh, before) and sum(each.trust for each in judging) >= least

    def compare(
        self,
        organisation: str,
        evidence: Mapping[str, Sequence[Evidence]],
        in_force: Mind,
        *,
        look: int,
        least: float,
        since: datetime | None = None,
    ) -> Found:
        """A candidate for the organisation beside what is in force there.

        `since` is when the last drift began.
        """
        own = evidence[organisation]
        prior = self._prior_of(organisation, evidence)
        name = version_id(organisation, own, f"bandit {since} {prior.write()}")

        def fit(rows: Sequence[Evidence]) -> Chooser:
            belief = learn(rows, self._tiers, prior=prior, version=name, since=since)
            return self._chooser(Believing(name, None, belief), organisation, rows)

        found = promote.compare(
            own,
            self._chooser(in_force, organisation, own),
            fit,
            self._tiers,
            after=in_force.until,
            look=look,
            least=least,
        )
        said = found.as_json()
        content = learn(own, self._tiers, prior=prior, version=name, since=since).write()
        version = _version(name, organisation, own, "bandit", content, said)
        return Found(version, found.promote, found.why, said)

    def learned(self, evidence: Sequence[Evidence]) -> str:
        """A belief of these outcomes alone, see `Version.content`."""
        return learn(evidence, self._tiers, prior=self._prior, version="").write()

    def is_proven(self, in_force: Mind) -> bool:
        """Whether it was promoted: it is not what ships, nor what the plain rule has come to."""
        return in_force.version != SHIPPED and not isinstance(in_force, Ruling)

    def step(
        self, organisation: str, evidence: Sequence[Evidence], in_force: Mind, *, trust: float
    ) -> tuple[Version, Sequence[Move]] | None:
        """What the plain rule moves, see `rule.step`; None where it leaves all as it is."""
        standings = in_force.standings if isinstance(in_force, Ruling) else {}
        moves = rule.step(standings, evidence, self._tiers[-1], trust=trust)
        if not moves:
            return None
        content = rule.write(rule.moved(standings, moves))
        name = version_id(organisation, evidence, f"rule {content}")
        return _version(name, organisation, evidence, "rule", content, {}), moves

    def drift(self, evidence: Sequence[Evidence], since: datetime | None) -> Drift | None:
        """Whether traffic or quality is not what it was, since the last time."""
        return drift.look(evidence, self._features.unpack, since=since)

    def _prior_of(self, organisation: str, evidence: Mapping[str, Sequence[Evidence]]) -> Belief:
        """What the others' outcomes say, for an organisation's own to begin with."""
        own = {each.request_id for each in evidence[organisation]} if organisation else set()
        others = [each for each in evidence[""] if each.request_id not in own]
        if not organisation or not others:
            return self._prior
        return learn(others, self._tiers, prior=self._prior, version="others")

    def _chooser(self, mind: Mind, organisation: str, rows: Sequence[Evidence]) -> Chooser:
        return Chooser(mind, self._bounds(mind, organisation, rows), self._features)

    def _bounds(self, mind: Mind, organisation: str, rows: Sequence[Evidence]) -> Bounds:
        """Thresholds as routing has them; for shares those that would give these rows their share."""
        policy = self._policy
        escalate = policy.by_organisation.get(organisation, policy.escalate)
        present = frozenset(self._tiers)
        if escalate.share is None or not rows:
            return lambda scored: thresholds.bounds(
                policy.tiers, present, scored, escalate, policy.own(scored.scorer)
            )
        scores = [score_of(mind, self._features, each).value for each in rows]
        fixed = _shared(self._tiers, escalate.share, scores)
        return lambda _: fixed


def score_of(mind: Mind, features: Features, evidence: Evidence) -> Score:
    """The score that a version would have given."""
    cold = Score(evidence.cold, {}, "learned", "", domain=evidence.domain)
    if mind.version == SHIPPED:
        return cold
    said = mind.say(features.unpack(evidence.features), cold)
    return replace(cold, value=min(max(said.score, 0.0), 100.0), suffices=said.suffices)


def version_id(organisation: str, evidence: Sequence[Evidence], basis: str) -> str:
    """The same for the same evidence and what else it is made of, whoever learns from it."""
    seen = [(each.request_id, each.quality, each.trust) for each in evidence]
    digest = hashlib.sha256(msgspec.json.encode((organisation, seen, basis)))
    return f"v_{digest.hexdigest()[:_ID]}"


def _version(  # noqa: PLR0917 - a version's columns
    name: str,
    organisation: str,
    evidence: Sequence[Evidence],
    kind: LearnerKind,
    content: str,
    comparison: Mapping[str, Json],
) -> Version:
    last = max(evidence, key=lambda each: (each.time, each.request_id))
    return Version(
        id=name,
        organisation=organisation,
        time=last.time,
        kind=kind,
        content=content,
        outcomes=len(evidence),
        last=last.request_id,
        comparison=msgspec.json.encode(comparison).decode(),
    )


def _shared(
    tiers: Sequence[str], share: float | Mapping[str, float], scores: Sequence[float]
) -> dict[str, float]:
    """Thresholds by which the tiers above the first get their shares of these scores."""
    parts = share if isinstance(share, Mapping) else {tiers[-1]: share}
    bounds: dict[str, float] = {}
    above = 0.0
    for tier in reversed(tiers[1:]):
        above = min(above + parts.get(tier, 0.0), 1.0)
        bounds[tier] = float(np.quantile(scores, 1.0 - above)) if above else thresholds.NEVER
    return {tiers[0]: 0.0, **dict(reversed(bounds.items()))}


def teacher(policy: Policy, tiers: Sequence[str]) -> Teacher:
    """With what ships. Raises ConfigError or ValueError where that is damaged."""
    return Teacher(_features(), Belief.read(data.read_belief()), policy, tiers)


@lru_cache(maxsize=1)
def _features() -> Features:
    return Features(Meaning.parse(data.read_meaning()))
