"""Fits the cache's verifier of pairs: `python -m train.pairs [--minilm DIR] [--check]`.

Writes `src/pointsman/data/pairs.json`, bit for bit the same from the same pairs and the same
arithmetic of the processor; `--check` compares instead of writing. `python -m train.pairs_measure`
measures what it is worth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from pointsman.cache.guard import Guard
from pointsman.cache.pair import NAMES
from pointsman.cli.progress import SILENT, Display
from pointsman.data import read_guard
from pointsman.embedding.reader import NAME
from pointsman.weights import WeightsStore
from train.pairs_rows import Embedded, Table, read_prompts, table
from train.pairs_steps import Additive, Floats, Shape, fitted

WEIGHTS = Path(__file__).parents[1] / "src/pointsman/data/pairs.json"
VERSION = "1"
SHAPE = Shape(rounds=500, rate=0.1, rows=300, ridge=5.0)
#: A higher cosine never makes a pair less likely to serve.
RISING = [name == "similarity" for name in NAMES]
#: What pairs of prompts with made-up edits count for, beside everyday questions.
_EDITED = 0.3
#: The operating point: where nine of ten questions of people are served right, by their labels.
THRESHOLD, FLOOR = 0.882, 0.82
_FOLDS, _DIGITS = 5, 4


def worth(group: str) -> float:
    """What a group of pairs counts for."""
    return _EDITED if group.startswith("edited") else 1.0


def fit(learned: Table, display: Display = SILENT) -> str:
    """The weights as the file holds them; calibrated on prompts that were left out in turn."""
    fold = np.array([pair.prompts % _FOLDS for pair in learned.pairs])
    odds = np.zeros(len(fold))
    for left_out in display.each("fitting folds", range(_FOLDS)):
        there = fold == left_out
        odds[there] = _learned(learned, ~there).odds(learned.values[there])
    slope, intercept = _calibration(odds, learned)
    return written(_learned(learned, fold >= 0), slope, intercept)


def written(model: Additive, slope: float, intercept: float) -> str:
    """A model as the file holds it, once its odds are multiplied and raised."""
    head = {
        "version": VERSION,
        "embedder": NAME,
        "threshold": THRESHOLD,
        "floor": FLOOR,
        "intercept": round(slope * model.start + intercept, _DIGITS),
    }
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    scaled = [steps.scaled(slope, _DIGITS) for steps in model.steps]
    features = [
        f'  "{name}": {{\n   "bounds": {steps.bounds.tolist()},\n   "odds": {steps.odds.tolist()}\n  }}'
        for name, steps in zip(NAMES, scaled, strict=True)
    ]
    lines.append(' "features": {\n' + ",\n".join(features) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _learned(learned: Table, rows: NDArray[np.bool_]) -> Additive:
    return fitted(learned.values[rows], learned.label[rows], learned.weight[rows], RISING, SHAPE)


def _calibration(odds: Floats, learned: Table) -> tuple[float, float]:
    """Slope and intercept that make probabilities of log-odds (Platt), by Newton's steps."""
    design = np.column_stack([odds, np.ones(len(odds))])
    found = np.array([1.0, 0.0])
    for _ in range(12):
        chance = 1.0 / (1.0 + np.exp(-(design @ found)))
        slope = design.T @ (learned.weight * (learned.label - chance))
        curve = (design * (learned.weight * chance * (1.0 - chance))[:, None]).T @ design
        found += np.linalg.solve(curve, slope)
    return float(found[0]), float(found[1])


def minilm_folder(named: str | None) -> Path:
    """Where MiniLM's weights are. Raises FileNotFoundError, which says how to get them."""
    if named is not None:
        return Path(named)
    found = WeightsStore(Path(platformdirs.user_data_dir("pointsman"))).find("minilm")
    if found is None:
        raise FileNotFoundError("there are no weights of MiniLM: pointsman models pull minilm")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, and write or compare; 1 where the comparison fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minilm", help="the folder that holds MiniLM's weights")
    parser.add_argument("--check", action="store_true", help="compare with the file in the package")
    options = parser.parse_args(arguments)
    embedded = Embedded(minilm_folder(options.minilm))
    with Display() as display:
        learned = table(read_prompts(), embedded, Guard.parse(read_guard()), worth, display)
        text = fit(learned, display)
    sys.stdout.write(f"{len(learned.pairs)} pairs\n")
    if not options.check:
        WEIGHTS.write_text(text, encoding="utf-8")
        return 0
    same = WEIGHTS.read_text(encoding="utf-8") == text
    sys.stdout.write(f"{WEIGHTS.name}: {'as fitted' if same else 'differs from what was fitted'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
