"""Fit the learned scorer's weights: `python -m train.scorer [--data DIR] [--check]`.

Writes `src/pointsman/data/learned.json`, the same bytes on every run: nothing is drawn by chance,
and what is written is rounded far above the noise of linear algebra. `--check` compares instead.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from pointsman.cli.progress import Display
from pointsman.data import read_lexicons
from pointsman.scoring import Lexicon
from pointsman.scoring.essence import glue_of
from pointsman.scoring.surface import NAMES, surface
from pointsman.tokens import estimate_tokens
from train.data import Source, data_folder, load

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Weights = dict[str, object]

WRITTEN = Path(__file__).parents[1] / "src" / "pointsman" / "data" / "learned.json"
VERSION = "1"
RIDGE = 3.0
REPLY_RIDGE = 0.01
#: Measures of which more makes a prompt easier; of every other one more makes it harder, or
#: nothing. What a fit finds against that is peculiar to its data, see the card.
EASIER = frozenset({"begins_with_question", "ends_with_question"})
#: How much of the target is the gap between strong and weak models; the rest is failing of weak.
GAP = 0.25
#: Not fitted: orders hardly occur in labelled data. Chosen by the prompts in tests/scoring.
ORDERS = {"complex": 4.0, "simple": 1.0, "fade_words": 45.0}
THRESHOLDS = {"medium": 63.3, "complex": 69.9, "two_tiers": 69.3}
STRENGTHS = 3
#: Pairs of replies to chat prompts, by models of early 2023, and how many times as long today's
#: are: chosen so that on AlpacaEval's prompts as many tokens are expected as its four chat models
#: took on average. (Only measured: alpaca-7b took 102 there, they took 204 to 566.)
CHAT_PAIRS = ("pandalm", "llmbar")
LONGER = 6.0
_SWEEPS = 400
_STEPS = 100
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Table:
    """A source as numbers: one row per prompt."""

    source: Source
    measures: Array
    target: Array
    #: Share of weak, middling and strong models that failed.
    failing: Array


def table(source: Source) -> Table:
    """Measure a source's prompts and derive what is to be predicted."""
    models = sorted(source.rows[0].scores)
    scores = np.array([[row.scores[model] for model in models] for row in source.rows])
    scores = scores[:, np.argsort(scores.mean(axis=0), kind="stable")]
    half = max(1, len(models) // 2)
    weak, strong = scores[:, :half].mean(axis=1), scores[:, -half:].mean(axis=1)
    thirds = (
        np.array_split(np.arange(len(models)), STRENGTHS) if len(models) > 2 else [[0], [0, 1], [1]]
    )
    failing = np.stack([1 - scores[:, third].mean(axis=1) for third in thirds], axis=1)
    target = (1 - GAP) * (1 - weak) + GAP * (strong - weak)
    return Table(source, np.array([measured(row.prompt) for row in source.rows]), target, failing)


@cache
def measured(prompt: str) -> tuple[float, ...]:
    """The measures of a prompt; the same prompt stands in several sources."""
    return surface(prompt, _glue())


@cache
def _glue() -> frozenset[str]:
    return glue_of(Lexicon.parse(read_lexicons()))


@dataclass(frozen=True, slots=True)
class Replies:
    """How long the replies to prompts are: one row per prompt."""

    measures: Array
    #: Mean over its replies of the logarithm of their tokens.
    logarithms: Array
    #: How much it counts; they add up to 1.
    shares: Array


def fit(tables: Sequence[Table], replies: Replies) -> Weights:
    """Weights from tables, and from how long replies are."""
    shares = balanced(tables)
    measures = np.concatenate([each.measures for each in tables])
    usual = shares @ measures
    within = [_centred(each.measures) for each in tables]
    targets = [_centred(each.target) for each in tables]
    signs = np.array([-1.0 if name in EASIER else 1.0 for name in NAMES])
    weights = signs * _not_negative(
        np.concatenate(within) * signs,
        np.concatenate([target / (target.std() or 1.0) for target in targets]),
        shares,
    )
    difficulty = (measures - usual) @ weights
    unit = float(np.sqrt(shares @ np.square(np.concatenate(within) @ weights))) or 1.0
    weights, difficulty = weights / unit, difficulty / unit
    failing, slope = _odds(difficulty, tables, shares)
    reply, reply_weights = _reply_weights(replies, usual)
    features = {
        name: {
            "usual": _rounded(usual[at]),
            "weight": _rounded(weights[at]),
            "reply": _rounded(reply_weights[at]),
        }
        for at, name in enumerate(NAMES)
    }
    return {
        "version": VERSION,
        "features": features,
        "failing": [_rounded(odds) for odds in failing],
        "slope": _rounded(slope),
        "orders": ORDERS,
        "reply": _rounded(reply),
        "thresholds": THRESHOLDS,
    }


def balanced(tables: Sequence[Table]) -> Array:
    """A share for each row: families count alike, and a family's sources alike."""
    families = Counter(each.source.family for each in tables)
    shares = [
        np.full(
            len(each.target), 1 / (len(families) * families[each.source.family] * len(each.target))
        )
        for each in tables
    ]
    return np.concatenate(shares)


def _centred(values: Array) -> Array:
    return values - values.mean(axis=0)


def _not_negative(measures: Array, target: Array, shares: Array) -> Array:
    """Ridge regression whose weights are none of them negative, by coordinate descent."""
    scale = np.sqrt(shares @ np.square(measures)) + 1e-6
    scaled = measures / scale
    products = (scaled * shares[:, None]).T @ scaled + RIDGE * np.eye(len(scale))
    wanted = (scaled * shares[:, None]).T @ target
    weights = np.zeros(len(scale))
    for _ in range(_SWEEPS):
        for at in range(len(scale)):
            rest = wanted[at] - products[at] @ weights + products[at, at] * weights[at]
            weights[at] = max(0.0, rest / products[at, at])
    return weights / scale


def _odds(difficulty: Array, tables: Sequence[Table], shares: Array) -> tuple[Array, float]:
    """Log-odds of failing for each strength, and how much a unit of difficulty adds to them.

    Logistic regression by Newton's steps. Each source has log-odds of its own, which are averaged:
    that one source is harder than another says nothing of what makes a prompt hard.
    """
    lengths = [len(each.target) for each in tables]
    which = np.repeat(np.arange(len(tables)), lengths)
    failing = np.concatenate([each.failing for each in tables])
    places = which[:, None] * STRENGTHS + np.arange(STRENGTHS)
    odds, slope = np.zeros(len(tables) * STRENGTHS), 0.0
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-(odds[places] + slope * difficulty[:, None])))
        steep = shares[:, None] * likely * (1 - likely)
        missing = shares[:, None] * (failing - likely)
        odds += _by_place(missing, places) / _by_place(steep, places)
        slope += (difficulty @ missing).sum() / (np.square(difficulty) @ steep).sum()
    counts = np.array([shares[which == at].sum() for at in range(len(tables))])
    return counts @ odds.reshape(len(tables), STRENGTHS), float(slope)


