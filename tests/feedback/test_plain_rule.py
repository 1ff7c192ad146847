"""The plain rule: outcomes in, patterns that move a step, and why, out."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.outcomes import NOON, evidence

from pointsman.feedback.rule import (
    CEILING,
    NEWEST,
    RAISING,
    STEP,
    Pattern,
    Standing,
    moved,
    pattern,
    points,
    read,
    step,
    write,
)
from pointsman.types import Evidence

HIGHEST = "complex"
CODE = Pattern(2, "code")


def outcomes(*quality: float, first: int = 0, tier: str = "simple", cold: float = 25.0) -> list:
    return [
        evidence(first + at, tier, value, cold=cold, domain="code")
        for at, value in enumerate(quality)
    ]


def test_five_poor_outcomes_raise_their_pattern_one_step_and_say_why() -> None:
    (move,) = step({}, outcomes(0.1, 0.9, 0.2, 0.3, 0.0, 0.1), HIGHEST)
    assert (move.pattern, move.direction, move.after.points) == (CODE, "up", STEP)
    assert move.low == ("req_00000", "req_00002", "req_00003", "req_00004", "req_00005")
    assert move.text == (
        "code, score 20-30: +0 to +5 points; 5 of 6 outcomes were poor, mean quality 0.27"
    )
    assert move.as_json()["low"] == list(move.low)


def test_four_do_not_nor_five_that_nothing_is_above() -> None:
    assert step({}, outcomes(*[0.0] * (RAISING - 1)), HIGHEST) == []
    assert step({}, outcomes(*[0.0] * 20, tier=HIGHEST), HIGHEST) == []


def test_what_is_not_trusted_enough_raises_nothing_and_counts_beside_what_is() -> None:
    guessed = [replace(each, trust=0.2) for each in outcomes(*[0.0] * RAISING)]
    assert step({}, guessed, HIGHEST, trust=0.5) == []
    told = outcomes(*[0.0] * RAISING)
    assert len(step({}, told, HIGHEST, trust=0.5)) == 1
    unrated = [replace(each, trust=0.2) for each in outcomes(*[0.6] * NEWEST, first=RAISING)]
    assert step({}, [*told, *unrated], HIGHEST, trust=0.5) == []


def test_patterns_are_apart() -> None:
    rows = outcomes(0.0, 0.0, 0.0) + outcomes(0.0, 0.0, 0.0, first=3, cold=35.0)
    assert step({}, rows, HIGHEST) == []
    standings = moved({}, step({}, outcomes(*[0.0] * 5), HIGHEST))
    assert [points(standings, cold, "code") for cold in (19.9, 20.0, 29.9, 30.0)] == [0, 5, 5, 0]
    assert points(standings, 25.0, "maths") == 0


def test_the_same_outcomes_move_it_once() -> None:
    rows = outcomes(*[0.0] * 7)
    standings = moved({}, step({}, rows, HIGHEST))
    assert step(standings, rows, HIGHEST) == []
    assert (
        step(standings, rows + outcomes(*[0.0] * 5, first=7), HIGHEST)[0].after.points == 2 * STEP
    )


def test_signals_alone_lower_nothing() -> None:
    raised = {CODE: Standing(STEP, NOON, 1)}
    good = outcomes(*[0.9] * 3 * NEWEST, first=1)
    unrated = [replace(each, trust=0.3) for each in good]
    assert step(raised, unrated, HIGHEST) == []
    assert step(raised, unrated[:-NEWEST] + good[-NEWEST:], HIGHEST)[0].direction == "down"


def test_a_good_record_lowers_it_again_slowly() -> None:
    raised = {CODE: Standing(STEP, NOON, 1)}
    good = outcomes(*[0.9] * NEWEST, first=1, tier=HIGHEST)
    assert step(raised, good[:-1], HIGHEST) == []
    (move,) = step(raised, good, HIGHEST)
    assert (move.direction, move.after.points) == ("down", 0.0)
    assert step(moved(raised, [move]), outcomes(*[0.9] * 99, first=99), HIGHEST) == []


def test_what_went_up_again_takes_twice_as_long_to_come_down() -> None:
    twice = {CODE: Standing(STEP, NOON, 2)}
    assert step(twice, outcomes(*[0.9] * (2 * NEWEST - 1), first=1), HIGHEST) == []
    assert step(twice, outcomes(*[0.9] * 2 * NEWEST, first=1), HIGHEST)[0].direction == "down"


def test_it_is_written_and_read() -> None:
    standings = {CODE: Standing(10.0, NOON, 3), Pattern(9, "general"): Standing()}
    assert read(write(standings)) == standings
    with pytest.raises((ValueError, KeyError, TypeError)):
        read("{}")


QUALITIES = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 100), st.sampled_from(["simple", HIGHEST])), max_size=80
)


@settings(max_examples=60)
@given(QUALITIES, st.randoms(use_true_random=False))
def test_it_stays_within_its_bounds_whatever_happens(
    known: list[tuple[float, float, str]], rng: random.Random
) -> None:
    rows = [evidence(at, tier, value, cold=cold) for at, (value, cold, tier) in enumerate(known)]
    standings: dict[Pattern, Standing] = {}
    for until in range(0, len(rows) + 1, 5):
        seen: list[Evidence] = rows[:until]
        moves = step(standings, seen, HIGHEST)
        assert moves == step(standings, rng.sample(seen, len(seen)), HIGHEST)
        assert len({move.pattern for move in moves}) == len(moves)
        assert all(abs(move.after.points - move.before.points) <= STEP for move in moves)
        standings = moved(standings, moves)
        assert all(0 <= standing.points <= CEILING for standing in standings.values())
        assert step(standings, seen, HIGHEST) == []


@given(st.floats(0, 100))
def test_every_score_has_a_band(cold: float) -> None:
    assert 0 <= pattern(cold, "general").band <= 9
