"""Fits the verifier: `python -m train.verifier [--data DIR] [--check]`.

Writes `src/pointsman/data/verifier.json`, bit for bit the same from the same data, and prints how
well prompts, drafts and both together say where a strong model gains, each source measured with
weights that never saw its family. `--check` compares instead of writing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from pointsman.calling.draft import Draft
from pointsman.calling.verify import Verifier, log_odds
from pointsman.cli.progress import SILENT, Display
from pointsman.data import read_lexicons
from pointsman.proof.metrics import apgr
from pointsman.scoring import Lexicon
from pointsman.scoring.learned import LearnedScorer
from pointsman.types import Score, Turn
from train import scorer
from train.data import data_folder, leave_out, load, question_key
from train.drafts import Floats, Graded, Preference, graded, preferences
from train.evidence import (
    DIGITS,
    FAMILY_ROWS,
    Checked,
    Open,
    Weights,
    family_names,
    logistic,
)

WEIGHTS = Path(__file__).parents[1] / "src/pointsman/data/verifier.json"
VERSION = "1"
#: Files with answers, for learning and for measuring.
SOURCES = (
    "alpacaeval1_alpaca7b",
    "alpacaeval1_llama2_7b",
    "alpacaeval2_1b",
    "alpacaeval2_gpt35",
    "alpacaeval2_hermes7b",
    "mmlupro_llama8b_70b",
    "mmlupro_matrix",
    "zeroeval_crux_matrix",
    "zeroeval_mathl5_matrix",
)
#: From which probability a draft is accepted by default; see the card.
BOUND = 0.3
#: What the prompt's log-odds are worth where many answers are good, and the usual rest of them: on
#: chat the prompt says no more than chance, so it counts half; see the card.
OPEN_PROMPT, OPEN_LEVEL = 0.5, -0.2
#: Mean, spread and weight of evidence that no file here has; set by hand, see the card.
TOKENS: Weights = {
    "token_confidence": [-0.4, 0.3, 0.4],
    "unlikely_tokens": [0.1, 0.1, -0.2],
}
CHECKED_BY_HAND: Weights = {"agreement": [0.5, 0.5, 0.9], **TOKENS}
OPEN_BY_HAND: Weights = {"agreement": [0.5, 0.5, 0.3], **TOKENS}
#: How strongly the prompt's slope is held to 1.
PROMPT_RIDGE = 300.0
#: Families that are made up, with a level of 0, so that few can't move the intercept far.
FEW_FAMILIES = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """APGR on one pair of models, out of family: of prompts, of drafts, and of both."""

    name: str
    prompt: float
    draft: float
    both: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything that was learned."""

    checked: Checked
    open: Open
    #: Of checked prompts: intercept, and what the prompt's and the draft's log-odds are worth.
    calibration: tuple[float, float, float]

    def written(self) -> str:
        """The weights as the file holds them."""
        intercept, prompt, draft = self.calibration
        length = self.open.length
        document = {
            "version": VERSION,
            "bound": BOUND,
            "checked": {
                "intercept": round(intercept, DIGITS),
                "prompt": round(prompt, DIGITS),
                "weights": self.checked.scale.weights(draft * self.checked.fitted)
                | CHECKED_BY_HAND,
            },
            "open": {
                "intercept": OPEN_LEVEL,
                "prompt": OPEN_PROMPT,
                "weights": self.open.scale.weights(self.open.fitted) | OPEN_BY_HAND,
            },
            "expected": {
                "intercept": round(float(length.mean), DIGITS),
                "weights": length.scale.weights(length.fitted),
            },
        }
        return json.dumps(document, indent=1) + "\n"


def calibrate(
    drafts: Sequence[Graded], odds: Sequence[Floats], prior: Mapping[str, Floats]
) -> tuple[float, float, float]:
    """Intercept and slopes for prompt and draft, on drafts whose family `odds` never saw.

    Every source has its own level, and the intercept is their mean over families, shrunk: that
    one benchmark is harder than another says nothing of a prompt. The prompt's slope is held near
    1, as its scorer is calibrated.
    """
    rows = [
        (each, out, np.array([one.checked for one in each.shown]))
        for each, out in zip(drafts, odds, strict=True)
        if each.strong is not None
    ]
    families = [each.family for each, _, _ in rows]
    label = np.concatenate([each.weak[mask] for each, _, mask in rows])
    group = np.repeat(np.arange(len(rows)), [mask.sum() for _, _, mask in rows])
    weight = np.array(
        [FAMILY_ROWS / (families.count(f) * np.sum(group == at)) for at, f in enumerate(families)]
    )[group]
    base = np.concatenate([prior[each.name][mask] for each, _, mask in rows])
    design = np.column_stack(
        [base, np.concatenate([out[mask] for _, out, mask in rows]), np.eye(len(rows))[group]]
    )
    ridge = np.concatenate([[PROMPT_RIDGE, 0.0], np.full(len(rows), 1e-3)])
    prompt, draft, *levels = logistic(design, label, weight, ridge, base)
    several = len(set(families))
    share = [1.0 / (families.count(f) * (several + FEW_FAMILIES)) for f in families]
    return float(np.dot(levels, share)), 1.0 + float(prompt), float(draft)


