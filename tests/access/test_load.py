"""How much is let in, and for how long one waits for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.access.load import FEW, Bound, Room, patience, worth_waiting

LATE, ON_TIME = 1.0, 0.01
ROOM = Room(least=0, most=900)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 5.0),
        ({"x-stainless-timeout": "600"}, 5.0),
        ({"x-stainless-timeout": "1.5"}, 1.5),
        ({"x-pointsman-deadline-ms": "250"}, 0.25),
        ({"x-pointsman-deadline-ms": "250", "x-stainless-timeout": "0.1"}, 0.1),
        ({"x-stainless-timeout": "NOT_GIVEN"}, 5.0),
        ({"x-stainless-timeout": "nan"}, 5.0),
        ({"x-stainless-timeout": "-1"}, 5.0),
        ({"x-stainless-timeout": "0"}, 5.0),
    ],
)
def test_a_client_may_say_that_it_waits_for_less(headers: dict[str, str], seconds: float) -> None:
    assert patience(headers, 5.0) == pytest.approx(seconds)


@given(st.text(), st.floats(0.1, 100))
def test_whatever_a_client_says_it_waits_no_longer_than_is_allowed(
    said: str, most_s: float
) -> None:
    assert 0 < patience({"x-stainless-timeout": said}, most_s) <= most_s


def test_a_burst_is_waited_out_and_a_load_that_lasts_is_not() -> None:
    assert worth_waiting(5.0, crowded_s=4.9) == 5.0
    assert worth_waiting(5.0, crowded_s=5.0) == 0.5


def test_a_loop_that_is_on_time_bounds_nothing() -> None:
    bound = Bound(late_s=0.25)
    assert [bound.beat(ON_TIME, inside, ROOM) for inside in (0, 500, 900)] == [900, 900, 900]


def test_one_pause_means_nothing() -> None:
    bound = Bound(late_s=0.25)
    lags = [LATE] * 4 + [ON_TIME] + [LATE] * 4
    assert {bound.beat(lag, 500, ROOM) for lag in lags} == {900}


def test_half_a_second_behind_lets_in_fewer_than_are_inside_and_more_again_when_it_is_over() -> (
    None
):
    bound = Bound(late_s=0.25)
    while_late = [bound.beat(LATE, 500, ROOM) for _ in range(10)]
    assert while_late == [900] * 4 + [450] * 6

    later = [bound.beat(ON_TIME, 450, ROOM) for _ in range(9)]

    assert later[:2] == [495, 545]
    assert later[-1] == 900


def test_a_few_are_let_in_however_far_behind_it_is() -> None:
    bound = Bound(late_s=0.25)
    bounds = [bound.beat(LATE, 1, ROOM) for _ in range(50)]
    assert min(bounds) == FEW

    bound = Bound(late_s=0.25)
    assert min(bound.beat(LATE, 1, Room(least=200, most=900)) for _ in range(50)) == 200


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 2000), st.integers(1, 1000))))
def test_it_is_never_more_than_what_there_is_room_for(
    beats: list[tuple[float, int, int]],
) -> None:
    bound = Bound(late_s=0.25)
    for lag_s, inside, most in beats:
        assert 1 <= bound.beat(lag_s, inside, Room(0, most)) <= most
