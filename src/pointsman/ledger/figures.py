"""The figures, asked of the books: the same for the HTTP surface and for the command line."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.ledger import analytics
from pointsman.ledger.analytics import GROUPINGS, Costs, Quality, Savings, Summary
from pointsman.ledger.report import Report
from pointsman.ledger.report import report as summed
from pointsman.ports import Books
from pointsman.types import Dimension, Filter, ReportRow

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
    """The rows for each grouping, one after the other: together they would only wait in line.

    What the cache answered is no deployment's, so that these need its state, too.
    """
    rows: dict[str, Sequence[ReportRow]] = {}
    for name in by:
        own = GROUPINGS[name]
        needed = (own, "cache", *also) if own == "deployment" else (own, *also)
        rows[name] = await books.report(which, tuple(dict.fromkeys(needed)))
    return rows
