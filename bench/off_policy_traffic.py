"""Traffic whose truth is known: labelled rows of two models, routed and explored as the product does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pointsman.feedback import explore
from pointsman.feedback.evaluate import Table
from pointsman.feedback.expected import Expected
from pointsman.types import Evidence

Floats = NDArray[np.float64]
TIERS = ("simple", "complex")
SOURCES = ("routellm_mmlu", "llmrouter_mix", "alpacaeval2_1b", "mmlupro_llama8b_70b")
#: What a call of the weak model costs, of one of the strong model; and how much calls vary.
WEAK_COST, VARIES = 0.05, 0.8
BOUND = 60.0
WORDS = 64
FOLDS = 5
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Phase:
    """How much is explored: the share that may be drawn, and within how many points of doubt."""

    name: str
    share: float
    spread: float


#: What ships, once it is sure of its scores and before; and what it may be widened to.
PHASES = (Phase("settled", 0.05, 8.0), Phase("cold", 0.05, 40.0), Phase("widened", 0.3, 40.0))


@dataclass(frozen=True, slots=True)
class Source:
    """Labelled rows: what each model's answer was worth, 0-1, and the score by which it is routed."""

    name: str
    weak: Floats
    strong: Floats
    score: Floats
    #: How often each word occurs, hashed into so many columns: rows x `WORDS`.
    words: NDArray[np.float32]

    def value(self, up: Floats) -> float:
        """The true quality of a policy that sends each row up with these chances."""
        return float((up * self.strong + (1.0 - up) * self.weak).mean())


def load(folder: Path, names: Sequence[str]) -> list[Source]:
    """Raises FileNotFoundError where a file is not there."""
    return [_source(folder, name) for name in names]


def _source(folder: Path, name: str) -> Source:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    words = np.zeros((len(rows), WORDS), dtype=np.float32)
    for at, row in enumerate(rows):
        for word in row["prompt"].lower().split():
            words[at, crc32(word.encode()) % WORDS] += 1
    length = np.array([len(row["prompt"]) for row in rows], dtype=np.float64)
    return Source(
        name,
        np.array([row["weak_score"] for row in rows], dtype=np.float64),
        np.array([row["strong_score"] for row in rows], dtype=np.float64),
        100.0 * ranks(length),
        np.log1p(words),
    )


def ranks(values: Floats) -> Floats:
    """0-1, by order."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") / len(values)


def candidate(source: Source, gain: float, share: float, rng: np.random.Generator) -> Floats:
    """Who is sent up (1 or 0 each), such that the true quality is so much above that in force.

    As far as it can be: a mixture of the truth and of noise, found by halving.
    """
    noise, gap = rng.normal(size=len(source.weak)), source.strong - source.weak
    wanted = source.value(in_force(source)) + gain
    low, high = -4.0, 4.0
    for _ in range(30):
        middle = (low + high) / 2.0
        up = (ranks(middle * gap + noise) >= 1.0 - share).astype(np.float64)
        low, high = (middle, high) if source.value(up) < wanted else (low, middle)
    return up


def in_force(source: Source) -> Floats:
    """Who is sent up by the policy in force."""
    return (source.score >= BOUND).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests drawn from a source, and what came of them."""

    rows: NDArray[np.intp]
    #: How likely each was to be sent up, whether it was, and its quality and cost.
    chance: Floats
    up: NDArray[np.bool_]
    quality: Floats
    cost: Floats

    def evidence(self, source: Source) -> list[Evidence]:
        """As the product has it; a row's number stands for its features."""
        return [
            Evidence(
                request_id=f"r{at:06}",
                time=BEGUN + timedelta(minutes=at),
                tier=TIERS[int(self.up[at])],
                features=str(row),
                cold=float(source.score[row]),
                quality=float(self.quality[at]),
                trust=1.0,
                cost=Decimal(repr(round(float(self.cost[at]), 6))),
                propensities=chances(float(self.chance[at])),
            )
            for at, row in enumerate(self.rows)
        ]


