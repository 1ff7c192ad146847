"""What the person who pays asks: shares, cost, quality, savings. Pure sums over the books' rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from pointsman.ledger.effect import Effect
from pointsman.ledger.report import (
    Line,
    dollars,
    grouped,
    lines,
    share,
    summed,
)
from pointsman.types import Dimension, Filter, Outcome, RatingRow, ReportRow

#: What figures may be grouped by, as people say it; `model` and `deployment` are the same.
GROUPINGS: Mapping[str, Dimension] = {
    "day": "day",
    "tier": "served_tier",
    "deployment": "deployment",
    "model": "deployment",
    "key": "key",
    "organisation": "organisation",
    "outcome": "outcome",
    "cache": "cache",
}
#: How savings are computed, in words for people.
FORMULA = (
    "saved = baseline_cost - cost, over the requests whose cost and baseline are both known;"
    " baseline_cost is what the same tokens would have cost on the baseline;"
    " cost includes drafts, samples, judge, embeddings and failed calls (overhead);"
    " share = saved / baseline_cost"
)


class Share(msgspec.Struct, frozen=True):
    """One group's part of the whole."""

    name: str
    requests: int
    #: Of all requests, 0-1.
    of_requests: float
    #: US dollars; None where no request's price is known.
    cost: Decimal | None
    #: Of all cost, 0-1; None where nothing cost anything.
    of_cost: float | None
    #: Requests of unknown price: in no cost.
    unpriced: int


class Summary(msgspec.Struct, frozen=True):
    """All of it at a glance."""

    since: datetime | None
    until: datetime | None
    total: Line
    deployments: tuple[Share, ...]
    tiers: tuple[Share, ...]
    outcomes: tuple[Share, ...]
    cache: tuple[Share, ...]
    #: Before and after what was learned last; None where nothing was.
    learning: Effect | None = None


class Costs(msgspec.Struct, frozen=True):
    """What was spent, in all and by what was asked for."""

    total: Line
    by: Mapping[str, tuple[Line, ...]]


class QualityLine(msgspec.Struct, frozen=True):
    """How some of the requests went."""

    name: str
    requests: int
    #: Requests that are still open; they are in no rate.
    open: int
    #: Of those that have ended, 0-1; None where none has.
    completed: float | None
    failed: float | None
    client_left: float | None
    refused: float | None
    interrupted: float | None
    #: Of those that have ended: answers that a verifier looked at first.
    verified: float | None
    #: Of the verified: those that went on to a better model.
    escalated: float | None
    #: Mean milliseconds of those that completed.
    latency_ms: float | None
    #: Ratings above zero, below it and at it; None where ratings are not grouped so.
    good: int | None = None
    bad: int | None = None
    neutral: int | None = None
    #: Mean of all ratings, -1 to 1; None where there are none.
    rating: float | None = None


class Quality(msgspec.Struct, frozen=True):
    """How the requests went, in all and by what was asked for."""

    total: QualityLine
    by: Mapping[str, tuple[QualityLine, ...]]


class SavingsLine(msgspec.Struct, frozen=True):
    """What some of the requests saved; money is in US dollars, exact."""

    name: str
    requests: int
    #: Those whose cost and baseline are both known: all sums but the last ones are over them.
    compared: int
    baseline_cost: Decimal
    #: None where no request's price is known, as what was saved and the overhead.
    cost: Decimal | None
    #: `baseline_cost - cost`: net of drafts, judge and embeddings.
    saved: Decimal | None
    #: `saved / baseline_cost`; None where there is no baseline cost.
    share: float | None
    #: Of `saved`: replies that the cache gave again.
    saved_by_cache: Decimal
    #: Of `cost` and `excluded_cost`: drafts, samples, judge, embeddings, what failed.
    overhead: Decimal | None
    #: Requests that can't be compared, and what of their cost is known: in no savings.
    excluded: int
    excluded_cost: Decimal | None
    #: Of the excluded: those with usage whose price is unknown.
    unpriced: int
    #: Requests whose tokens are estimated, and what they cost.
    estimated: int
    estimated_cost: Decimal


class Savings(msgspec.Struct, frozen=True):
    """What routing and cache saved against always asking the baseline, and how that is known."""

    formula: str
    #: Its name: a deployment, or a model of the price list.
    baseline: str
    total: SavingsLine
    by: Mapping[str, tuple[SavingsLine, ...]]


def summary(rows: Sequence[ReportRow], which: Filter) -> Summary:
    """All at a glance; the rows are grouped by `DIMENSIONS`."""
    return Summary(
        since=which.since,
        until=which.until,
        total=summed("total", rows),
        deployments=_shares(lines(rows, "deployment")),
        tiers=_shares(lines(rows, "served_tier")),
        outcomes=_shares(lines(rows, "outcome")),
        cache=_shares(lines(rows, "cache")),
    )


