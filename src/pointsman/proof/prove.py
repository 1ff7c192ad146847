"""The proof: every contender and every control, on every source, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from pointsman.proof import SHUFFLED, controls
from pointsman.proof.calibrating import calibration_errors
from pointsman.proof.figures import Figure, Line, Proof, Source, mean_source
from pointsman.proof.ground import Ground
from pointsman.proof.metrics import Floats
from pointsman.proof.rows import Row
from pointsman.proof.spending import KeptShare, MakeSpender, budget_error

#: Replicates of the bootstrap.
REPLICATES = 200
MEAN, MEAN_ANSWERED = "mean", "mean where replies are known"

Scores = Mapping[str, Floats]
#: Hears what is being done, how much of it is done, and how much there is to do.
Tell: TypeAlias = Callable[[str, int, int], None]


class Contender(msgspec.Struct, frozen=True):
    """A router, or a part of one."""

    #: 0-100, higher is sooner to the strong model: how likely it is that the weak one won't do.
    score: Callable[[Row], float]
    #: From which score it sends to the strong model when nobody configures anything.
    threshold: float
    #: It judges the weak model's reply, and is only measured on sources that have some.
    judges_replies: bool = False


def measure(
    rows: Sequence[Row],
    contenders: Mapping[str, Contender],
    *,
    spender: MakeSpender = KeptShare,
    seed: int = 0,
    replicates: int = REPLICATES,
    tell: Tell = lambda *_: None,
) -> Proof:
    """Score every row once, and measure; the same seed gives the same proof.

    `spender` makes what keeps a budget; `tell` hears how far it is. A contender that judges
    replies scores a row without one as it can. Without `means` no source had a gap.
    """
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    scores = _all_scored(by_source.values(), contenders, tell)
    steps = _Steps("measuring", sum(len(each) + 1 for each in scores), tell)
    sources = []
    for place, (name, its_rows) in enumerate(by_source.items()):
        rng = np.random.default_rng((seed, place))
        ground = Ground.of(its_rows, replicates, rng)
        lines: dict[str, Line] = {}
        if ground.has_gap:
            following = _following(scores, place)
            lines = _contending(
                ground, contenders, scores[place], following, spender=spender, rng=rng, steps=steps
            )
            lines |= _controls(ground, its_rows)
        steps.done(1 if lines else len(scores[place]) + 1)
        weak, strong = float(ground.weak.mean()), float(ground.strong.mean())
        sources.append(Source(name, len(its_rows), weak, strong, lines))
    return Proof(sources, _means(sources))


class _Steps:
    """One phase of the work, counted."""

    def __init__(self, phase: str, total: int, tell: Tell) -> None:
        self._phase, self._total, self._tell = phase, total, tell
        self._done = 0
        self.done(0)

    def done(self, steps: int = 1) -> None:
        """So many more."""
        self._done += steps
        self._tell(self._phase, self._done, self._total)


def _all_scored(
    sources: Collection[Sequence[Row]], contenders: Mapping[str, Contender], tell: Tell
) -> list[Scores]:
    steps = _Steps("scoring rows", sum(map(len, sources)), tell)
    return [_scored(each, contenders, steps) for each in sources]


def _scored(rows: Sequence[Row], contenders: Mapping[str, Contender], steps: _Steps) -> Scores:
    answered = any(row.weak_answer is not None for row in rows)
    taking_part = {
        name: each for name, each in contenders.items() if answered or not each.judges_replies
    }
    scores = {name: np.empty(len(rows)) for name in taking_part}
    for place, row in enumerate(rows):
        for name, contender in taking_part.items():
            scores[name][place] = contender.score(row)
        steps.done()
    return scores


def _following(scores: Sequence[Scores], place: int) -> Scores:
    """By contender: the scores of the next source that has some, after the last the first."""
    later = [*scores[place + 1 :], *scores[:place]]
    return {name: score for source in reversed(later) for name, score in source.items()}


def _contending(
    ground: Ground,
    contenders: Mapping[str, Contender],
    scores: Scores,
    following: Scores,
    *,
    spender: MakeSpender,
    rng: np.random.Generator,
    steps: _Steps,
) -> dict[str, Line]:
    """A line for each contender and for the shuffle of its decisions.

    `following` are the scores of the source that takes over in the middle of a shifted stream.
    """
    lines: dict[str, Line] = {}
    for name, score in scores.items():
        errors = calibration_errors(score / 100.0, ground.weak, rng)
        spent = {
            f"budget{share}": Figure(budget_error(spender, score, score, share / 100.0, rng))
            for share in (20, 50)
        }
        if name in following:
            after = following[name]
            spent |= {
                f"shifted{share}": Figure(budget_error(spender, score, after, share / 100.0, rng))
                for share in (20, 50)
            }
        lines[name] = Line(
            **ground.ranked(score),
            **ground.decided(score >= contenders[name].threshold),
            **errors,
            **spent,
            curve=ground.curve(score),
        )
        lines[name + SHUFFLED] = controls.shuffled(lines[name], ground.weak, ground.strong)
        steps.done()
    return lines


def _controls(ground: Ground, rows: Sequence[Row]) -> dict[str, Line]:
    length = controls.lengths(rows)
    weak, strong = ground.weak, ground.strong
    return {
        controls.LENGTH: Line(**ground.ranked(length), curve=ground.curve(length)),
        controls.RANDOM: controls.chance(weak, strong),
        controls.ALL_CHEAP: controls.constant(0.0, weak, strong),
        controls.ALL_STRONG: controls.constant(1.0, weak, strong),
        controls.ORACLE: Line(
            **ground.ranked(ground.gap),
            **ground.decided(ground.gap > 0.0),
            curve=ground.curve(ground.gap),
        ),
    }


def _means(sources: Sequence[Source]) -> list[Source]:
    """Over all sources with a gap, and, where fewer have replies, over those that have them."""
    known = [source for source in sources if source.lines]
    if not known:
        return []
    means = [mean_source(MEAN, known)]
    most = max(len(source.lines) for source in known)
    answered = [source for source in known if len(source.lines) == most]
    if len(answered) < len(known):
        means.append(mean_source(MEAN_ANSWERED, answered))
    return means