class Exploring:
    """How likely the product sends a request up: its own function, in steps of a point and of .005."""

    def __init__(self, phase: Phase) -> None:
        """Asked for every score from 0 to 100, and all that its account may allow."""
        self.share = phase.share
        self._most = np.linspace(0.0, explore.MOST, 101)
        self._up = np.array(
            [[_up(score, phase, most) for most in self._most] for score in range(101)]
        )

    def chances(self, scores: Floats) -> Floats:
        """For requests one after the other, by the account of each run: runs x requests."""
        account = explore.Account(self.share, 1.0)
        credit, found = np.full(len(scores), account.most - self.share), np.empty_like(scores)
        for at in range(scores.shape[1]):
            most = np.minimum(credit + self.share, explore.MOST)
            step = np.floor(most / explore.MOST * 100.0).astype(np.intp)
            up = self._up[np.floor(scores[:, at]).astype(np.intp), step]
            drawn = np.minimum(up, 1.0 - up)
            credit = np.clip(credit + self.share - drawn, 0.0, explore.MOST)
            found[:, at] = up
        return found


def _up(score: float, phase: Phase, most: float) -> float:
    bounds = {TIERS[0]: 0.0, TIERS[1]: BOUND}
    choice = explore.Choice(TIERS[int(score >= BOUND)], score, [phase.spread], bounds)
    found = explore.probabilities(choice, TIERS, share=phase.share, most=most)
    return found.get(TIERS[1], 0.0)


def traffic(
    source: Source, count: int, phase: Phase, runs: int, rng: np.random.Generator
) -> Iterator[Traffic]:
    """Runs of requests that the policy in force routed and exploration drew."""
    rows = rng.integers(0, len(source.weak), (runs, count))
    found = Exploring(phase).chances(source.score[rows])
    for row, chance in zip(rows, found, strict=True):
        up = rng.random(count) < chance
        cost = np.where(up, 1.0, WEAK_COST) * rng.lognormal(-(VARIES**2) / 2, VARIES, count)
        yield Traffic(row, chance, up, np.where(up, source.strong[row], source.weak[row]), cost)


def chances(up: float) -> dict[str, float]:
    """By tier; one that is certain is alone."""
    found = {TIERS[0]: 1.0 - up, TIERS[1]: up}
    return {tier: chance for tier, chance in found.items() if chance > 0.0}


def table(source: Source, seen: Traffic, target: Floats, reference: Floats | None) -> Table:
    """For an estimate; what is expected of each row was fitted on the other blocks of time."""
    chosen, cold = seen.up.astype(np.intp), source.score[seen.rows]
    predicted = np.empty((len(chosen), len(TIERS)))
    for block in np.array_split(np.arange(len(chosen)), FOLDS):
        others = np.ones(len(chosen), dtype=bool)
        others[block] = False
        line = Expected(chosen[others], cold[others], seen.quality[others], len(TIERS))
        predicted[block] = line.of(cold[block])
    held = np.zeros_like(predicted) if reference is None else _both(reference[seen.rows])
    wanted = _both(target[seen.rows])
    return Table(chosen, seen.quality, _both(seen.chance), wanted, held, predicted)


def _both(up: Floats) -> Floats:
    return np.column_stack([1.0 - up, up])


def _sure(up: float) -> Mapping[str, float]:
    return {TIERS[0]: 1.0 - float(up), TIERS[1]: float(up)}


class Fixed:
    """A policy that was not learned: who is sent up, by the row's number."""

    def __init__(self, up: Floats) -> None:
        """1 or 0 for each row."""
        self._up = up.tolist()

    def probabilities(self, evidence: Evidence) -> Mapping[str, float]:
        """See `promote.Policy`."""
        return _sure(self._up[int(evidence.features)])


class Memory:
    """A learner that knows by heart what was good, and sends everything else up as before."""

    def __init__(self, seen: Sequence[Evidence], before: Floats) -> None:
        """What it saw, and what it falls back to."""
        self._before = Fixed(before)
        self._best = {
            each.features: each.tier if each.quality >= 0.5 else _other(each.tier) for each in seen
        }

    def probabilities(self, evidence: Evidence) -> Mapping[str, float]:
        """See `promote.Policy`."""
        known = self._best.get(evidence.features)
        return self._before.probabilities(evidence) if known is None else {known: 1.0}


def _other(tier: str) -> str:
    return TIERS[1 - TIERS.index(tier)]
