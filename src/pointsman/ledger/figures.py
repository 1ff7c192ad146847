"""The figures, asked of the books: the same for the HTTP surface and for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from pointsman.ledger import analytics
from pointsman.ledger.analytics import GROUPINGS, Costs, Quality, Savings, Summary
from pointsman.ledger.effect import Effect, Span, effect, span, turn, windows
from pointsman.ledger.report import Report
from pointsman.ledger.report import report as summed
from pointsman.ports import Books
from pointsman.types import DIMENSIONS, Change, Dimension, Filter, ReportRow

#: What costs and savings are grouped by where nobody says.
USUAL = ("day", "tier", "deployment", "key")
#: Changes that are read to find when the version did.
_CHANGES = 200


class LearningBooks(Books, Protocol):
    """The books, and what happened to what was learned."""

    async def changes(
        self, *, organisation: str | None = None, limit: int = 100
    ) -> Sequence[Change]:
        """See `ports.VersionStore`."""


async def report(books: LearningBooks, which: Filter) -> Report:
    """Sums by deployment, tier, outcome, state of the cache and day."""
    rows = await _rows(books, which, ("deployment", "day"))
    return replace(summed(rows["deployment"], rows["day"]), learning=await _effect(books, which))


async def summary(books: LearningBooks, which: Filter) -> Summary:
    """All at a glance."""
    found = analytics.summary(await books.report(which), which)
    return replace(found, learning=await _effect(books, which))


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


async def _effect(books: LearningBooks, which: Filter) -> Effect | None:
    """Before and after what was learned last; an organisation's own, else everybody's."""
    found = None
    for organisation in dict.fromkeys((which.organisation or "", "")):
        found = found or turn(await books.changes(organisation=organisation, limit=_CHANGES))
    if found is None:
        return None
    sides = windows(*found, which)
    before, after = await asyncio.gather(*(_span(books, side) for side in sides))
    return effect(*found, before, after)


async def _span(books: Books, which: Filter) -> Span:
    rows, ratings = await asyncio.gather(
        books.report(which, ("served_tier", "cache")), books.ratings(which)
    )
    return span(which, rows, ratings)


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
