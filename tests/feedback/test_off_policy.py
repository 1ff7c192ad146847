"""What a policy would have been worth: logged outcomes in, an estimate with its interval out."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.feedback.evaluate import FLOOR, METHODS, Logged, Method, estimate

EXPLORED = 0.05


def logged(
    count: int,
    rng: np.random.Generator,
    *,
    explored: float = EXPLORED,
    good: tuple[float, float] = (0.5, 0.8),
) -> list[Logged]:
    """Prompts of which half go up, while the target sends the other half up; each tier's odds."""
    rows = []
    for _ in range(count):
        up = bool(rng.random() < 0.5)
        likely = 1 - explored if up else explored
        drawn = bool(rng.random() < likely)
        rows.append(
            Logged(
                tier="complex" if drawn else "simple",
                propensities={"simple": 1 - likely, "complex": likely},
                target={"simple": float(up), "complex": float(not up)},
                reward=float(rng.random() < good[drawn]),
                predicted={"simple": 0.6, "complex": 0.6},
            )
        )
    return rows


@pytest.mark.parametrize("method", METHODS)
def test_an_interval_of_95_percent_holds_the_truth(method: Method) -> None:
    rng = np.random.default_rng(7)
    found = [estimate(logged(100, rng), method) for _ in range(100)]
    assert sum(each.low <= 0.65 <= each.high for each in found) >= 93


def test_a_difference_is_zero_where_both_do_the_same() -> None:
    rows = [replace(row, reference=row.target) for row in logged(50, np.random.default_rng(1))]
    for method in METHODS:
        found = estimate(rows, method)
        assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, 0.0))


def test_a_difference_is_that_of_the_two_values() -> None:
    rows = logged(400, np.random.default_rng(2), explored=0.3)
    against = [replace(row, reference=row.propensities) for row in rows]
    own = [replace(row, target=row.propensities) for row in rows]
    for method in METHODS:
        apart = estimate(rows, method).value - estimate(own, method).value
        assert estimate(against, method).value == pytest.approx(apart, abs=0.03)


def test_a_good_prediction_makes_it_narrow() -> None:
    rows = logged(400, np.random.default_rng(3), good=(0.0, 1.0))
    knowing = [replace(row, predicted={"simple": 0.0, "complex": 1.0}) for row in rows]
    assert estimate(knowing, "dr").value == pytest.approx(0.5, abs=0.1)
    widths = [found.high - found.low for found in (estimate(rows, "ips"), estimate(knowing, "dr"))]
    assert widths[1] < widths[0] / 5


def test_what_was_never_tried_is_unknown_not_assumed() -> None:
    never = [
        Logged("simple", {"simple": 1.0}, {"complex": 1.0}, 1.0, {"simple": 1.0, "complex": 0.7})
    ] * 1_000
    found = estimate(never, "dr")
    assert found.value == pytest.approx(0.7)
    assert found.unknown == pytest.approx(0.7)
    assert found.low <= 0.0
    assert found.high >= 1.0


def test_a_weight_is_never_above_the_clip() -> None:
    rare = Logged("complex", {"simple": 1 - 1e-6, "complex": 1e-6}, {"complex": 1.0}, 1.0)
    usual = Logged("simple", {"simple": 1 - 1e-6, "complex": 1e-6}, {"complex": 1.0}, 1.0)
    found = estimate([rare, *[usual] * 999], "ips")
    assert found.value == pytest.approx(1 / FLOOR / 1_000)
    assert found.unknown == pytest.approx(1 - 1e-6 / FLOOR)


def test_rows_count_as_many_as_their_weights_say() -> None:
    same = [Logged("simple", {"simple": 0.5, "complex": 0.5}, {"simple": 1.0}, 1.0)] * 10
    assert estimate(same).effective == pytest.approx(10)
    assert estimate(logged(400, np.random.default_rng(4))).effective < 100


def test_of_nothing_nothing_is_known() -> None:
    found = estimate([])
    assert (found.low, found.high, found.n) == (-inf, inf, 0)
    assert found.as_json()["low"] is None


def test_what_could_not_be_chosen_is_refused() -> None:
    with pytest.raises(ValueError, match="propensity"):
        estimate([Logged("simple", {"complex": 1.0}, {"simple": 1.0}, 1.0)])


CHANCE = st.floats(0.001, 0.999)


@st.composite
def rows(draw: st.DrawFn) -> list[Logged]:
    """Any at all."""
    found = []
    for _ in range(draw(st.integers(1, 20))):
        likely, wanted, held = draw(CHANCE), draw(st.floats(0, 1)), draw(st.floats(0, 1))
        found.append(
            Logged(
                draw(st.sampled_from(["simple", "complex"])),
                {"simple": likely, "complex": 1 - likely},
                {"simple": wanted, "complex": 1 - wanted},
                draw(st.floats(0, 1)),
                {"simple": draw(st.floats(0, 1)), "complex": draw(st.floats(0, 1))},
                {"simple": held, "complex": 1 - held} if draw(st.booleans()) else {},
            )
        )
    return found


@settings(max_examples=50)
@given(rows(), st.sampled_from(METHODS))
def test_it_is_a_number_with_ends_around_it(known: list[Logged], method: Method) -> None:
    found = estimate(known, method)
    assert -inf < found.low <= found.value <= found.high < inf
    assert 0 <= found.effective <= len(known) + 1e-6


@settings(max_examples=50)
@given(rows(), st.sampled_from(METHODS))
def test_more_confidence_is_wider(known: list[Logged], method: Method) -> None:
    usual, sure = estimate(known, method), estimate(known, method, confidence=0.999)
    assert sure.low <= usual.low
    assert usual.high <= sure.high


@settings(max_examples=50)
@given(rows(), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(known: list[Logged], method: Method, rng) -> None:
    one, other = estimate(known, method), estimate(rng.sample(known, len(known)), method)
    assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))
