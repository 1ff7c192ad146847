"""How well the learned scorer ranks what it has never seen: `python -m train.evaluate [--data DIR]`.

Leave-one-family-out: each source is scored by weights that were fitted without its family, and
without the questions that other families share with it. What is printed is the average
performance gap recovered (APGR, exact curve; chance is .500) beside that of the heuristic and of
the prompt's length, and how far chance alone strays (one standard deviation).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from pointsman.cli.progress import SILENT, Display
from pointsman.data import read_lexicons
from pointsman.proof.metrics import apgr, random_sd
from pointsman.scoring import HeuristicScorer, Lexicon
from pointsman.scoring.learned import LearnedScorer
from pointsman.types import Turn
from train.data import FAMILIES, Source, data_folder, leave_out, load
from train.scorer import Table, fit, replies, table, written

Figures = dict[str, dict[str, float]]


def without_families(
    folder: Path, sources: Sequence[Source], display: Display = SILENT
) -> dict[str, LearnedScorer]:
    """For each family a scorer that never saw it."""
    lexicon = Lexicon.parse(read_lexicons())
    shipped = [each for each in sources if each.may_ship]
    tables: dict[str, Table] = {
        each.name: table(each) for each in display.each("measuring sources", shipped)
    }
    scorers = {}
    for family in display.each("fitting without a family", sorted(set(FAMILIES.values()))):
        train, _ = leave_out(sources, family)
        kept = [_only(tables[each.name], each) for each in train]
        scorers[family] = LearnedScorer.parse(written(fit(kept, replies(folder, train))), lexicon)
    return scorers


def measure_all(folder: Path, sources: Sequence[Source], display: Display = SILENT) -> Figures:
    """The figures of every source."""
    heuristic = HeuristicScorer(Lexicon.parse(read_lexicons()))
    figures: Figures = {}
    scorers = without_families(folder, sources, display)
    for family, scorer in display.each("scoring families", scorers.items()):
        for source in sources:
            if source.family == family:
                figures[source.name] = figures_of(
                    source,
                    {
                        "learned": lambda text, scorer=scorer: (
                            scorer.score([Turn("user", text)]).value
                        ),
                        "heuristic": lambda text: heuristic.score([Turn("user", text)]).value,
                        "length": len,
                    },
                )
    return figures


def figures_of(source: Source, rankings: Mapping[str, Callable[[str], float]]) -> dict[str, float]:
    """The APGR of each ranking, and of chance its standard deviation."""
    weak = np.array([row.weak_score for row in source.rows])
    strong = np.array([row.strong_score for row in source.rows])
    scores = {
        name: np.array([float(rank(row.prompt)) for row in source.rows])
        for name, rank in rankings.items()
    }
    found = {name: apgr(weak, strong, score) for name, score in scores.items()}
    return {**found, "chance": random_sd(weak, strong, scores["learned"])}


def means(figures: Figures) -> dict[str, dict[str, float]]:
    """Over all sources, over those that are pairs, and over families."""
    by_family: dict[str, list[str]] = {}
    for name in figures:
        by_family.setdefault(FAMILIES[name], []).append(name)
    pairs = [name for name in figures if not name.endswith("_matrix")]
    columns = ("learned", "heuristic", "length")
    return {
        column: {
            "sources": _mean(figures[name][column] for name in figures),
            "pairs": _mean(figures[name][column] for name in pairs),
            "families": _mean(
                _mean(figures[name][column] for name in names) for names in by_family.values()
            ),
        }
        for column in columns
    }


def _mean(values: object) -> float:
    return float(np.mean(list(values)))


def _only(whole: Table, source: Source) -> Table:
    kept = {row.id for row in source.rows}
    rows = np.array([row.id in kept for row in whole.source.rows])
    return Table(source, whole.measures[rows], whole.target[rows], whole.failing[rows])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder with routing/ and answers/")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    folder = data_folder(options.data)
    with Display() as display:
        figures = measure_all(folder, load(folder), display)
    if options.json:
        sys.stdout.write(json.dumps({"sources": figures, "means": means(figures)}, indent=1) + "\n")
        return 0
    line = "{:28} {:>8} {:>10} {:>7} {:>7}\n"
    sys.stdout.write(line.format("source", "learned", "heuristic", "length", "chance"))
    for name, row in sorted(figures.items()):
        sys.stdout.write(
            line.format(
                name, *(f"{row[key]:.3f}" for key in ("learned", "heuristic", "length", "chance"))
            )
        )
    for kind in ("sources", "pairs", "families"):
        row = [f"{column[kind]:.4f}" for column in means(figures).values()]
        sys.stdout.write(line.format(f"mean over {kind}", *row, ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
