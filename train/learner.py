"""Fit what the learner believes before any outcome: `python -m train.learner [--data DIR] [--check]`.

Writes `src/pointsman/data/belief.json`, the same bytes on every run with the same word vectors.
Fitted are the usual scores, and the directions: for each source that may ship, along which axis of
the meaning its weak and its strong models' outcomes differ most (ridge regression). The settings
were chosen by `train/learner_ablations.json`. `--check` compares with what is there instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from pointsman.assembly import rules
from pointsman.data import read_meaning
from pointsman.feedback.belief import Belief
from pointsman.feedback.gathered import Gathered
from pointsman.feedback.prior import Prior, Variances
from pointsman.scoring.meaning import Meaning
from pointsman.types import SHIPPED, Turn
from train.data import Source, data_folder, load

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

WRITTEN = Path(__file__).parents[1] / "src" / "pointsman" / "data" / "belief.json"
VERSION = "1"
RIDGE = 10.0
HARDER = (0.15, 0.08)
AGREEMENT = 0.7
VARIANCES = Variances(level=0.1, cold=0.005, parts=0.003, meaning=0.05, directions=0.05)
MEANS = (0.45, 0.75)
PATIENCE, HALF_LIFE, POOLED = 100.0, 300.0, 50.0
_DIGITS = 4


def fit(sources: Sequence[Source], cold: Callable[[str], float]) -> Belief:
    """From labelled rows, and the score that prompts have by a scorer that saw no others."""
    directions = [each for source in sources for each in _directions(source)]
    usual, unit = _usual(sources, cold)
    prior = Prior(
        VERSION,
        round(usual, _DIGITS),
        round(unit, _DIGITS),
        HARDER,
        AGREEMENT,
        VARIANCES,
        tuple(tuple(np.round(each, _DIGITS).tolist()) for each in directions),
        MEANS,
        PATIENCE,
        HALF_LIFE,
        POOLED,
    )
    return Belief(prior, SHIPPED, (), Gathered.nothing(0, prior.size))


def _directions(source: Source) -> list[Array]:
    """Weights of the meaning for how the weaker and how the stronger half of the models do.

    As long as it takes for what they say of the source's prompts to have a variance of 1.
    """
    rows = np.array([meant(row.prompt) for row in source.rows])
    rows -= rows.mean(axis=0)
    models = sorted(source.rows[0].scores)
    scores = np.array([[row.scores[model] for model in models] for row in source.rows])
    scores = scores[:, np.argsort(scores.mean(axis=0), kind="stable")]
    half = max(1, len(models) // 2)
    products = rows.T @ rows + RIDGE * np.eye(rows.shape[1])
    found = []
    for quality in (scores[:, :half].mean(axis=1), scores[:, -half:].mean(axis=1)):
        weights = np.linalg.solve(products, rows.T @ (quality - quality.mean()))
        found.append(weights / (rows @ weights).std())
    return found


def _usual(sources: Sequence[Source], cold: Callable[[str], float]) -> tuple[float, float]:
    """Mean log-odds of a score, and their deviation within a source; families count alike."""
    families: dict[str, list[tuple[float, float]]] = {}
    for source in sources:
        scores = np.array([cold(row.prompt) for row in source.rows]) / 100
        odds = np.log(scores / (1 - scores))
        families.setdefault(source.family, []).append((float(odds.mean()), float(odds.var())))
    found = np.mean([np.mean(each, axis=0) for _, each in sorted(families.items())], axis=0)
    return float(found[0]), float(np.sqrt(found[1]))


@cache
def meant(prompt: str) -> tuple[float, ...]:
    """The prompt's meaning; the same prompt stands in several sources."""
    return tuple(map(float, _meaning().of(prompt)))


@cache
def _meaning() -> Meaning:
    return Meaning.parse(read_meaning())


def written(belief: Belief) -> str:
    """As the file holds it."""
    return msgspec.json.format(belief.write(), indent=1) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write, or check; 1 where the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder with routing/")
    parser.add_argument("--check", action="store_true", help="compare with the file in the package")
    options = parser.parse_args(arguments)
    shipped = [source for source in load(data_folder(options.data)) if source.may_ship]
    scorer = rules.learned()
    text = written(fit(shipped, lambda prompt: scorer.score([Turn("user", prompt)]).value))
    if not options.check:
        WRITTEN.write_text(text, encoding="utf-8")
        return 0
    same = WRITTEN.read_text(encoding="utf-8") == text
    sys.stdout.write(f"{WRITTEN.name}: {'as fitted' if same else 'differs from what was fitted'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
