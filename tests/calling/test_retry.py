"""Whether a failed attempt is made again, when, and how many are at once."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.calling.retry import (
    LONGEST_S,
    RetryBudget,
    backoff,
    parse_retry_after,
    retriable,
)
from pointsman.errors import (
    Busy,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def test_a_small_load_may_retry_three_at_once() -> None:
    budget = RetryBudget()
    budget.enter()

    assert [budget.take() for _ in range(4)] == [True, True, True, False]

    budget.give_back()
    assert budget.take()


def test_a_large_load_may_retry_a_fifth_of_itself() -> None:
    budget = RetryBudget()
    for _ in range(50):
        budget.enter()

    assert sum(budget.take() for _ in range(50)) == 10


def test_a_share_of_nothing_forbids_retries() -> None:
    budget = RetryBudget(share=0.0, least=0)
    budget.enter()

    assert not budget.take()


@given(st.lists(st.sampled_from(["enter", "leave", "take", "give_back"]), max_size=200))
def test_retries_in_flight_never_exceed_the_budget_when_one_begins(events: list[str]) -> None:
    budget, active, retries = RetryBudget(), 0, 0
    for event in events:
        if event == "enter":
            budget.enter()
            active += 1
        elif event == "leave" and active:
            budget.leave()
            active -= 1
        elif event == "take":
            allowed = retries < max(3, int(0.2 * active))
            assert budget.take() == allowed
            retries += allowed
        elif event == "give_back" and retries:
            budget.give_back()
            retries -= 1


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(0, 0.25), (1, 0.5), (2, 1.0), (4, 4.0), (5, 8.0), (6, 8.0), (10_000, 8.0)],
)
def test_the_pause_doubles_up_to_its_cap_and_is_spread_from_nothing(
    attempt: int, longest: float
) -> None:
    assert backoff(attempt, 0.0) == 0.0
    assert backoff(attempt, 0.5) == longest / 2
    assert backoff(attempt, 1.0) == longest


@pytest.mark.parametrize(
    ("error", "again"),
    [
        *[(UpstreamRefused(s), True) for s in (408, 409, 429, 500, 502, 503, 504, 529)],
        *[(UpstreamRefused(s), False) for s in (400, 401, 403, 404, 413, 415, 422, 501)],
        (UpstreamRefused(429, {"x-should-retry": "false"}), False),
        (UpstreamRefused(400, {"x-should-retry": "true"}), False),
        (UpstreamUnreachable("refused"), True),
        (UpstreamTimeout("no first byte"), True),
        (UpstreamBroken("cut"), True),
        (Busy("full", retry_after=1.0), False),
    ],
)
def test_what_may_pass_is_tried_again(error: UpstreamError, *, again: bool) -> None:
    assert retriable(error) == again


def in_seconds(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1000000000"}, LONGEST_S),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": in_seconds(90)}, 90.0),
        ({"retry-after": in_seconds(-90)}, 0.0),
        ({"retry-after": in_seconds(1e6)}, LONGEST_S),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Saturday, 21-Nov-26 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 13:00:30 +0100"}, 30.0),
        ({"retry-after": "Sat, 32 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 99999 12:00:30 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 +9999999999"}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after-ms": "-1"}, 0.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, None),
    ],
)
def test_what_the_upstream_asks_is_read_and_bounded(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert parse_retry_after(headers, NOW) == seconds


DATES = (
    "Sat, 21 Nov 2026 12:00:30 GMT",
    "Saturday, 21-Nov-26 12:00:30 GMT",
    "Sat Nov 21 12:00:30 2026",
    "21 Nov 99999999999 12.00.30 +99999999999",
)


@st.composite
def almost_dates(draw: st.DrawFn) -> str:
    """A date with a piece of it replaced."""
    date = draw(st.sampled_from(DATES))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(date))] * 2)))
    return date[:start] + draw(st.text(",:+- .01N", max_size=3)) + date[end:]


@given(st.text(max_size=30) | almost_dates(), st.text(max_size=10) | st.none())
def test_nothing_that_stands_there_breaks_it(stated: str, milliseconds: str | None) -> None:
    headers = {"retry-after": stated}
    if milliseconds is not None:
        headers["retry-after-ms"] = milliseconds

    wait = parse_retry_after(headers, NOW)

    assert wait is None or 0.0 <= wait <= LONGEST_S


@given(st.integers(0, int(LONGEST_S)))
def test_seconds_and_dates_say_the_same(seconds: int) -> None:
    by_date = parse_retry_after({"retry-after": in_seconds(seconds)}, NOW)

    assert by_date == parse_retry_after({"retry-after": str(seconds)}, NOW) == seconds
