"""The labelled rows in `shared/data/routing`, as the trainers see them.

Rows are for fitting only where `may_ship` is set; the rest are for measuring and choosing. What
a family of sources shares with another (the same questions, or their translations) is taken out of
training before that family is measured, see `without_shared`.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

SHARED = "POINTSMAN_SHARED"

#: Which sources measure the same thing: none of a family trains what another of it is scored by.
FAMILIES: Mapping[str, str] = {
    "alpacaeval1_alpaca7b": "alpaca",
    "alpacaeval1_llama2_7b": "alpaca",
    "alpacaeval2_1b": "alpaca",
    "alpacaeval2_gpt35": "alpaca",
    "alpacaeval2_hermes7b": "alpaca",
    "llmrouter_matrix": "llmrouter",
    "llmrouter_mix": "llmrouter",
    "mmlupro_llama8b_70b": "mmlu",
    "mmlupro_matrix": "mmlu",
    "routellm_mmlu": "mmlu",
    "routerbench_arc_challenge": "arc",
    "routerbench_winograde": "winogrande",
    "zeroeval_crux_matrix": "crux",
    "zeroeval_mathl5_matrix": "mathl5",
}
#: What weights that ship may be fitted on (Apache-2.0 and MIT, `shared/data/README.md`).
MAY_SHIP = frozenset(
    {
        "llmrouter_matrix",
        "llmrouter_mix",
        "mmlupro_llama8b_70b",
        "mmlupro_matrix",
        "routellm_mmlu",
        "zeroeval_crux_matrix",
        "zeroeval_mathl5_matrix",
    }
)
#: The weak and the strong model that a matrix is measured with.
PAIRS: Mapping[str, tuple[str, str]] = {
    "llmrouter_matrix": ("llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
    "mmlupro_matrix": ("Mistral-7B-Instruct-v0.2", "gemini-1.5-pro-002"),
    "zeroeval_crux_matrix": ("Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06"),
    "zeroeval_mathl5_matrix": ("Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06"),
}
#: Translations of grade-school maths: the text differs, the questions do not.
_TRANSLATED_MATHS = "agentverse-mgsm"
_MATHS = frozenset({"mathl5", "gsm8k"})

_OPTION = re.compile(r"^\s*\(?[A-J][.)]\s", re.MULTILINE)
_EXERCISE = re.compile(r"(?:\n|\. )Answer:[ \t]*\n?[A-J]?\n\n")
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt and how well models answered it, 0-1."""

    id: str
    source: str
    group: str
    prompt: str
    #: Of the pair that the source is measured with.
    weak_score: float
    strong_score: float
    #: Of every model that answered; holds the pair.
    scores: Mapping[str, float]
    #: The replies that are on file, by model.
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of one file."""

    name: str
    family: str
    may_ship: bool
    weak_model: str
    strong_model: str
    rows: tuple[Row, ...]


def data_folder(path: str | None = None) -> Path:
    """Where the data is: `path`, else `$POINTSMAN_SHARED/data`, else `../shared/data`."""
    return Path(path) if path else Path(os.environ.get(SHARED, "../shared")) / "data"


def load(folder: Path, *, only: Iterable[str] = FAMILIES) -> list[Source]:
    """Read the sources named in `only`, in the order of their names. Raises FileNotFoundError."""
    return [_source(folder / "routing" / f"{name}.jsonl.gz", name) for name in sorted(only)]


def question_key(prompt: str) -> str:
    """What two prompts with the same question have in common: its letters, without options."""
    exercises = [part for part in _EXERCISE.split(prompt) if part.strip()]
    stem = _OPTION.split(exercises[-1] if exercises else prompt)[0]
    key = _NO_LETTER.sub("", stem).casefold()
    return key or _NO_LETTER.sub("", prompt).casefold()


def without_shared(train: Sequence[Source], test: Sequence[Source]) -> list[Source]:
    """`train` without the rows whose questions are in `test`, or are translated from it."""
    seen = {question_key(row.prompt) for source in test for row in source.rows}
    maths = any(source.family in _MATHS for source in test)
    return [
        replace(
            source,
            rows=tuple(
                row
                for row in source.rows
                if question_key(row.prompt) not in seen
                and not (maths and row.group == _TRANSLATED_MATHS)
            ),
        )
        for source in train
    ]


def leave_out(sources: Sequence[Source], family: str) -> tuple[list[Source], list[Source]]:
    """What may train weights that `family` is measured with, and the sources of the family.

    The first are of other families, may ship, and share no question with it.
    """
    test = [source for source in sources if source.family == family]
    others = [source for source in sources if source.family != family and source.may_ship]
    return without_shared(others, test), test


def _source(path: Path, name: str) -> Source:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    if name in PAIRS:
        weak, strong = PAIRS[name]
    else:
        weak, strong = records[0]["weak_model"], records[0]["strong_model"]
    rows = tuple(_row(record, weak, strong) for record in records)
    return Source(name, FAMILIES[name], name in MAY_SHIP, weak, strong, rows)


def _row(record: dict[str, object], weak: str, strong: str) -> Row:
    scores = record.get("scores") or {weak: record["weak_score"], strong: record["strong_score"]}
    answers = record.get("answers") or {}
    if "weak_answer" in record:
        answers = {weak: record["weak_answer"]}
    return Row(
        id=record["id"],
        source=record["source"],
        group=record["group"],
        prompt=record["prompt"],
        weak_score=scores[weak],
        strong_score=scores[strong],
        scores=scores,
        answers=answers,
    )