def fit(
    drafts: Sequence[Graded], pairs: Sequence[Preference], prior: Mapping[str, Floats]
) -> Fitted:
    """Learn from what may ship; the calibration rests on families left out in turn."""
    own = [each for each in drafts if each.may_ship]
    families = family_names(own)
    without = {
        f: Checked.fit([e for e in own if e.family != f]) for f in families if len(families) > 1
    }
    odds = [without[each.family].odds(each.shown) for each in own]
    return Fitted(Checked.fit(own), Open.fit(pairs), calibrate(own, odds, prior))


def measured(
    drafts: Sequence[Graded],
    pairs: Sequence[Preference],
    prior: Mapping[str, Floats],
    display: Display = SILENT,
) -> list[Measured]:
    """Judge every pair's drafts as the gateway does, with weights that never saw the family.

    Nor do they see preferences about answers to its prompts: half of PandaLM's stand in AlpacaEval.
    """
    rows: list[Measured] = []
    for family in display.each("judging families", family_names(drafts)):
        asked = {question_key(row.prompt) for e in drafts if e.family == family for row in e.rows}
        others = [pair for pair in pairs if question_key(pair.prompt) not in asked]
        fitted = fit([each for each in drafts if each.family != family], others, prior)
        verifier = Verifier.parse(fitted.written())
        for each in drafts:
            if each.family == family and each.strong is not None:
                odds = prior[each.name]
                prompts, alone = _values(odds), _values(np.zeros(len(odds)))
                rows.append(
                    Measured(
                        each.name,
                        apgr(each.weak, each.strong, prompts),
                        apgr(each.weak, each.strong, _judged(verifier, each, alone)),
                        apgr(each.weak, each.strong, _judged(verifier, each, prompts)),
                    )
                )
    return rows


def _values(odds: Floats) -> Floats:
    """Scores of prompts that suffice with these log-odds."""
    return 100.0 / (1.0 + np.exp(odds))


def _judged(verifier: Verifier, each: Graded, values: Floats) -> Floats:
    drafts = [Draft(row.prompt, text) for row, text in zip(each.rows, each.texts, strict=True)]
    scores = [Score(float(value), {}, "learned", "") for value in values]
    return np.array([verifier.score(*pair) for pair in zip(drafts, scores, strict=True)])


def priors(folder: Path, drafts: Sequence[Graded], display: Display = SILENT) -> dict[str, Floats]:
    """The log-odds that prompts suffice, by a learned scorer that never saw their family."""
    sources = load(folder)
    lexicon = Lexicon.parse(read_lexicons())
    found: dict[str, Floats] = {}
    for family in display.each("scoring prompts of families", family_names(drafts)):
        seen = [source for source in leave_out(sources, family)[0] if source.rows]
        weights = scorer.fit(
            [scorer.table(source) for source in seen], scorer.replies(folder, seen)
        )
        learned = LearnedScorer.parse(scorer.written(weights), lexicon)
        odds = cache(lambda prompt, learned=learned: _prior(learned, prompt))
        for each in (e for e in drafts if e.family == family):
            found[each.name] = np.array([odds(row.prompt) for row in each.rows])
    return found


def _prior(learned: LearnedScorer, prompt: str) -> float:
    return log_odds(1.0 - learned.score([Turn("user", prompt)]).value / 100.0)


def report(rows: Sequence[Measured]) -> str:
    """A table with one line per pair of models, and their mean."""
    lines = [f"{'source':58} prompt  draft   both"]
    figures = np.array([[row.prompt, row.draft, row.both] for row in rows])
    for name, values in zip([row.name for row in rows], figures, strict=True):
        lines.append(f"{name:58}" + "".join(f"  {value:.3f}" for value in values))
    lines.append(f"{'mean':58}" + "".join(f"  {value:.3f}" for value in figures.mean(axis=0)))
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, measure, and write or compare; 1 where the comparison fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder that holds routing/ and answers/")
    parser.add_argument("--check", action="store_true", help="compare with the file in the package")
    options = parser.parse_args(arguments)
    folder = data_folder(options.data)
    drafts = graded(load(folder, only=SOURCES))
    pairs = preferences(folder)
    with Display() as display:
        prior = priors(folder, drafts, display)
        text = fit(drafts, pairs, prior).written()
        rows = measured(drafts, pairs, prior, display)
    sys.stdout.write(report(rows))
    if not options.check:
        WEIGHTS.write_text(text, encoding="utf-8")
        return 0
    same = WEIGHTS.read_text(encoding="utf-8") == text
    sys.stdout.write(f"{WEIGHTS.name}: {'as fitted' if same else 'differs from what was fitted'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
