"""What learning is worth: labelled rows served as traffic, each seen for one tier only.

``python -m bench.learning [--data DIR] [--model DIR] [--runs N] [--json FILE]`` prints the tables.

Every source is replayed with weights and priors that never saw its family. After 50, 100, 200 and
400 events (no more than half of a source's rows) the rest is ranked; what is printed is the APGR,
mean over sources and runs. Beside the learner stand no learning at all, and, with MiniLM's weights
in `--model`, ridge regression on its embeddings, a model for each tier: with both tiers equally
likely as the learner has them, and greedy, a tenth of the requests going anywhere. Regret is the
quality that the better tier would have added, mean over the events; exploring is what draws cost,
as a share of what was spent (strong 10, weak 1). `drift` serves 200 events of one source, then 150
of another family's, and ranks the rest of that. Last: how long it takes to learn, and to predict.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from bench.learning_ridge import Ridge, embedded
from numpy.typing import NDArray
from train.data import Row, data_folder, leave_out, load
from train.evaluate import without_families

from pointsman.data import read_meaning
from pointsman.feedback.belief import Belief
from pointsman.feedback.features import Features
from pointsman.feedback.learner import learn
from pointsman.feedback.replay import STRONG, TIERS, WEAK, Labelled, Run, Serving, replay
from pointsman.proof.metrics import apgr
from pointsman.scoring.learned import LearnedScorer
from pointsman.scoring.meaning import Meaning
from pointsman.types import Score, Turn
from train import learner

Floats = NDArray[np.float64]

AFTER = (50, 100, 200, 400)
ROWS = 1_800  # of a source: the events, and what is ranked
BEFORE_DRIFT, AFTER_DRIFT = 200, (50, 100, 150)
BOUND = 69.3  # of two tiers, as shipped
MANY = 100_000
EVEN = Serving(BOUND, even=0.5)
SERVINGS = {
    "learner": EVEN,
    "learner, noisy": Serving(BOUND, even=0.5, rated=0.2, flipped=0.1),
    "learner, 10 % flipped": Serving(BOUND, even=0.5, flipped=0.1),
    "learner, routed": Serving(BOUND),
}
#: From a source to one of another family.
DRIFTS = (
    ("alpacaeval2_1b", "routellm_mmlu"),
    ("routellm_mmlu", "alpacaeval1_llama2_7b"),
    ("llmrouter_mix", "mmlupro_matrix"),
    ("mmlupro_llama8b_70b", "alpacaeval2_1b"),
    ("zeroeval_mathl5_matrix", "llmrouter_mix"),
    ("alpacaeval1_llama2_7b", "routerbench_arc_challenge"),
    ("llmrouter_matrix", "zeroeval_mathl5_matrix"),
    ("routerbench_winograde", "routellm_mmlu"),
)


@dataclass(frozen=True)
class Measured:
    """A source, as those see it that never saw its family."""

    prior: Belief
    prompts: list[Labelled]
    rows: list[Row]
    weak: Floats
    strong: Floats

    def apgr(self, which: Sequence[int], scores: Floats) -> float:
        """What an order of these prompts is worth; `scores` are of all prompts."""
        return apgr(self.weak[which], self.strong[which], scores[which])

    @property
    def cold(self) -> Floats:
        """The shipped scores."""
        return np.array([prompt.cold for prompt in self.prompts])

    def ranked(self, belief: Belief, which: Sequence[int]) -> float:
        """The APGR of these prompts by what is believed."""
        rows = np.array([prompt.measured for prompt in self.prompts])
        return self.apgr(which, belief.scores(rows, self.cold))


def measured(folder: Path) -> dict[str, Measured]:
    """Every source."""
    sources = load(folder)
    features = Features(Meaning.parse(read_meaning()))
    found: dict[str, Measured] = {}
    for family, scorer in without_families(folder, sources).items():
        train, test = leave_out(sources, family)

        def scored(prompt: str, scorer: LearnedScorer = scorer) -> Score:
            return scorer.score((Turn("user", prompt),))

        prior = learner.fit(train, lambda prompt, scored=scored: scored(prompt).value)
        for source in test:
            rows = list(source.rows)
            if len(rows) > ROWS:
                rows = Random(1).sample(rows, ROWS)  # noqa: S311 - reproducible
            found[source.name] = Measured(
                prior,
                [_labelled(row, scored(row.prompt), features) for row in rows],
                rows,
                np.array([row.weak_score for row in rows]),
                np.array([row.strong_score for row in rows]),
            )
    return dict(sorted(found.items()))


def _labelled(row: Row, score: Score, features: Features) -> Labelled:
    found = features.of(score, row.prompt)
    quality = {WEAK: row.weak_score, STRONG: row.strong_score}
    return Labelled(found, features.pack(found), score.value, quality)


def split(source: Measured, run: int) -> tuple[list[int], list[int]]:
    """The events, in order, and what is ranked."""
    order = np.random.default_rng(run).permutation(len(source.rows)).tolist()
    events = min(max(AFTER), len(order) // 2)
    return order[:events], order[events:]


def curve(source: Measured, serving: Serving, run: int) -> dict[str, float]:
    """APGR after so many events; `0` is without learning."""
    events, rest = split(source, run)
    found = {"0": source.apgr(rest, source.cold)}
    random, state, done = Random(run), None, 0  # noqa: S311 - likewise
    for after in AFTER:
        part = [source.prompts[at] for at in events[done:after]]
        state = replay(part, source.prior, serving, random, state)
        found[str(after)], done = source.ranked(state.belief, rest), after
    return {**found, **_costs(state)}


def _costs(state: Run | None) -> dict[str, float]:
    if state is None:
        return {}
    return {
        "regret": float(np.mean(state.missed)),
        "exploring": state.extra / state.spent if state.spent else 0.0,
    }


def ridge_curve(source: Measured, vectors: Floats, epsilon: float, run: int) -> dict[str, float]:
    """The same of ridge regression; `epsilon` is how often chance chooses."""
    events, rest = split(source, run)
    ridge, random = Ridge(vectors), np.random.default_rng(run)
    found = {"0": source.apgr(rest, source.cold)}
    missed = []
    for number, at in enumerate(events, start=1):
        strong = random.random() < 0.5 if random.random() < epsilon else ridge.prefers(at)
        quality = source.strong[at] if strong else source.weak[at]
        missed.append(max(source.weak[at], source.strong[at]) - quality)
        ridge.add(at, strong, float(quality))
        if number in AFTER or number == len(events):
            value = source.apgr(rest, ridge.gaps())
            found |= dict.fromkeys([str(after) for after in AFTER if after >= number], value)
    return {**found, "regret": float(np.mean(missed))}


def drift(sources: dict[str, Measured], runs: int) -> dict[str, dict[str, float]]:
    """APGR on the new source, after so many of its events."""
    found = {}
    for old, new in DRIFTS:
        rows = []
        for run in range(runs):
            source, (events, rest) = sources[new], split(sources[new], run)
            before, _ = split(sources[old], run)
            random, done = Random(run), 0  # noqa: S311 - likewise
            served = [sources[old].prompts[at] for at in before[:BEFORE_DRIFT]]
            state = replay(served, source.prior, EVEN, random)
            row = {"cold": source.apgr(rest, source.cold)}
            row["0"] = source.ranked(state.belief, rest)
            for after in AFTER_DRIFT:
                part = [source.prompts[at] for at in events[done:after]]
                state = replay(part, source.prior, EVEN, random, state)
                row[str(after)], done = source.ranked(state.belief, rest), after
            rows.append(row)
        found[f"{old} -> {new}"] = mean(rows)
    return found


def mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of each figure."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def speed(source: Measured) -> dict[str, float]:
    """Seconds to learn many outcomes, and microseconds to predict."""
    state = replay(source.prompts, source.prior, EVEN, Random(0))  # noqa: S311 - likewise
    outcomes = [state.outcomes[at % len(state.outcomes)] for at in range(MANY)]
    began = time.perf_counter()
    belief = learn(outcomes, TIERS, prior=source.prior, version="bench")
    belief.predict(source.prompts[0].measured, 50.0)
    learned = time.perf_counter() - began
    began = time.perf_counter()
    for prompt in source.prompts:
        belief.predict(prompt.measured, prompt.cold)
    predicted = (time.perf_counter() - began) / len(source.prompts)
    features = Features(Meaning.parse(read_meaning()))
    began = time.perf_counter()
    for row in source.rows:
        features.of(Score(50.0, {}, "learned", ""), row.prompt)
    described = (time.perf_counter() - began) / len(source.rows)
    return {
        "seconds to learn 100,000 outcomes": learned,
        "microseconds to predict": predicted * 1e6,
        "microseconds to measure": described * 1e6,
    }


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder with routing/ and answers/")
    parser.add_argument("--model", type=Path, help="MiniLM's weights, for the references")
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sources = measured(data_folder(options.data))
    runs = range(options.runs)
    curves = {
        name: {
            source: mean([curve(each, serving, run) for run in runs])
            for source, each in sources.items()
        }
        for name, serving in SERVINGS.items()
    }
    if options.model:
        vectors = embedded(options.model, {name: each.rows for name, each in sources.items()})
        for name, epsilon in (("ridge on MiniLM", 1.0), ("ridge, epsilon-greedy", 0.1)):
            curves[name] = {
                source: mean([ridge_curve(each, vectors[source], epsilon, run) for run in runs])
                for source, each in sources.items()
            }
    report = {
        "curves": curves,
        "drift": drift(sources, options.runs),
        "speed": speed(sources["routellm_mmlu"]),
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    show(report)
    return 0


def show(report: dict[str, dict[str, object]]) -> None:
    """Print what was measured."""
    columns = ("0", *map(str, AFTER), "regret", "exploring")
    line = "{:28}" + "{:>10}" * len(columns) + "\n"
    sys.stdout.write(line.format("mean over sources", *columns))
    for name, sources in report["curves"].items():
        row = mean(list(sources.values()))
        sys.stdout.write(line.format(name, *(_figure(row, each) for each in columns)))
    for name, row in report["curves"]["learner"].items():
        sys.stdout.write(line.format(name, *(_figure(row, each) for each in columns)))
    columns = ("cold", "0", *map(str, AFTER_DRIFT))
    line = "{:54}" + "{:>8}" * len(columns) + "\n"
    sys.stdout.write("\n" + line.format("after a change of source", *columns))
    for name, row in report["drift"].items():
        sys.stdout.write(line.format(name, *(_figure(row, each) for each in columns)))
    row = mean(list(report["drift"].values()))
    sys.stdout.write(line.format("mean", *(_figure(row, each) for each in columns)))
    for name, value in report["speed"].items():
        sys.stdout.write(f"{name}: {value:.2f}\n")


def _figure(row: dict[str, float], name: str) -> str:
    return f"{row[name]:.4f}" if name in row else ""


if __name__ == "__main__":
    sys.exit(main())
