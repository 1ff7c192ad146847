"""What the semantic cache's decision is worth: `python -m train.pairs_measure [--data DIR]`.

Guard, floor, verifier and threshold as they ship, on labelled pairs that nothing was fitted on
(`shared/data/cache`), beside a bare cosine and the guard with a cosine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointsman.cache.guard import Guard
from pointsman.cache.verifier import PairVerifier
from pointsman.cli.progress import SILENT, Display
from pointsman.data import read_guard, read_pairs
from train.data import data_folder
from train.pairs import minilm_folder
from train.pairs_rows import Embedded

SETS = ("qqp", "mqp", "gsmplus", "own_adversarial", "cannot_negation", "mrpc")
#: The lowest cosine of pairs that are looked at; of QQP, recall is stated over pairs above it.
LEAST = {"qqp": 0.7}
#: Categories of gsmplus in which a number was changed.
NUMBERS = frozenset(
    {"numerical substitution", "digit expansion", "integer-decimal-fraction conversion"}
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled pair, and what each part of the decision says of it."""

    category: str
    serves: bool
    similarity: float
    objection: str | None
    probability: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a set of pairs."""

    pairs: int
    served: int
    #: Of what was served, the share that was right; of what is right, the share that was served;
    #: of what is wrong, the share that was served.
    precision: float
    recall: float
    traps: float


def labelled(
    folder: Path, name: str, embedded: Embedded, *, every: int = 1, display: Display = SILENT
) -> list[Labelled]:
    """One row in `every` of a set, judged. Raises FileNotFoundError."""
    guard, verifier = Guard.parse(read_guard()), PairVerifier.parse(read_pairs())
    found = []
    with gzip.open(folder / "cache" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, display.each(name, list(lines)[::every])):
            a, b = row["a"], row["b"]
            similarity = embedded.similarity(a, b)
            if similarity is None or similarity < LEAST.get(name, -1.0):
                continue
            probability = 0.0
            if similarity >= verifier.floor:
                alignment = embedded.alignment(a, b)
                probability = verifier.probability(a, b, similarity, alignment)
            found.append(
                Labelled(row["cat"], row["y"] == 1, similarity, guard.objection(a, b), probability)
            )
    return found


def figures(rows: Sequence[Labelled], serves: Callable[[Labelled], bool]) -> Figures:
    """Of a decision."""
    served = [row for row in rows if serves(row)]
    right = sum(row.serves for row in served)
    good = sum(row.serves for row in rows)
    return Figures(
        len(rows),
        len(served),
        right / len(served) if served else 1.0,
        right / good if good else 0.0,
        (len(served) - right) / (len(rows) - good) if len(rows) > good else 0.0,
    )


def decisions(verifier: PairVerifier) -> Mapping[str, Callable[[Labelled], bool]]:
    """What is compared, by name."""
    cosines = {
        f"cosine {bound}": lambda row, bound=bound: row.similarity >= bound
        for bound in (0.85, 0.92, 0.95)
    }
    guarded = {
        f"guard, {name}": lambda row, rule=rule: row.objection is None and rule(row)
        for name, rule in cosines.items()
    }

    def judged(row: Labelled) -> bool:
        return row.similarity >= verifier.floor and row.probability >= verifier.threshold

    return {
        **cosines,
        **guarded,
        "verifier without guard": judged,
        "as shipped": lambda row: row.objection is None and judged(row),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder that holds cache/")
    parser.add_argument("--minilm", help="the folder that holds MiniLM's weights")
    parser.add_argument("--sets", default=",".join(SETS), help="which, with commas")
    options = parser.parse_args(arguments)
    embedded = Embedded(minilm_folder(options.minilm))
    compared = decisions(PairVerifier.parse(read_pairs()))
    for name in options.sets.split(","):
        with Display("pairs") as display:
            rows = labelled(data_folder(options.data), name, embedded, display=display)
        sys.stdout.write(f"{name:24} pairs served precision recall traps served\n")
        parts = {"": rows}
        if name == "gsmplus":
            parts["numbers only, "] = [row for row in rows if row.category in NUMBERS]
        for part, some in parts.items():
            for decision, serves in compared.items():
                got = figures(some, serves)
                sys.stdout.write(
                    f"{part + decision:24} {got.pairs:5} {got.served:6}"
                    f" {got.precision:9.3f} {got.recall:6.3f} {got.traps:12.3f}\n"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
