"""The pairs that the cache's verifier learns from: our own prompts, with what is the same and not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointsman.cache.guard import Guard
from pointsman.cache.pair import NAMES, features
from pointsman.cli.progress import SILENT, Display
from pointsman.embedding.reader import Reader
from pointsman.types import Alignment
from train.pairs_steps import Floats

FOLDER = Path(__file__).parent / "cache_pairs"
#: Of each text, prompts about something else that lie nearest.
_NEIGHBOURS = 5
#: Cosines between which those are taken: nearer ones may mean the same, farther ones are never looked at.
_NEAR, _TOO_NEAR = 0.65, 0.8


@dataclass(frozen=True, slots=True)
class Prompts:
    """One prompt, others that the same reply serves, and others that look alike."""

    id: str
    same: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return *self.same, *self.other

    @property
    def is_everyday(self) -> bool:
        """Asked as people type questions, with paraphrases that are edits themselves."""
        return self.id.startswith(("day", "extra"))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two prompts; `group` says what the weights take together."""

    a: str
    b: str
    serves: bool
    group: str
    #: The place of the prompts that it comes from, for folds.
    prompts: int


def read_prompts(folder: Path = FOLDER) -> list[Prompts]:
    """All files of a folder, in the order of their names."""
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [
        Prompts(
            row["id"],
            (row["base"], *row["same"]),
            tuple(each["text"] for each in row["other"]),
        )
        for row in rows
    ]


class Embedded:
    """Cosines and features of texts, by the embedder that the gateway uses."""

    def __init__(self, weights: Path) -> None:
        """`weights` is MiniLM's folder."""
        self._reader = Reader(weights, kept_bytes=2**30)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row of length 1 for each text. Raises ValueError for one that it can't read."""
        rows = []
        for text in texts:
            vector = self._reader.vector(text)
            if vector is None:
                raise ValueError(f"can't be embedded: {text!r}")
            rows.append(np.frombuffer(vector.data, dtype="<f4"))
        return np.array(rows)

    def similarity(self, a: str, b: str) -> float | None:
        """The cosine; None where one of them is too long."""
        one, two = self._reader.vector(a), self._reader.vector(b)
        if one is None or two is None:
            return None
        return float(np.frombuffer(one.data, "<f4") @ np.frombuffer(two.data, "<f4"))

    def alignment(self, a: str, b: str) -> Alignment:
        """Of texts that have a cosine. Raises ValueError for others."""
        alignment = self._reader.alignment(a, b)
        if alignment is None:
            raise ValueError(f"can't be aligned: {a!r}, {b!r}")
        return alignment


@dataclass(frozen=True, slots=True)
class Table:
    """Pairs that the guard passes, with what is known of them."""

    pairs: Sequence[Pair]
    values: Floats
    label: Floats
    #: So that each group of pairs counts for what it is worth, however many they are.
    weight: Floats


def table(
    prompts: Sequence[Prompts],
    embedded: Embedded,
    guard: Guard,
    worth: Callable[[str], float],
    display: Display = SILENT,
) -> Table:
    """Everything there is to learn from; `worth` says what a group of pairs counts for."""
    found: list[Pair] = []
    values: list[list[float]] = []
    for done, pair in enumerate(_pairs(prompts, embedded)):
        display("pairs", done, None)
        if pair.a == pair.b or guard.objection(pair.a, pair.b) is not None:
            continue
        similarity = embedded.similarity(pair.a, pair.b)
        if similarity is not None and similarity >= _NEAR:
            known = features(pair.a, pair.b, similarity, embedded.alignment(pair.a, pair.b))
            found.append(pair)
            values.append([known[name] for name in NAMES])
    groups = np.array([pair.group for pair in found])
    names, at, counts = np.unique(groups, return_inverse=True, return_counts=True)
    each = np.array([worth(name) for name in names]) / counts
    return Table(
        found,
        np.array(values),
        np.array([float(pair.serves) for pair in found]),
        each[at] * len(found),
    )


def _pairs(prompts: Sequence[Prompts], embedded: Embedded) -> Iterator[Pair]:
    for at, each in enumerate(prompts):
        kind = "everyday" if each.is_everyday else "edited"
        for a, b in combinations(each.same, 2):
            yield Pair(a, b, serves=True, group=f"{kind} same", prompts=at)
        for b in each.other:
            for a in each.same:
                yield Pair(a, b, serves=False, group=f"{kind} other", prompts=at)
    yield from _neighbours(prompts, embedded)


def _neighbours(prompts: Sequence[Prompts], embedded: Embedded) -> Iterator[Pair]:
    """Prompts about different things that are near all the same; each pair once."""
    texts = [text for each in prompts for text in each.texts]
    of = np.array([at for at, each in enumerate(prompts) for _ in each.texts])
    vectors = embedded.vectors(texts)
    seen: set[tuple[int, int]] = set()
    for row, text in enumerate(texts):
        cosines = vectors @ vectors[row]
        near = np.flatnonzero((of != of[row]) & (cosines >= _NEAR) & (cosines <= _TOO_NEAR))
        for other in near[np.argsort(-cosines[near], kind="stable")][:_NEIGHBOURS]:
            pair = min(row, int(other)), max(row, int(other))
            if pair not in seen:
                seen.add(pair)
                kind = "everyday" if prompts[of[row]].is_everyday else "edited"
                yield Pair(text, texts[other], False, f"{kind} near", int(of[row]))
