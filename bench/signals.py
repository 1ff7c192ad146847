"""What signals tell of answers: `nice python -m bench.signals [--data DIR] [--json FILE]`.

Good and bad answers on file are measured as the gateway measures its own, with a verifier that
never saw anything of their family. For each model: how good its answers look to that verifier on
the whole (mean log-odds). For each signal: how often it says something, and the area under the ROC
curve where it does (the chance that of a good and a bad answer of the same model to the same source
the good one has more of it). Then what each is worth beside the others: by how much more often an
answer is good where a signal is 1 than where it is 0, least squares over all of them at once,
families alike; these figures, rounded, are `signals.TRUST`. An absent signal counts as 1/2.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from train.data import data_folder, load, question_key
from train.drafts import Graded, Preference, graded, preferences
from train.evidence import family_names
from train.verifier import SOURCES, fit

from pointsman.assembly import rules
from pointsman.calling.draft import Draft
from pointsman.calling.verify import Verifier, log_odds
from pointsman.feedback import signals
from pointsman.feedback.quality import SHIPPED
from pointsman.feedback.usual import Usual
from pointsman.stages.collecting import measured

Floats = NDArray[np.float64]
V = TypeVar("V")

#: What answers tell of themselves; the rest needs users or a clock.
NAMES = ("verdict", "length", "sure", "keywords", "form", "refusal", "cut_off", "broken")
#: The first answers of each model, of which nothing is usual yet.
WARM_UP = 50
PAIRS = ("autoj", "llmbar", "pandalm")
_RIDGE = 1.0
#: A signal below this speaks clearly against an answer.
_AGAINST = 0.2


@dataclass(frozen=True, slots=True)
class Told:
    """The signals of one model's answers, and which of them were good."""

    name: str
    family: str
    #: A column per signal; NaN where it says nothing.
    parts: Floats
    good: Floats
    #: The verifier's mean log-odds, before they are held beside what is usual.
    looks: float


def told(verifier: Verifier, each: Graded) -> Told:
    """Measure the answers of one model."""
    drafts = [Draft(row.prompt, text) for row, text in zip(each.rows, each.texts, strict=True)]
    parts, good = _parts(verifier, drafts)[WARM_UP:], (each.weak >= 0.5).astype(float)[WARM_UP:]
    looks = fmean(log_odds(verifier.look(draft).probability) for draft in drafts)
    return Told(each.name, each.family, parts, good, looks)


def _parts(verifier: Verifier, drafts: Sequence[Draft]) -> Floats:
    """A row for each, as if they came one after the other from one deployment."""
    usual, rows = Usual(), []
    for draft in drafts:
        found = measured(draft, verifier)
        parts = {} if found is None else signals.parts(found, usual.apart(found.kind, found.values))
        rows.append([parts.get(name, np.nan) for name in NAMES])
    return np.array(rows)


def verifiers(folder: Path) -> Iterator[tuple[Verifier, Sequence[Graded], Sequence[str]]]:
    """Per family, a verifier that never saw it; then one for each file of pairs."""
    drafts = [each for each in graded(load(folder, only=SOURCES)) if each.strong is not None]
    for family in family_names(drafts):
        asked = {question_key(row.prompt) for e in drafts if e.family == family for row in e.rows}
        known = [pair for pair in preferences(folder) if question_key(pair.prompt) not in asked]
        own = [each for each in drafts if each.family == family]
        yield _fitted([each for each in drafts if each.family != family], known), own, ()
    for name in PAIRS:
        known = preferences(folder, [each for each in PAIRS[1:] if each != name])
        yield _fitted(drafts, known), (), (name,)


def _fitted(drafts: Sequence[Graded], known: Sequence[Preference]) -> Verifier:
    unknown = {each.name: np.zeros(len(each.rows)) for each in drafts}
    return Verifier.parse(fit(drafts, known, unknown).written())


def auc(parts: Floats, good: Floats) -> float:
    """Where the signal says something; half where nothing can be told."""
    there = ~np.isnan(parts)
    one, other = parts[there & (good == 1)], parts[there & (good == 0)]
    if not len(one) or not len(other):
        return 0.5
    order = np.sort(other)
    below = np.searchsorted(order, one, "left") + np.searchsorted(order, one, "right")
    return float(below.mean() / (2 * len(other)))


def preferred(verifier: Verifier, folder: Path, name: str) -> tuple[Floats, Floats, Floats]:
    """The signals of both answers of each pair that has a better one, and which that is."""
    with gzip.open(folder / "answers" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["y"] != 0.5]
    drafts = [Draft(row["prompt"], str(row[side])) for side in ("a", "b") for row in rows]
    one, other = np.split(_parts(verifier, drafts), 2)
    better = np.array([row["y"] for row in rows])
    return one[WARM_UP:], other[WARM_UP:], better[WARM_UP:]


def chosen(one: Floats, other: Floats, better: Floats) -> float:
    """How often the better answer has more of a signal; ties count half."""
    gain = np.nan_to_num(one, nan=0.5) - np.nan_to_num(other, nan=0.5)
    return float(np.mean(np.where(gain == 0, 0.5, (gain > 0) == (better == 1))))


