"""Serve labelled rows as traffic, learn from them, and score others by what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from pointsman import data
from pointsman.assembly import rules
from pointsman.feedback.belief import Belief
from pointsman.feedback.features import Features
from pointsman.feedback.replay import STRONG, WEAK, Labelled, Run, Serving, replay
from pointsman.proof.rows import Event, Prompt
from pointsman.routing.policy import TWO_TIERS
from pointsman.scoring.meaning import Meaning
from pointsman.types import Score, Turn


class Rehearsed(msgspec.Struct, frozen=True):
    """What happened, and how the other rows are scored now; in their order, 0-100."""

    run: Run
    scores: list[float]


def rehearse(
    events: Sequence[Event],
    rank: Sequence[Prompt],
    *,
    seed: int,
    even: float | None,
    rated: float = 1.0,
    flipped: float = 0.0,
) -> Rehearsed:
    """Serve `events` in random order, beginning with what ships; nothing is kept.

    The strong model answers with chance `even`; where that is None, the score chooses as it does in
    the gateway, and the usual share of requests is drawn to learn from. `rated` and `flipped` as in
    `Serving`.
    """
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    features = Features(Meaning.parse(data.read_meaning()))
    served = [_labelled(row, features) for row in events]
    random.shuffle(served)
    serving = Serving(
        rules.learned().thresholds[TWO_TIERS], even=even, rated=rated, flipped=flipped
    )
    run = replay(served, Belief.read(data.read_belief()), serving, random)
    return Rehearsed(run, [_scored(row.prompt, run.belief, features) for row in rank])


def _labelled(row: Event, features: Features) -> Labelled:
    score = _cold(row.prompt)
    measured = features.of(score, row.prompt)
    quality = {WEAK: row.weak_score, STRONG: row.strong_score}
    return Labelled(measured, features.pack(measured), score.value, quality)


def _scored(prompt: str, belief: Belief, features: Features) -> float:
    score = _cold(prompt)
    return belief.predict(features.of(score, prompt), score.value).score


def _cold(prompt: str) -> Score:
    return rules.learned().score((Turn("user", prompt),))
