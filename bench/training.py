"""What `pointsman train --from-ledger` is worth, on labelled rows as traffic.

``python -m bench.training [--data DIR] [--runs N]`` prints one line per source. Its rows are asked
in random order of two tiers, the weakest model of the source and the strongest: the better-scored
half goes up, but for the share that is drawn. Of each row only the answer that was given is
rated. Weights are fitted to the first four fifths and proven on the last, as the command does it;
then both orders are measured by APGR on all rows that nothing was fitted to.

The shipped weights were fitted to some of these sources, with both models' answers known.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from train.data import Source, data_folder, load

from pointsman import data
from pointsman.assembly import rules
from pointsman.feedback.features import PARTS
from pointsman.feedback.fitting import Floats, Model, Outcomes, Weights, fit, log_odds, prove
from pointsman.types import Turn

DRAWN = (0.05, 0.2)
MOST_SCORED, MOST_ASKED = 6_000, 4_000
LEAST_ROWS, LEAST_GAP = 400, 0.03
HELD_OUT = 5


@dataclass(frozen=True)
class Rows:
    """A source as numbers, one row per prompt."""

    name: str
    parts: Floats
    score: Floats
    weak: Floats
    strong: Floats

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True)
class Run:
    """How one went."""

    proven: bool
    #: APGR by the new weights less that by the old ones.
    better: float


def rows(source: Source, old: Weights) -> Rows | None:
    """Score a source's rows; None where it has few, or hardly a gap between its models."""
    models = sorted(source.rows[0].scores)
    scores = np.array([[row.scores[model] for model in models] for row in source.rows])
    scores = scores[:, np.argsort(scores.mean(axis=0), kind="stable")]
    weak, strong = scores[:, 0], scores[:, -1]
    if len(weak) < LEAST_ROWS or strong.mean() - weak.mean() < LEAST_GAP:
        return None
    which = np.random.default_rng(0).permutation(len(weak))[:MOST_SCORED]
    scored = [rules.learned().score((Turn("user", source.rows[at].prompt),)) for at in which]
    points = np.array([[each.parts.get(part, 0.0) for part in PARTS] for each in scored])
    value = np.array([each.value for each in scored])
    parts = log_odds(points, old.failing[0])
    return Rows(source.name, parts, value, weak[which], strong[which])


def run(rows: Rows, old: Weights, drawn: float, seed: int) -> Run:
    """Ask, learn, prove, measure."""
    rng = np.random.default_rng(seed)
    asked = rng.permutation(len(rows))[:MOST_ASKED]
    up = rows.score[asked] >= np.quantile(rows.score, 0.5)
    goes_up = rng.random(len(asked)) < np.where(up, 1 - drawn, drawn)
    outcomes = Outcomes(
        parts=rows.parts[asked],
        level=goes_up.astype(float),
        quality=np.where(goes_up, rows.strong[asked], rows.weak[asked]),
        trust=np.ones(len(asked)),
        lowest=np.where(up, drawn, 1 - drawn),
    )
    earlier, later = outcomes.cut(HELD_OUT)
    new = fit(earlier, old)
    rest = np.setdiff1d(np.arange(len(rows)), asked[: len(earlier)])
    after, before = (rows.parts[rest] @ each.factors for each in (new, Model.of(old)))
    weak, strong = rows.weak[rest], rows.strong[rest]
    better = apgr(after, weak, strong) - apgr(before, weak, strong)
    return Run(prove(later, new, old).holds, better)


def apgr(order: Floats, weak: Floats, strong: Floats) -> float:
    """The share of the gap that is recovered, over all shares of traffic that go up."""
    gained = (strong - weak)[np.argsort(-order, kind="stable")]
    curve = np.concatenate([[0.0], np.cumsum(gained)]) / gained.sum()
    return float(curve.mean())


def lines(folder: str | None, runs: int) -> Iterator[str]:
    """One for each source and share, then the sums."""
    old = Weights.parse(data.read_learned())
    known = [made for source in load(data_folder(folder)) if (made := rows(source, old))]
    every: list[Run] = []
    for drawn in DRAWN:
        for each in known:
            made = [run(each, old, drawn, seed) for seed in range(runs)]
            every += made
            better = [one.better for one in made]
            yield (
                f"{drawn:4.0%} drawn  {each.name:28} {min(len(each), MOST_ASKED):5} asked"
                f"  {np.mean(better):+.4f} APGR ({min(better):+.3f} to {max(better):+.3f})"
                f"  proven {sum(one.proven for one in made)} of {runs}"
            )
    proven = sorted(round(each.better, 3) for each in every if each.proven)
    yield f"mean {np.mean([each.better for each in every]):+.4f}; proven: {proven} of {len(every)}"


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder with routing/")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for line in lines(options.data, options.runs):
        print(line, flush=True)


if __name__ == "__main__":
    main()
