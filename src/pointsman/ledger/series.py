"""Figures over time: in which steps a range is shown, and what happened in each. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil

import msgspec
from msgspec.structs import asdict

from pointsman.ledger.report import dollars, is_unknown
from pointsman.types import Location, SeriesRow

_DAY = timedelta(days=1)
#: A longer range is shown in days.
_LONGEST_FINE = 2 * _DAY
#: Seconds that shorter steps may have: they divide a day.
_FINE = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1, 1, 2, tzinfo=UTC)


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Over some entries; money is in US dollars, exact."""

    requests: int = 0
    #: Of the requests, each in one at most: answered by a deployment of that location, by the
    #: cache, or not at all although the client waited.
    local: int = 0
    cloud: int = 0
    cached: int = 0
    failed: int = 0
    #: As in `ReportRow`; None where the price of each request that has ended is unknown.
    cost: Decimal | None = Decimal(0)
    baseline_cost: Decimal = Decimal(0)
    saved: Decimal | None = Decimal(0)
    #: Requests with usage whose price is unknown: in no sum of money.
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Point(Sums, frozen=True, kw_only=True):
    """One step."""

    #: When it begins.
    time: datetime


class Series(msgspec.Struct, frozen=True):
    """A range of time, step by step."""

    since: datetime
    until: datetime
    step_s: int
    #: Every step of the range; of the first and the last, only what is in the range.
    points: tuple[Point, ...]
    totals: Sums
    #: The same of the period of equal length before.
    before: Sums


class Span(msgspec.Struct, frozen=True):
    """A range of time in steps that are round: the first and the last may be in it in part.

    Ranges of more than two days have steps of whole days in UTC.
    """

    since: datetime
    until: datetime
    step: timedelta

    @classmethod
    def of(cls, since: datetime, until: datetime, most: int) -> Span:
        """In `most` steps at most, or one more where the first and the last are cut."""
        length = until - since
        if length <= _LONGEST_FINE:
            for seconds in _FINE:
                if length <= most * timedelta(seconds=seconds):
                    return cls(since, until, timedelta(seconds=seconds))
        days = (until - timedelta.resolution).toordinal() - since.toordinal() + 1
        return cls(since, until, ceil(days / most) * _DAY)

    @property
    def first(self) -> datetime:
        """When the first step begins, or all time."""
        return self.begin(self.number(self.since))

    def number(self, time: datetime) -> int:
        """Of the step into which a time falls: they are counted from 1970 on, as the books do."""
        return (time - _EPOCH) // self.step

    def begin(self, number: int) -> datetime:
        """When that step begins, or all time."""
        return _EPOCH + max(number * self.step, _FIRST - _EPOCH)

    @property
    def before(self) -> datetime:
        """When the period of equal length before begins, or all time."""
        return self.since - min(self.until - self.since, self.since - _FIRST)


def series(
    span: Span,
    rows: Sequence[SeriesRow],
    earlier: Iterable[SeriesRow],
    where: Mapping[str, Location],
) -> Series:
    """The rows of the span and of the period before; `where` is each deployment's location."""
    steps: defaultdict[int, list[SeriesRow]] = defaultdict(list)
    for row in rows:
        steps[span.number(row.time)].append(row)
    last = span.number(span.until - timedelta.resolution)
    points = (
        Point(time=span.begin(number), **asdict(summed(steps[number], where)))
        for number in range(span.number(span.since), last + 1)
    )
    return Series(
        span.since,
        span.until,
        span.step // timedelta(seconds=1),
        tuple(points),
        summed(rows, where),
        summed(earlier, where),
    )


def summed(rows: Iterable[SeriesRow], where: Mapping[str, Location]) -> Sums:
    """The rows as one; `where` is each deployment's location."""
    rows = list(rows)
    kinds = Counter[str | None]()
    for row in rows:
        kinds[_kind(row, where)] += row.requests
    unpriced, cost = sum(row.unpriced for row in rows), dollars(row.cost for row in rows)
    unknown = is_unknown(kinds.total() - kinds["open"], unpriced, cost)
    return Sums(
        requests=kinds.total(),
        local=kinds["local"],
        cloud=kinds["cloud"],
        cached=kinds["cached"],
        failed=kinds["failed"],
        cost=None if unknown else cost,
        baseline_cost=dollars(row.baseline_cost for row in rows),
        saved=None if unknown else dollars(row.saved for row in rows),
        unpriced=unpriced,
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        reasoning_tokens=sum(row.reasoning_tokens for row in rows),
    )


def _kind(row: SeriesRow, where: Mapping[str, Location]) -> str | None:
    if row.end == "answered":
        return None if row.deployment is None else where.get(row.deployment)
    return row.end
