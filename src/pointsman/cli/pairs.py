"""`pointsman cache test`: what the semantic tier makes of pairs of prompts, row by row."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import typer

from pointsman.app import App
from pointsman.cache.trial import Trial, Tried
from pointsman.cli.output import print_json, print_table
from pointsman.cli.progress import Display
from pointsman.config import Settings
from pointsman.embedding import Remembering
from pointsman.errors import ConfigError
from pointsman.proof.rows import BadRow, read
from pointsman.types import Entry

#: Cosines that other caches come with.
_COSINES = (0.85, 0.92, 0.95)
#: The cosine above which recall is counted on its own: pairs below it are hardly ever the same.
_NEAR = 0.7
_COLUMNS = (
    "pairs #", "same #", "hits #", "wrong #", "precision #", "recall #", "recall >.7 #", "served #",
)  # fmt: skip
_LEGEND = """\
same       pairs where the reply to a would serve b, as their label y says
wrong      hits on pairs that are not the same; precision: the share of hits that are not
recall     hits on pairs that are the same, of all of them, and of those over cosine .7
served     hits on pairs that are not the same, of all of them"""


class Pair(msgspec.Struct, frozen=True):
    """Two prompts; `y` is 1 where the reply to `a` would serve `b`."""

    a: str
    b: str
    id: str | int | None = None
    y: float | bool | None = None
    cat: str | None = None
    src: str | None = None


class Decided(msgspec.Struct, frozen=True):
    """A row of the output, see `Tried`."""

    #: The row's own, else the number of its line.
    id: str | int
    similarity: float | None
    guard: str | None
    p: float | None
    hit: bool


@dataclass(slots=True)
class Count:
    """What became of pairs: labelled ones in precision and recall, all of them in the rest."""

    pairs: int = 0
    hits: int = 0
    #: Labelled the same, and of those over cosine .7; with the hits among them.
    same: int = 0
    right: int = 0
    same_near: int = 0
    right_near: int = 0
    #: Labelled as not the same, and the hits among them.
    other: int = 0
    wrong: int = 0

    def add(self, pair: Pair, similarity: float | None, *, hit: bool) -> None:
        """Count a pair."""
        self.pairs += 1
        self.hits += hit
        if pair.y is None:
            return
        if pair.y:
            near = similarity is not None and similarity > _NEAR
            self.same += 1
            self.right += hit
            self.same_near += near
            self.right_near += near and hit
        else:
            self.other += 1
            self.wrong += hit

    def figures(self) -> dict[str, float | None]:
        """By name; shares are None where there is nothing to take them of."""
        return {
            "pairs": self.pairs,
            "same": self.same,
            "hits": self.hits,
            "wrong": self.wrong,
            "precision": _share(self.right, self.right + self.wrong),
            "recall": _share(self.right, self.same),
            "recall_near": _share(self.right_near, self.same_near),
            "served": _share(self.wrong, self.other),
        }

    def row(self) -> tuple[str, ...]:
        """For a table."""
        return tuple(
            "" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
            for value in self.figures().values()
        )


async def decide_all(settings: Settings, file: str, *, as_json: bool) -> int:
    """Decide on each pair, holding one at a time; how many rows could not be used.

    Prints a JSON array as it goes, or a summary in the end. Raises CacheUnavailable.
    """
    rows, counts = _Rows(file, silent=as_json), _Counts()
    encode = msgspec.json.Encoder().encode
    separator = "[\n"
    async with _trial(settings) as trial:
        for number, pair in rows:
            tried = await trial.tried(pair.a, pair.b)
            counts.add(pair, tried)
            if as_json:
                decided = _decided(number, pair, tried)
                sys.stdout.write(separator + encode(decided).decode())
                separator = ",\n"
    if as_json:
        sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")
    else:
        counts.print()
    return rows.bad


async def baselines_of(settings: Settings, file: str, *, as_json: bool) -> int:
    """The same beside plain cosine, with and without guard and verifier, as one table."""
    rows = _Rows(file, silent=as_json)
    counts: dict[str, Count] = {}
    async with _trial(settings) as trial:
        for _, pair in rows:
            tried = await trial.tried(pair.a, pair.b)
            for name, hit in (await _baselines(trial, pair, tried.similarity)).items():
                counts.setdefault(name, Count()).add(pair, tried.similarity, hit=hit)
            counts.setdefault("pointsman", Count()).add(pair, tried.similarity, hit=tried.hit)
    if as_json:
        print_json([{"decision": name, **count.figures()} for name, count in counts.items()])
    else:
        table = [(name, *count.row()) for name, count in counts.items()]
        print_table(("decision", *_COLUMNS), table)
        typer.echo(_LEGEND)
    return rows.bad


async def _baselines(trial: Trial, pair: Pair, similarity: float | None) -> dict[str, bool]:
    """Whether each of them would give the reply."""
    passes = serves = False
    if similarity is not None and similarity >= min(_COSINES):
        passes = trial.semantic.guard.objection(pair.a, pair.b) is None
        p = await trial.semantic.probability(pair.a, pair.b, similarity)
        serves = p >= trial.threshold
    hits = {}
    for cosine in _COSINES:
        near = similarity is not None and similarity >= cosine
        name = f"cosine {cosine:.2f}"
        hits[name] = near
        hits[f"{name} + guard"] = near and passes
        hits[f"{name} + verifier"] = near and serves
        hits[f"{name} + both"] = near and passes and serves
    return hits


@asynccontextmanager
async def _trial(settings: Settings) -> AsyncIterator[Trial]:
    """The semantic tier of these settings, as a gateway has it, over an empty store in memory."""
    cache = settings.cache.model_copy(update={"semantic": "on", "store": "memory"})
    asked = settings.model_copy(update={"cache": cache})
    app = App(asked, environment=os.environ, observer=_Quiet())
    await app.start(in_memory=True, load=False)
    try:
        opened = app.pipeline.cache
        threshold = opened.truth.threshold("auto", datetime.now(UTC))
        if opened.semantic is None or threshold is None:
            raise ConfigError("these settings have no semantic tier")
        opened.semantic.embedder = Remembering(opened.semantic.embedder)
        yield Trial(opened.semantic, opened.store, threshold=threshold, now=datetime.now(UTC))
    finally:
        await app.close()


class _Quiet:
    """An `Observer`: what fails fails again where a pair needs it, and is said there, once."""

    def settled(self, entry: Entry) -> None:
        """See `ports.Observer`."""

    def fault(self, stage: str, error: BaseException) -> None:
        """See `ports.Observer`."""


class _Rows:
    """The pairs of a file, one at a time; what can't be used is named on standard error."""

    def __init__(self, file: str, *, silent: bool) -> None:
        self._file = file
        self._silent = silent
        self.bad = 0

    def __iter__(self) -> Iterator[tuple[int, Pair]]:
        with Display("pairs", silent=self._silent) as display:
            for done, (number, row) in enumerate(read(self._file, Pair)):
                display("", done, None)
                if isinstance(row, BadRow):
                    self.bad += 1
                    typer.echo(f"pointsman: {row}", err=True)
                    continue
                yield number, row


@dataclass(slots=True)
class _Counts:
    """Of all pairs, and by category where rows have one."""

    total: Count = field(default_factory=Count)
    by_category: dict[str, Count] = field(default_factory=dict)

    def add(self, pair: Pair, tried: Tried) -> None:
        self.total.add(pair, tried.similarity, hit=tried.hit)
        if category := pair.cat or pair.src:
            count = self.by_category.setdefault(category, Count())
            count.add(pair, tried.similarity, hit=tried.hit)

    def print(self) -> None:
        rows = [(name, *count.row()) for name, count in sorted(self.by_category.items())]
        print_table(("category", *_COLUMNS), [*rows, ("all", *self.total.row())])
        typer.echo(_LEGEND)


def _decided(number: int, pair: Pair, tried: Tried) -> Decided:
    row_id = number if pair.id is None else pair.id
    return Decided(row_id, tried.similarity, tried.guard, tried.p, tried.hit)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
