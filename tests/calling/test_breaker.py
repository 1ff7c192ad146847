"""The breaker's whole life, with time handed in."""

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
    breaker.succeeded()
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

    breaker.succeeded()
    assert breaker.enter(later)


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
                breaker.succeeded()
            else:
                breaker.left()

    assert breaker.wait(now) <= Breaker.LONGEST_COOL_DOWN_S
    assert not breaker.is_open(now + Breaker.LONGEST_COOL_DOWN_S)