def _by_place(values: Array, places: Array) -> Array:
    return np.bincount(places.ravel(), values.ravel())


def _reply_weights(replies: Replies, usual: Array) -> tuple[float, Array]:
    """The logarithm of the tokens to be expected at a usual prompt, and what a measure adds to it.

    Ridge regression on logarithms; what is expected is a mean of tokens, since they are paid for,
    so what the spread around the logarithm adds to it is added (Duan's smearing estimate, 1983).
    """
    design = np.column_stack([np.ones(len(replies.shares)), replies.measures - usual])
    penalty = REPLY_RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    weighed = (design * replies.shares[:, None]).T
    found = np.linalg.solve(weighed @ design + penalty, weighed @ replies.logarithms)
    spread = np.log(replies.shares @ np.exp(replies.logarithms - design @ found))
    return float(found[0] + spread), found[1:]


def replies(folder: Path, sources: Iterable[Source]) -> Replies:
    """The replies on file to the prompts of `sources` and of `CHAT_PAIRS`; families count alike."""
    families: dict[str, dict[str, list[float]]] = {}
    for family, prompt, tokens in _replies(folder, sources):
        families.setdefault(family, {}).setdefault(prompt, []).append(float(np.log(tokens)))
    rows = [
        (measured(prompt), np.mean(said[prompt]), 1 / (len(families) * len(said)))
        for _, said in sorted(families.items())
        for prompt in sorted(said)
    ]
    measures, logarithms, shares = map(np.array, zip(*rows, strict=True))
    return Replies(measures, logarithms, shares)


def _replies(folder: Path, sources: Iterable[Source]) -> Iterator[tuple[str, str, float]]:
    """Family, prompt and tokens of each reply by the stronger half of a source's models."""
    for source in sources:
        strong = _stronger(source)
        for row in source.rows:
            for model in sorted(strong & row.answers.keys()):
                if row.answers[model]:
                    yield source.family, row.prompt, estimate_tokens(row.answers[model])
    for name in CHAT_PAIRS:
        with gzip.open(folder / "answers" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for pair in map(json.loads, lines):
                for reply in (str(pair["a"]), str(pair["b"])):
                    yield name, pair["prompt"], LONGER * max(1, estimate_tokens(reply))


def _stronger(source: Source) -> frozenset[str]:
    """The better half of the models whose replies are on file."""
    models = sorted({model for row in source.rows for model in row.answers})
    right = {model: sum(row.scores[model] for row in source.rows) for model in models}
    return frozenset(sorted(models, key=right.__getitem__)[len(models) // 2 :])


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS) + 0.0


def written(weights: Weights) -> str:
    """The weights as the file holds them."""
    return json.dumps(weights, indent=1) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write, or check; 1 where the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder with routing/ and answers/")
    parser.add_argument("--check", action="store_true", help="compare with the file in the package")
    options = parser.parse_args(arguments)
    folder = data_folder(options.data)
    shipped = [source for source in load(folder) if source.may_ship]
    with Display() as display:
        tables = [table(source) for source in display.each("measuring sources", shipped)]
        display("reading replies, fitting", 0, None)
        text = written(fit(tables, replies(folder, shipped)))
    if not options.check:
        WRITTEN.write_text(text, encoding="utf-8")
        return 0
    same = WRITTEN.read_text(encoding="utf-8") == text
    sys.stdout.write(f"{WRITTEN.name}: {'as fitted' if same else 'differs from what was fitted'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
