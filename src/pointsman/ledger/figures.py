"""The figures, asked of the books: the same for the HTTP surface and for the command line."""

from __future__ import annotations

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
    return summed(await books.report(which), await books.report(which, ("day",)))


async def summary(books: Books, which: Filter) -> Summary:
    """All at a glance."""
    return analytics.summary(await books.report(which), which)


async def costs(books: Books, which: Filter, by: Sequence[str] = USUAL) -> Costs:
    """What was spent, by each of the groupings."""
    return analytics.costs(await _rows(books, which, by))


async def quality(books: Books, which: Filter, by: Sequence[str] = ("deployment",)) -> Quality:
    """How it went, by each of the groupings."""
    rows = await _rows(books, which, by, "outcome")
    return analytics.quality(rows, await books.ratings(which))


async def savings(
    books: Books, which: Filter, by: Sequence[str] = USUAL, *, baseline: str
) -> Savings:
    """What was saved against the `baseline` of that name, by each of the groupings."""
    return analytics.savings(await _rows(books, which, by, "cache"), baseline)


async def _rows(
    books: Books, which: Filter, by: Sequence[str], *also: Dimension
) -> dict[str, Sequence[ReportRow]]:
    """The rows for each grouping, and `also` by what these say.

    What is in `DIMENSIONS` comes of one report: it has few rows, whatever it is summed over.
    """
    rows: dict[str, Sequence[ReportRow]] = {}
    small: Sequence[ReportRow] | None = None
    for name in by:
        grouping = GROUPINGS[name]
        if grouping in DIMENSIONS:
            small = await books.report(which) if small is None else small
            rows[name] = small
        else:
            rows[name] = await books.report(which, (grouping, *also))
    return rows
