"""The books in one view: what was spent, and what it would have cost on the baseline. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pointsman.types import ReportRow


@dataclass(frozen=True, slots=True)
class Line:
    """Sums over some of the entries."""

    name: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    saved: Decimal
    #: Entries with usage but no known price: in no sum of money.
    unpriced: int


@dataclass(frozen=True, slots=True)
class Report:
    """Sums over all entries, and by deployment, tier and outcome."""

    total: Line
    by_deployment: tuple[Line, ...]
    by_tier: tuple[Line, ...]
    by_outcome: tuple[Line, ...]
    #: By what the cache said: `exact` and `semantic` cost nothing.
    by_cache: tuple[Line, ...] = ()


def report(rows: Sequence[ReportRow]) -> Report:
    """Add the ledger's rows up."""
    return Report(
        total=_line("total", rows),
        by_deployment=_grouped(rows, _who),
        by_tier=_grouped(rows, lambda row: row.served_tier or "none"),
        by_outcome=_grouped(rows, lambda row: row.outcome),
        by_cache=_grouped(rows, lambda row: row.cache),
    )


def _who(row: ReportRow) -> str:
    """Who answered: a deployment, or the cache in its stead."""
    if row.cache in {"exact", "semantic"}:
        return "cache"
    return row.deployment or "none"


def _grouped(rows: Sequence[ReportRow], name: Callable[[ReportRow], str]) -> tuple[Line, ...]:
    names = sorted({name(row) for row in rows})
    return tuple(_line(each, [row for row in rows if name(row) == each]) for each in names)


def _line(name: str, rows: Iterable[ReportRow]) -> Line:
    rows = list(rows)
    return Line(
        name=name,
        requests=sum(row.requests for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost=sum((row.cost for row in rows), Decimal(0)),
        saved=sum((row.saved for row in rows), Decimal(0)),
        unpriced=sum(row.unpriced for row in rows),
    )
