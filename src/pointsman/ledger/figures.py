"""The figures, asked of the books: the same for the HTTP surface and for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pointsman.ledger import analytics
from pointsman.ledger.analytics import GROUPINGS, Costs, Quality, Savings, Summary
from pointsman.ledger.report import Report
from pointsman.ledger.report import report as summed
from pointsman.ports import Books
from pointsman.types import DIMENSIONS, Dimension, Filter, ReportRow

#: What costs and savings are grouped by where nobody says.
USUAL = ("day", "tier", "deployment", "key")


async def report(books: Books, which: Filter) -> Report:
    """Sums by deployment, tier, outcome, state of the cache and day."""
    rows = await _rows(books, which, ("deployment", "day"))
    return summed(rows["deployment"], rows["day"])


async def summary(books: Books, which: Filter) -> Summary:
    """All at a glance."""
    return analytics.summary(await books.report(which), which)


async def costs(books: Books, which: Filter, by: Sequence[str] = USUAL) -> Costs:
    """What was spent, by each of the groupings."""
    return analytics.costs(await _rows(books, which, by))


async def quality(books: Books, which: Filter, by: Sequence[str] = ("deployment",)) -> Quality:
    """How it went, by each of the groupings."""
    rows, ratings = await asyncio.gather(_rows(books, which, by, "outcome"), books.ratings(which))
    return analytics.quality(rows, ratings)


async def savings(
    books: Books, which: Filter, by: Sequence[str] = USUAL, *, baseline: str
) -> Savings:
    """What was saved against the `baseline` of that name, by each of the groupings."""
    return analytics.savings(await _rows(books, which, by, "cache"), baseline)


async def _rows(
    books: Books, which: Filter, by: Sequence[str], *also: Dimension
) -> dict[str, Sequence[ReportRow]]:
    """The rows for each grouping, and `also` by what these say."""
    needed = {name: _dimensions(GROUPINGS[name], also) for name in by}
    reports = tuple(dict.fromkeys(needed.values()))
    found = await asyncio.gather(*(books.report(which, each) for each in reports))
    rows = dict(zip(reports, found, strict=True))
    return {name: rows[each] for name, each in needed.items()}


def _dimensions(grouping: Dimension, also: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """What to report by: few rows with all that is in `DIMENSIONS`; keys as the books have them."""
    if grouping in DIMENSIONS:
        return DIMENSIONS
    return ("organisation", "key", *also) if grouping == "key" else (grouping, *also)
