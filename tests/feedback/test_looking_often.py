"""Two sides that are looked at again and again: outcomes in, an interval that always holds out."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.feedback.sequential import FEWEST, compare, mean

VALUES = st.lists(st.floats(0, 1), max_size=40)
ANY = st.lists(st.floats(-1e6, 1e6), min_size=FEWEST, max_size=FEWEST + 10)


def thumbs(rng: np.random.Generator, good: float, count: int) -> np.ndarray:
    return (rng.random(count) < good).astype(float)


def test_it_is_not_fooled_by_looking_every_day() -> None:
    rng = np.random.default_rng(5)
    fooled = 0
    for _ in range(30):
        a, b = thumbs(rng, 0.7, 300), thumbs(rng, 0.7, 300)
        fooled += any(compare(a[:n], b[:n]).higher for n in range(5, 301, 5))
    assert fooled <= 1


def test_costs_neither() -> None:
    rng = np.random.default_rng(6)
    fooled = 0
    for _ in range(30):
        a, b = rng.lognormal(0, 1, 300), rng.lognormal(0, 1, 300)
        fooled += any(compare(a[:n], b[:n], bounded=False).higher for n in range(5, 301, 5))
    assert fooled <= 1


@pytest.mark.parametrize("bounded", [True, False])
def test_it_finds_the_better_side(bounded: bool) -> None:  # noqa: FBT001 - a case
    rng = np.random.default_rng(7)
    worse, better = thumbs(rng, 0.5, 400), thumbs(rng, 0.8, 400)
    found = compare(worse, better, bounded=bounded)
    assert found.higher == "b"
    assert found.low < 0.3 < found.high
    assert compare(better, worse, bounded=bounded).higher == "a"
    assert (found.a, found.b) == (400, 400)


def test_one_side_alone_has_an_interval_too() -> None:
    rng = np.random.default_rng(8)
    low, high = mean(thumbs(rng, 0.7, 500))
    assert 0.5 < low < 0.7 < high < 0.9
    low, high = mean(rng.exponential(200.0, 500), bounded=False)
    assert 150 < low < 200 < high < 250


def test_of_little_little_is_said() -> None:
    assert mean([]) == (0.0, 1.0)
    assert mean([3.0], bounded=False) == (-inf, inf)
    nothing = compare([], [])
    assert (nothing.value, nothing.low, nothing.high) == (0.0, -1.0, 1.0)
    assert compare([1.0] * 500, [2.0] * (FEWEST - 1), bounded=False).higher is None


def test_who_has_no_partner_waits() -> None:
    assert compare([1.0] * 10, [0.0] * 7) == compare([1.0] * 7, [0.0] * 7)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_value_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not all values"):
        compare([value], [0.5])


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_the_interval_holds_the_mean_and_stays_within_bounds(
    a: list[float], b: list[float]
) -> None:
    found = compare(a, b)
    assert -1 <= found.low <= found.value + 1e-6
    assert found.value - 1e-6 <= found.high <= 1
    back = compare(b, a)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


@settings(max_examples=50)
@given(ANY, ANY)
def test_without_bounds_too(a: list[float], b: list[float]) -> None:
    found = compare(a, b, bounded=False)
    assert -inf < found.low <= found.value <= found.high < inf


@settings(max_examples=30)
@given(VALUES, st.floats(0.001, 0.04))
def test_more_confidence_is_wider(values: list[float], alpha: float) -> None:
    usual, sure = mean(values), mean(values, alpha)
    assert sure[0] <= usual[0]
    assert usual[1] <= sure[1]
