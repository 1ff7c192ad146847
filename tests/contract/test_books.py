"""What all books show of their entries: `ports.Books`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.books import Store
from tests.support.entries import NOON, entry

from pointsman.errors import NotFound
from pointsman.types import (
    Attempt,
    Dimension,
    Entry,
    Feedback,
    Filter,
    Principal,
    Progress,
    RatingRow,
    ReportRow,
    Scope,
    Settlement,
    Usage,
    Verdict,
)

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 5, 1, tzinfo=UTC)
ALL = 1000

#: A verifier did not like a draft, and a better model answered.
ESCALATED = (
    Attempt("small", "simple", "completed", purpose="draft", verdict=Verdict(False, 0.2, 0.5)),
    Attempt("large", "complex", "completed"),
)
ACCEPTED = (Attempt("small", "simple", "completed", verdict=Verdict(True, 0.9, 0.5)),)


# Random entries

amounts = st.none() | st.integers(0, 10**15).map(lambda picos: Decimal(picos).scaleb(-12))
#: Around the ends of three days.
moments = st.builds(
    lambda day, offset: MIDNIGHT + day * DAY + offset,
    st.integers(0, 2),
    st.sampled_from([timedelta(), MICROSECOND, DAY / 2, DAY - MICROSECOND]),
)
usages = st.builds(Usage, *[st.integers(0, 10**6)] * 5, estimated=st.booleans())
settlements = st.builds(
    Settlement,
    outcome=st.sampled_from(["completed", "client_left", "failed", "interrupted", "refused"]),
    attempts=st.sampled_from([(), ACCEPTED, ESCALATED]),
    served_tier=st.sampled_from([None, "simple", "complex"]),
    deployment=st.sampled_from([None, "small", "large"]),
    usage=st.none() | usages,
    cost=amounts,
    overhead=amounts,
    baseline_cost=amounts,
    latency_ms=st.floats(0, 1e6),
)
progresses = st.builds(
    Progress,
    deployment=st.sampled_from(["small", "large"]),
    served_tier=st.sampled_from(["simple", "complex"]),
    usage=usages,
    cost=amounts,
)
#: An entry, how far it came, how it ended, and whether it ended before it was written.
lives = st.tuples(
    st.builds(
        entry,
        time=moments,
        key=st.sampled_from(["k1", "k2"]),
        user=st.sampled_from([None, "ann"]),
        model_asked=st.sampled_from(["auto", "local"]),
        cache=st.sampled_from(["exact", "miss"]),
        outcome=st.just("open"),
    ),
    st.none() | progresses,
    st.none() | settlements,
    st.booleans(),
)
maybe = st.none
filters = st.builds(
    Filter,
    since=maybe() | moments,
    until=maybe() | moments,
    key=maybe() | st.just("k1"),
    user=st.sampled_from([None, None, "ann"]),
    deployment=maybe() | st.just("small"),
    served_tier=maybe() | st.just("simple"),
    outcome=st.sampled_from([None, None, "open", "completed", "failed"]),
    cache=maybe() | st.just("exact"),
    model_asked=maybe() | st.just("local"),
)
dimensions = st.lists(
    st.sampled_from(
        ["day", "organisation", "key", "deployment", "served_tier", "outcome", "cache"]
    ),
    unique=True,
)
numbers = count()


async def write(
    books: Store, lived: Iterable[tuple[Entry, Progress | None, Settlement | None, bool]]
) -> str:
    """Write the entries into an organisation of their own; returns its name."""
    organisation = f"org{next(numbers)}"
    for number, (one, progress, settlement, at_once) in enumerate(lived):
        who = replace(one.principal, organisation=organisation)
        new = replace(one, request_id=f"{organisation}-{number}", principal=who)
        await books.reserve(replace(new, settlement=settlement) if at_once else new)
        if progress:
            await books.mark(new.request_id, progress)
        if settlement:
            await books.settle(new.request_id, settlement)
    return organisation


GROUPS: dict[Dimension, Callable[[Entry], date | str | None]] = {
    "day": lambda e: e.time.date(),
    "organisation": lambda e: e.principal.organisation,
    "key": lambda e: e.principal.key,
    "deployment": lambda e: e.settlement.deployment if e.settlement else None,
    "served_tier": lambda e: e.settlement.served_tier if e.settlement else None,
    "outcome": lambda e: e.outcome,
    "cache": lambda e: e.lookup.state,
}


def summed(entries: Iterable[Entry], by: Sequence[Dimension]) -> list[ReportRow]:
    """What the report is to say of these entries, from the meaning of its columns."""
    groups: defaultdict[tuple[date | str | None, ...], list[Entry]] = defaultdict(list)
    for each in entries:
        groups[tuple(GROUPS[name](each) for name in by)].append(each)
    ordered = sorted(groups, key=lambda group: [(part is not None, part or "") for part in group])
    return [replace(_row(groups[group]), **dict(zip(by, group, strict=True))) for group in ordered]


def _row(entries: Sequence[Entry]) -> ReportRow:
    ends = [each.settlement for each in entries if each.settlement]
    used = [(end, end.usage) for end in ends if end.usage]
    priced = [(end, end.cost) for end in ends if end.cost is not None]
    compared = [end for end, _ in priced if end.baseline_cost is not None]
    estimated = [end for end, usage in used if usage.estimated]
    completed = [end for end in ends if end.outcome == "completed"]
    return ReportRow(
        requests=len(entries),
        input_tokens=sum(usage.input_tokens for _, usage in used),
        output_tokens=sum(usage.output_tokens for _, usage in used),
        cached_tokens=sum(usage.cached_tokens for _, usage in used),
        written_tokens=sum(usage.written_tokens for _, usage in used),
        reasoning_tokens=sum(usage.reasoning_tokens for _, usage in used),
        cost=sum((cost for _, cost in priced), Decimal(0)),
        overhead=sum((end.overhead or Decimal(0) for end, _ in priced), Decimal(0)),
        baseline_cost=sum((end.baseline_cost or Decimal(0) for end in compared), Decimal(0)),
        saved=sum((end.saved or Decimal(0) for end in compared), Decimal(0)),
        compared=len(compared),
        unpriced=sum(end.cost is None for end, _ in used),
        estimated=len(estimated),
        estimated_cost=sum((end.cost or Decimal(0) for end in estimated), Decimal(0)),
        verified=sum(end.attempts in (ACCEPTED, ESCALATED) for end in ends),
        escalated=sum(end.attempts == ESCALATED for end in ends),
        latency_ms=sum(end.latency_ms for end in completed),
        completed=len(completed),
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lived=st.lists(lives, max_size=8), wanted=filters, by=dimensions)
async def test_a_report_is_the_sum_of_the_entries_that_it_is_of(
    books: Store,
    lived: list[tuple[Entry, Progress | None, Settlement | None, bool]],
    wanted: Filter,
    by: list[Dimension],
):
    which = replace(wanted, organisation=await write(books, lived))

    report = await books.report(which, by)

    expected = summed(await books.list(limit=ALL, which=which), by)
    assert [replace(row, latency_ms=0) for row in report] == [
        replace(row, latency_ms=0) for row in expected
    ]
    assert [row.latency_ms for row in report] == pytest.approx([row.latency_ms for row in expected])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lived=st.lists(lives, max_size=8), wanted=filters)
async def test_a_list_has_what_fits_its_filter(
    books: Store,
    lived: list[tuple[Entry, Progress | None, Settlement | None, bool]],
    wanted: Filter,
):
    organisation = await write(books, lived)
    every = await books.list(limit=ALL, which=Filter(organisation=organisation))
    assert len(every) == len(lived)

    found = await books.list(limit=ALL, which=replace(wanted, organisation=organisation))

    conditions: list[tuple[object, Callable[[Entry], object]]] = [
        (wanted.key, GROUPS["key"]),
        (wanted.user, lambda e: e.principal.user),
        (wanted.deployment, GROUPS["deployment"]),
        (wanted.served_tier, GROUPS["served_tier"]),
        (wanted.outcome, GROUPS["outcome"]),
        (wanted.cache, GROUPS["cache"]),
        (wanted.model_asked, lambda e: e.model_asked),
    ]
    assert list(found) == [
        each
        for each in every
        if all(value is None or value == of(each) for value, of in conditions)
        and (wanted.since is None or each.time >= wanted.since)
        and (wanted.until is None or each.time < wanted.until)
    ]


# By hand


async def test_books_without_entries_report_nothing(books: Store):
    assert list(await books.report(by=())) == []
    assert list(await books.report(by=("day", "key"))) == []
    assert list(await books.ratings()) == []


async def test_a_day_is_one_in_utc(books: Store):
    await books.reserve(entry("late", MIDNIGHT - MICROSECOND))
    await books.reserve(entry("early", MIDNIGHT))

    report = await books.report(by=("day",))

    assert [(row.day, row.requests) for row in report] == [
        (date(2026, 4, 30), 1),
        (date(2026, 5, 1), 1),
    ]


async def test_a_mark_is_no_answer_yet(books: Store):
    """How far an open entry has come is shown nowhere before it ends."""
    opened = entry(outcome="open")
    await books.reserve(opened)
    await books.mark("r1", Progress("small", "simple", Usage(10, 5, estimated=True), Decimal(1)))

    assert await books.get("r1") == opened
    assert list(await books.list(limit=1, which=Filter(deployment="small"))) == []
    assert list(await books.report()) == [ReportRow(1, outcome="open", cache="miss")]


async def test_a_mark_changes_nothing_that_is_settled_or_unknown(books: Store):
    settled = entry()
    await books.reserve(settled)
    for request_id in ("r1", "nobody"):
        await books.mark(request_id, Progress("large", "complex", Usage(1, 1), Decimal(9)))

    assert await books.get("r1") == settled
    assert await books.get("nobody") is None


async def test_the_end_user_is_in_the_books(books: Store):
    await books.reserve(entry("r1", user="ann"))
    await books.reserve(entry("r2"))

    found = await books.get("r1")
    assert found
    assert found.principal == Principal("acme", "k1", "ann")
    [row] = await books.report(Filter(user="ann"))
    assert row.requests == 1


# Who sees what

SCOPES = [
    (Scope(), True),
    (Scope("acme"), True),
    (Scope("acme", "k1"), True),
    (Scope("other"), False),
    (Scope("acme", "k2"), False),
    (Scope("other", "k1"), False),
    (Scope(key="k2"), False),
]


@pytest.mark.parametrize(("scope", "seen"), SCOPES)
async def test_an_entry_is_seen_only_in_its_scope(books: Store, scope: Scope, seen: bool):  # noqa: FBT001
    await books.reserve(entry())
    assert (await books.get("r1", scope) is not None) is seen


@pytest.mark.parametrize(("scope", "seen"), SCOPES)
async def test_feedback_is_given_only_in_its_scope(books: Store, scope: Scope, seen: bool):  # noqa: FBT001
    await books.reserve(entry())
    said = Feedback("r1", NOON, rating=1.0)
    if seen:
        await books.add(said, scope)
    else:
        with pytest.raises(NotFound, match="'r1'"):
            await books.add(said, scope)

    found = await books.get("r1")
    assert found
    assert found.feedback == ((said,) if seen else ())


# Ratings


async def test_ratings_are_counted_by_who_answered(books: Store):
    await books.reserve(entry("r1"))
    await books.reserve(entry("r2", deployment="large", tier="complex", cache="semantic"))
    await books.reserve(entry("r3", outcome="open"))
    for request_id, rating in [
        *(("r1", 1.0), ("r1", 0.5), ("r1", -1.0), ("r1", 0.0), ("r1", None)),
        *(("r2", -0.5), ("r3", 1.0)),
    ]:
        await books.add(Feedback(request_id, NOON, rating=rating, comment="said"))

    assert list(await books.ratings()) == [
        RatingRow(None, None, "miss", good=1, bad=0, neutral=0, mean=1.0),
        RatingRow("large", "complex", "semantic", good=0, bad=1, neutral=0, mean=-0.5),
        RatingRow("small", "simple", "miss", good=2, bad=1, neutral=1, mean=0.125),
    ]
    assert len(await books.ratings(Filter(cache="semantic"))) == 1
    assert list(await books.ratings(Filter(since=NOON + MICROSECOND))) == []
    assert list(await books.ratings(Filter(organisation="other"))) == []