def worths(found: Sequence[Told]) -> Floats:
    """Least squares with a level for every model and source, none below 0; families weigh alike."""
    families = [each.family for each in found]
    gram, moment = np.zeros((len(NAMES), len(NAMES))), np.zeros(len(NAMES))
    for each in found:
        at = np.nan_to_num(each.parts, nan=0.5)
        at, good = at - at.mean(axis=0), (each.good - each.good.mean()) / (2 * each.good.std())
        weight = 1_000.0 / (families.count(each.family) * len(good))
        gram += weight * at.T @ at
        moment += weight * at.T @ good
    gram += _RIDGE * np.eye(len(NAMES)) / len(found)
    worth = np.zeros(len(NAMES))
    for _ in range(500):
        for i in range(len(NAMES)):
            rest = moment[i] - gram[i] @ worth + gram[i, i] * worth[i]
            worth[i] = min(1.0, max(0.0, rest / gram[i, i]))
    return worth


def explained(each: Told) -> tuple[float, float]:
    """AUC of the quality that the shipped figures make of all signals; the variance it explains."""
    quality = np.array(
        [
            SHIPPED.expected({n: v for n, v in zip(NAMES, row, strict=True) if not np.isnan(v)})
            for row in each.parts
        ]
    )
    spread = quality.std() * each.good.std()
    r = np.mean((quality - quality.mean()) * (each.good - each.good.mean())) / spread
    return auc(quality, each.good), float(np.sign(r) * r * r)


def milliseconds(folder: Path) -> float:
    """CPU that measuring an answer takes, as the mean over those of one model."""
    [source] = load(folder, only=["alpacaeval2_gpt35"])
    drafts = [Draft(row.prompt, *row.answers.values()) for row in source.rows]
    began = time.process_time()
    for draft in drafts:
        measured(draft, rules.verifier())
    return 1000 * (time.process_time() - began) / len(drafts)


@dataclass(frozen=True, slots=True)
class Row:
    """One model's answers to one source."""

    name: str
    family: str
    answers: int
    #: The share of good ones.
    good: float
    #: The verifier's mean log-odds.
    looks: float
    #: By signal: how often it says something, and the area under its curve where it does.
    says: Mapping[str, float]
    auc: Mapping[str, float]
    #: By signal: the share of good ones where it speaks clearly against; None where it never does.
    good_where_against: Mapping[str, float | None]
    #: Of all signals together, with the shipped figures.
    auc_of_all: float
    explained: float


def row_of(each: Told) -> Row:
    """The figures of one model's answers."""
    auc_of_all, r_squared = explained(each)
    against = [each.good[each.parts[:, i] < _AGAINST] for i in range(len(NAMES))]
    return Row(
        name=each.name,
        family=each.family,
        answers=len(each.good),
        good=float(each.good.mean()),
        looks=each.looks,
        says=_by_name((~np.isnan(each.parts)).mean(axis=0).tolist()),
        auc=_by_name([auc(each.parts[:, i], each.good) for i in range(len(NAMES))]),
        good_where_against=_by_name([float(g.mean()) if len(g) else None for g in against]),
        auc_of_all=auc_of_all,
        explained=r_squared,
    )


def _by_name(values: Sequence[V]) -> dict[str, V]:
    return dict(zip(NAMES, values, strict=True))


def bench(folder: Path) -> tuple[list[Row], dict[str, dict[str, float]], dict[str, float]]:
    """Each model's answers; by file of pairs, how often signals prefer the better one; the worths."""
    found: list[Told] = []
    pairs: dict[str, dict[str, float]] = {}
    for verifier, own, names in verifiers(folder):
        found += [told(verifier, each) for each in own]
        for name in names:
            one, other, better = preferred(verifier, folder, name)
            pairs[name] = _by_name(
                [chosen(one[:, i], other[:, i], better) for i in range(len(NAMES))]
            )
    return [row_of(each) for each in found], pairs, _by_name(worths(found).tolist())


def show(
    rows: Sequence[Row], pairs: Mapping[str, Mapping[str, float]], worth: Mapping[str, float]
) -> None:
    """Print everything as tables."""
    print("| answers of | good | looks |", *(f"{name} |" for name in NAMES), "all | explained |")
    print("|---" * (len(NAMES) + 5) + "|")
    for row in rows:
        cells = (f"{_short(row.auc[n])} ({100 * row.says[n]:.0f} %) |" for n in NAMES)
        print(f"| {row.name} | {100 * row.good:.0f} % | {row.looks:.2f} |", *cells, end=" ")
        print(f"{_short(row.auc_of_all)} | {100 * row.explained:.1f} % |")
    for name, preferred_by in pairs.items():
        print(f"| {name} (pairs) | | |", *(f"{_short(preferred_by[n])} |" for n in NAMES), "| |")
    print("| **worth** | | |", *(f"**{_short(worth[n])}** |" for n in NAMES), "| |")
    print("\nGood where it speaks clearly against the answer:")
    for name in NAMES:
        known = [(row.good_where_against[name], row.good) for row in rows]
        some = [(bad, usual) for bad, usual in known if bad is not None]
        if some:
            bad, usual = (100 * fmean(each) for each in zip(*some, strict=True))
            print(f"{name}: {bad:.0f} %, of all {usual:.0f} % (mean of {len(some)} sources)")


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="the folder with routing/ and answers/")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    data = data_folder(options.data)
    print(f"Measuring an answer takes {milliseconds(data):.1f} ms.\n", flush=True)
    measured_rows, measured_pairs, measured_worth = bench(data)
    show(measured_rows, measured_pairs, measured_worth)
    if options.json:
        figures = {
            "sources": [asdict(row) for row in measured_rows],
            "pairs": measured_pairs,
            "worth": measured_worth,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
