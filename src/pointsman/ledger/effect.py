"""Before and after: what requests did before what was learned last was in force, and since. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from pointsman.types import SHIPPED, Change, Filter, RatingRow, ReportRow


class Span(msgspec.Struct, frozen=True):
    """Requests of some time that deployments answered."""

    since: datetime | None
    until: datetime | None
    requests: int = 0
    #: Shares of them by the tier that answered, 0-1.
    tiers: Mapping[str, float] = msgspec.field(default_factory=dict)
    #: Mean of what users said, -1 to 1, and how often they did; None where nobody did.
    rating: float | None = None
    ratings: int = 0
    #: US dollars for each of them; None where there are none.
    cost: Decimal | None = None


class Effect(msgspec.Struct, frozen=True):
    """What became of it when another version was put in force."""

    version: str
    since: datetime
    why: str
    #: What was in force before.
    instead_of: str
    before: Span
    after: Span


def turn(changes: Sequence[Change]) -> tuple[Change, Change | None] | None:
    """The last change of version and the one before it; None where nothing was learned.

    `changes` are the newest first.
    """
    named = [each for each in changes if each.version is not None]
    if not named:
        return None
    previous = next((each for each in named if each.version != named[0].version), None)
    return named[0], previous


def windows(last: Change, previous: Change | None, which: Filter) -> tuple[Filter, Filter]:
    """Which entries lie before, and which after, of those that are meant at all."""
    began = None if previous is None else previous.time
    return _within(which, began, last.time), _within(which, last.time, None)


def effect(last: Change, previous: Change | None, before: Span, after: Span) -> Effect:
    """Both sides of a change."""
    instead_of = SHIPPED if previous is None or previous.version is None else previous.version
    return Effect(last.version or SHIPPED, last.time, last.text, instead_of, before, after)


def span(which: Filter, rows: Sequence[ReportRow], ratings: Sequence[RatingRow]) -> Span:
    """One side; the rows are by tier and state of the cache."""
    counts: Counter[str] = Counter()
    cost = Decimal(0)
    for row in rows:
        if row.served_tier is not None and not row.is_hit:
            counts[row.served_tier] += row.requests
            cost += row.cost
    requests = counts.total()
    said = sum(row.good + row.bad + row.neutral for row in ratings)
    total = sum(row.mean * (row.good + row.bad + row.neutral) for row in ratings)
    return Span(
        since=which.since,
        until=which.until,
        requests=requests,
        tiers={tier: count / requests for tier, count in sorted(counts.items())},
        rating=total / said if said else None,
        ratings=said,
        cost=cost / requests if requests else None,
    )


def _within(which: Filter, since: datetime | None, until: datetime | None) -> Filter:
    starts = [each for each in (which.since, since) if each is not None]
    ends = [each for each in (which.until, until) if each is not None]
    return replace(which, since=max(starts, default=None), until=min(ends, default=None))
