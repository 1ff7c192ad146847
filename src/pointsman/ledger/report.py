"""The books in one view: what was spent, and what it would have cost on the baseline. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from pointsman.ledger.effect import Effect
from pointsman.types import Dimension, ReportRow

#: What stands for an entry without one: no deployment answered, no key was sent.
NONE = "none"


class Line(msgspec.Struct, frozen=True):
    """Sums over some of the entries; money is in US dollars, exact."""

    name: str
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    #: Of the input tokens: read from a provider's cache, and written to it.
    cached_tokens: int = 0
    written_tokens: int = 0
    #: Of the output tokens: thought and not said.
    reasoning_tokens: int = 0
    #: Over the entries whose price is known; None where no entry's is, and so are what it saved and
    #: its overhead.
    cost: Decimal | None = Decimal(0)
    #: Of `cost`: drafts, samples, judge, embeddings, what failed.
    overhead: Decimal | None = Decimal(0)
    #: Over the entries that can be compared: cost and baseline are both known.
    baseline_cost: Decimal = Decimal(0)
    #: `baseline_cost` less what those entries cost; less than nothing where they cost more.
    saved: Decimal | None = Decimal(0)
    #: `saved` of `baseline_cost`; None where there is no baseline cost.
    saved_share: float | None = None
    #: Entries in `baseline_cost` and `saved`.
    compared: int = 0
    #: Entries with usage but no known price: in no sum of money.
    unpriced: int = 0
    #: Entries whose tokens we counted, for want of the provider's word; and their part of `cost`.
    estimated: int = 0
    estimated_cost: Decimal = Decimal(0)


class Report(msgspec.Struct, frozen=True):
    """Sums over all entries, and over groups of them."""

    total: Line
    by_deployment: tuple[Line, ...]
    by_tier: tuple[Line, ...]
    by_outcome: tuple[Line, ...]
    #: By what the cache said: `exact` and `semantic` cost nothing.
    by_cache: tuple[Line, ...] = ()
    #: By day, in UTC.
    by_day: tuple[Line, ...] = ()
    #: Before and after what was learned last; None where nothing was.
    learning: Effect | None = None


def report(rows: Sequence[ReportRow], days: Sequence[ReportRow] = ()) -> Report:
    """Add the ledger's rows up: `rows` by `DIMENSIONS`, `days` by day."""
    return Report(
        total=summed("total", rows),
        by_deployment=lines(rows, "deployment"),
        by_tier=lines(rows, "served_tier"),
        by_outcome=lines(rows, "outcome"),
        by_cache=lines(rows, "cache"),
        by_day=lines(days, "day"),
    )


def lines(rows: Iterable[ReportRow], by: Dimension) -> tuple[Line, ...]:
    """A line for each value of a dimension: days in order, else the most expensive first."""
    each = [summed(name, group) for name, group in grouped(rows, by).items()]
    if by == "day":
        return tuple(sorted(each, key=lambda line: line.name))
    return tuple(sorted(each, key=lambda line: (-(line.cost or 0), -line.requests, line.name)))


def grouped(rows: Iterable[ReportRow], by: Dimension) -> dict[str, list[ReportRow]]:
    """The rows by the name of what they are grouped by."""
    name = _NAMES[by]
    groups: defaultdict[str, list[ReportRow]] = defaultdict(list)
    for row in rows:
        groups[name(row) or NONE].append(row)
    return dict(groups)


def summed(name: str, rows: Iterable[ReportRow]) -> Line:
    """The rows as one line."""
    rows = list(rows)
    requests, unpriced = sum(row.requests for row in rows), sum(row.unpriced for row in rows)
    cost = dollars(row.cost for row in rows)
    unknown = is_unknown(requests, unpriced, cost)
    baseline_cost = dollars(row.baseline_cost for row in rows)
    saved = None if unknown else dollars(row.saved for row in rows)
    return Line(
        name=name,
        requests=requests,
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        written_tokens=sum(row.written_tokens for row in rows),
        reasoning_tokens=sum(row.reasoning_tokens for row in rows),
        cost=None if unknown else cost,
        overhead=None if unknown else dollars(row.overhead for row in rows),
        baseline_cost=baseline_cost,
        saved=saved,
        saved_share=None if saved is None else share(saved, baseline_cost),
        compared=sum(row.compared for row in rows),
        unpriced=unpriced,
        estimated=sum(row.estimated for row in rows),
        estimated_cost=dollars(row.estimated_cost for row in rows),
    )


def is_unknown(requests: int, unpriced: int, cost: Decimal) -> bool:
    """Whether nothing is known of what they cost: each used something whose price is unknown."""
    return 0 < unpriced == requests and not cost


def dollars(amounts: Iterable[Decimal]) -> Decimal:
    """Their exact sum."""
    return sum(amounts, Decimal(0))


def share(part: Decimal | int, whole: Decimal | int) -> float | None:
    """`part` of `whole`, for people; None of nothing."""
    return float(part / whole) if whole else None


def _who(row: ReportRow) -> str | None:
    """Who answered: a deployment, or the cache in its stead."""
    return "cache" if row.is_hit else row.deployment


_NAMES: dict[Dimension, Callable[[ReportRow], str | None]] = {
    "day": lambda row: row.day.isoformat() if row.day else None,
    "organisation": lambda row: row.organisation,
    "key": lambda row: row.key,
    "deployment": _who,
    "served_tier": lambda row: row.served_tier,
    "outcome": lambda row: row.outcome,
    "cache": lambda row: row.found,
}
