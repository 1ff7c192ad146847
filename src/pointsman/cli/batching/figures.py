"""How far a batch is, and what it came to. Pure: told what there is, it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from pointsman.cli.batching.results import Result

#: As `pointsman.cli.progress.Display` is called.
Tell: TypeAlias = Callable[[str, int, int, str], None]


class TierFigures(msgspec.Struct):
    """What a tier answered."""

    tier: str
    rows: int = 0
    #: Of them out of the cache.
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    #: US dollars, of the rows whose price is known.
    cost: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    #: Rows whose price is unknown.
    unpriced: int = 0

    def add(self, each: Result) -> None:
        """Count a row."""
        self.rows += 1
        self.cached += each.cache is not None
        self.input_tokens += each.input_tokens or 0
        self.output_tokens += each.output_tokens or 0
        self.cost += each.cost or 0
        self.saved += each.saved or 0
        self.unpriced += each.cost is None


class Summary(msgspec.Struct):
    """What a file came to, over all the runs that it took."""

    rows: int
    answered: int
    failed: int
    tiers: list[TierFigures]
    total: TierFigures
    #: Where the answers are.
    results: str
    #: Seconds of this run.
    seconds: float
    #: Why it ended before all rows were asked; None where it did not.
    stopped: str | None = None


def by_tier(
    results: Iterable[Result], order: Sequence[str]
) -> tuple[list[TierFigures], TierFigures]:
    """Each tier's figures in that order, and all together; rows without an answer are in none."""
    tiers = {name: TierFigures(name) for name in order}
    total = TierFigures("all")
    for each in results:
        if each.error is None:
            name = each.served_tier or "unknown"
            tiers.setdefault(name, TierFigures(name)).add(each)
            total.add(each)
    return [each for each in tiers.values() if each.rows], total


class Meter:
    """How far a run is, told to whoever shows it."""

    def __init__(self, total: int, done: int, tell: Tell = lambda *_: None) -> None:
        """`done` rows were answered before this run."""
        self.total = total
        self.done = done
        self.failed = 0
        self.cost = Decimal(0)
        self._tell = tell
        self._say()

    def add(self, each: Result) -> None:
        """Count a row of this run."""
        self.cost += each.cost or 0
        if each.error is None:
            self.done += 1
        else:
            self.failed += 1
        self._say()

    def _say(self) -> None:
        failed = f", {self.failed:,} failed" if self.failed else ""
        self._tell("", self.done + self.failed, self.total, f"${self.cost:.4f}{failed}")
