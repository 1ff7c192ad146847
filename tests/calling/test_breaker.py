"""The breaker's whole life, with time handed in."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.calling.breaker import Breaker


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(Breaker.FAILURES):
        assert breaker.enter(0.0)
        breaker.failed(0.0)
    return breaker


def test_opens_at_the_third_failure_in_a_row() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    breaker.failed(0.0)
    breaker.succeeded(0.0)
    breaker.failed(0.0)
    breaker.failed(0.0)
    assert not breaker.is_open(0.0)

    breaker.failed(0.0)

    assert breaker.is_open(0.0)
    assert not breaker.enter(0.0)
    assert breaker.wait(0.5) == Breaker.COOL_DOWN_S - 0.5


def test_lets_one_probe_pass_after_the_cool_down() -> None:
    breaker = opened()
    later = Breaker.COOL_DOWN_S

    assert breaker.enter(later)
    assert not breaker.enter(later)

    breaker.succeeded(later)
    assert breaker.enter(later)
    assert breaker.enter(later)


def test_its_state_in_one_word() -> None:
    breaker, later = opened(), Breaker.COOL_DOWN_S

    assert (Breaker().state(0.0), breaker.state(0.0)) == ("closed", "open")
    assert breaker.state(later) == "half-open"
    assert breaker.enter(later)
    assert breaker.state(later) == "half-open"

    breaker.succeeded(later)
    assert breaker.state(later) == "closed"


def test_a_failed_probe_doubles_the_cool_down() -> None:
    breaker = opened()
    now = Breaker.COOL_DOWN_S
    assert breaker.enter(now)

    breaker.failed(now)

    assert breaker.wait(now) == 2 * Breaker.COOL_DOWN_S


def test_a_probe_that_the_client_left_frees_its_place() -> None:
    breaker = opened()
    assert breaker.enter(Breaker.COOL_DOWN_S)

    breaker.left()

    assert breaker.enter(Breaker.COOL_DOWN_S)


def test_a_deployment_that_breaks_every_stream_is_left_alone() -> None:
    breaker = Breaker()
    for _ in range(Breaker.FAILURES):
        assert breaker.enter(0.0)
        breaker.answered()
        breaker.failed(0.0)

    assert breaker.is_open(0.0)


def test_flapping_opens_it_though_failures_never_come_in_a_row() -> None:
    breaker = Breaker()
    for second in range(5):
        breaker.succeeded(second)
        assert not breaker.is_open(second)
        breaker.failed(second)

    assert breaker.is_open(4.0)


def test_results_of_over_half_a_minute_ago_do_not_count() -> None:
    breaker = Breaker()
    for second in range(0, 120, 8):
        breaker.succeeded(second)
        breaker.failed(second)
        assert not breaker.is_open(second)


def test_a_few_failures_among_many_successes_leave_it_closed() -> None:
    breaker = Breaker()
    for second in range(200):
        breaker.succeeded(second / 10)
        breaker.succeeded(second / 10)
        breaker.failed(second / 10)

    assert not breaker.is_open(20.0)


def busy(breaker: Breaker, failing: float, results: int) -> float:
    """So many results at 200 a second, the share `failing` of them by chance; returns when.

    The first hundred fail regularly: who has seen nothing yet can't know better.
    """
    chance, now = random.Random(7), 0.0  # noqa: S311 - the same in every run
    for each in range(results):
        now = each / 200
        assert not breaker.is_open(now), f"opened at result {each}"
        if (each * failing % 1 < failing) if 0 < each < 100 else (chance.random() < failing):
            breaker.failed(now)
        else:
            breaker.succeeded(now)
    return now


@pytest.mark.parametrize("failing", [0.01, 0.05, 0.1, 0.2])
def test_three_in_a_row_by_chance_are_no_outage_where_some_always_fail(failing: float) -> None:
    busy(Breaker(), failing, results=20_000)


@pytest.mark.parametrize(("failing", "row"), [(0.0, 3), (0.01, 3), (0.05, 5), (0.1, 6), (0.2, 9)])
def test_the_more_fails_by_chance_the_longer_the_row_that_is_an_outage(
    failing: float, row: int
) -> None:
    breaker = Breaker()
    now = busy(breaker, failing, results=20_000)
    breaker.succeeded(now)

    for _ in range(row - 1):
        breaker.failed(now)
    assert not breaker.is_open(now)

    breaker.failed(now)
    assert breaker.is_open(now)


def flap(breaker: Breaker, start: float) -> float:
    """From now on every other request fails; returns when that opens it."""
    for each in range(40):
        now = start + each / 2
        assert breaker.enter(now)
        if each % 2:
            breaker.succeeded(now)
        else:
            breaker.failed(now)
        if breaker.is_open(now):
            return now
    raise AssertionError("it never opened")


def recover(breaker: Breaker, now: float) -> float:
    """The first probe succeeds; returns when."""
    rested = now + breaker.wait(now)
    assert breaker.enter(rested)
    breaker.succeeded(rested)
    return rested


def test_whoever_flaps_again_after_every_probe_is_left_alone_for_longer_and_longer() -> None:
    breaker, now, cool_downs = Breaker(), 0.0, []
    for _ in range(7):
        now = flap(breaker, now)
        cool_downs.append(breaker.wait(now))
        now = recover(breaker, now)

    assert cool_downs == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_half_a_minute_of_health_is_a_new_beginning() -> None:
    breaker, now = Breaker(), 0.0
    for _ in range(3):
        now = recover(breaker, flap(breaker, now))

    relapse = flap(breaker, now + Breaker.WINDOW_S)

    assert breaker.wait(relapse) == Breaker.COOL_DOWN_S


def test_what_was_under_way_when_it_opened_neither_closes_it_nor_prolongs_it() -> None:
    breaker = opened()

    breaker.failed(1.0)
    assert breaker.wait(1.0) == Breaker.COOL_DOWN_S - 1.0
    breaker.answered()
    breaker.succeeded(1.0)

    assert breaker.is_open(1.0)


def test_it_is_suspect_from_a_failure_to_the_next_success() -> None:
    breaker = Breaker()
    assert not breaker.suspect

    breaker.failed(0.0)
    breaker.answered()
    breaker.left()
    assert breaker.suspect

    breaker.succeeded(1.0)
    assert not breaker.suspect


@given(st.lists(st.sampled_from(["succeeded", "failed", "left", "wait"]), max_size=60))
def test_it_never_stays_open_for_ever(events: list[str]) -> None:
    breaker, now = Breaker(), 0.0
    for event in events:
        if event == "wait":
            now += 1.0
        elif breaker.enter(now):
            if event == "failed":
                breaker.failed(now)
            elif event == "succeeded":
                breaker.succeeded(now)
            else:
                breaker.left()

    assert breaker.wait(now) <= Breaker.LONGEST_COOL_DOWN_S
    assert not breaker.is_open(now + Breaker.LONGEST_COOL_DOWN_S)