def costs(rows: Mapping[str, Sequence[ReportRow]]) -> Costs:
    """The rows of each grouping, added up; the total is the first one's."""
    return Costs(
        total=summed("total", _first(rows)),
        by={name: lines(those, GROUPINGS[name]) for name, those in rows.items()},
    )


def quality(rows: Mapping[str, Sequence[ReportRow]], ratings: Sequence[RatingRow]) -> Quality:
    """How it went: the rows are grouped by outcome, too."""
    by: dict[str, tuple[QualityLine, ...]] = {}
    for name, those in rows.items():
        said = _ratings_by(GROUPINGS[name], ratings)
        by[name] = tuple(
            _quality(group, members, None if said is None else said.get(group, []))
            for group, members in sorted(grouped(those, GROUPINGS[name]).items())
        )
    return Quality(total=_quality("total", _first(rows), ratings), by=by)


def savings(rows: Mapping[str, Sequence[ReportRow]], baseline: str) -> Savings:
    """What was saved: the rows are grouped by the state of the cache, too."""
    by: dict[str, tuple[SavingsLine, ...]] = {}
    for name, those in rows.items():
        groups = grouped(those, GROUPINGS[name])
        order = [line.name for line in lines(those, GROUPINGS[name])]
        by[name] = tuple(_savings(group, groups[group]) for group in order)
    return Savings(FORMULA, baseline, _savings("total", _first(rows)), by)


def _first(rows: Mapping[str, Sequence[ReportRow]]) -> Sequence[ReportRow]:
    return next(iter(rows.values()), ())


def _shares(every: Sequence[Line]) -> tuple[Share, ...]:
    requests = sum(line.requests for line in every)
    cost = dollars(line.cost for line in every if line.cost is not None)
    return tuple(
        Share(
            name=line.name,
            requests=line.requests,
            of_requests=share(line.requests, requests) or 0.0,
            cost=line.cost,
            of_cost=None if line.cost is None else share(line.cost, cost),
            unpriced=line.unpriced,
        )
        for line in every
    )


def _savings(name: str, rows: Sequence[ReportRow]) -> SavingsLine:
    line = summed(name, rows)
    cost = None if line.saved is None else line.baseline_cost - line.saved
    return SavingsLine(
        name=name,
        requests=line.requests,
        compared=line.compared,
        baseline_cost=line.baseline_cost,
        cost=cost,
        saved=line.saved,
        share=line.saved_share,
        saved_by_cache=dollars(row.saved for row in rows if row.is_hit),
        overhead=line.overhead,
        excluded=line.requests - line.compared,
        excluded_cost=None if line.cost is None or cost is None else line.cost - cost,
        unpriced=line.unpriced,
        estimated=line.estimated,
        estimated_cost=line.estimated_cost,
    )


def _quality(
    name: str, rows: Sequence[ReportRow], ratings: Sequence[RatingRow] | None
) -> QualityLine:
    outcomes: defaultdict[Outcome | None, int] = defaultdict(int)
    for row in rows:
        outcomes[row.outcome] += row.requests
    requests = sum(outcomes.values())
    ended = requests - outcomes["open"]
    verified = sum(row.verified for row in rows)
    timed = sum(row.completed for row in rows)
    said = ratings or ()
    return QualityLine(
        name=name,
        requests=requests,
        open=outcomes["open"],
        completed=share(outcomes["completed"], ended),
        failed=share(outcomes["failed"], ended),
        client_left=share(outcomes["client_left"], ended),
        refused=share(outcomes["refused"], ended),
        interrupted=share(outcomes["interrupted"], ended),
        verified=share(verified, ended),
        escalated=share(sum(row.escalated for row in rows), verified),
        latency_ms=sum(row.latency_ms for row in rows) / timed if timed else None,
        good=None if ratings is None else sum(each.good for each in said),
        bad=None if ratings is None else sum(each.bad for each in said),
        neutral=None if ratings is None else sum(each.neutral for each in said),
        rating=_mean(said),
    )


def _ratings_by(by: Dimension, ratings: Iterable[RatingRow]) -> dict[str, list[RatingRow]] | None:
    """The ratings by the name of their group; None where they are not grouped so."""
    if by not in {"deployment", "served_tier", "cache"}:
        return None
    groups: defaultdict[str, list[RatingRow]] = defaultdict(list)
    for row in ratings:
        seen = ReportRow(0, deployment=row.deployment, served_tier=row.served_tier, cache=row.cache)
        groups[next(iter(grouped([seen], by)))].append(row)
    return groups


def _mean(ratings: Sequence[RatingRow]) -> float | None:
    counts = [row.good + row.bad + row.neutral for row in ratings]
    total = sum(counts)
    if not total:
        return None
    return sum(row.mean * count for row, count in zip(ratings, counts, strict=True)) / total
