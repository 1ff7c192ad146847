"""Who asked to be left alone, and for how long yet."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.calling.rest import Rests


def test_a_group_rests_until_its_time_and_others_do_not() -> None:
    rests = Rests()
    rests.rest("openai", until=10.0)

    assert rests.wait("openai", 4.0) == 6.0
    assert rests.wait("anthropic", 4.0) == 0.0
    assert rests.wait("openai", 10.0) == 0.0


def test_of_two_wishes_the_longer_counts() -> None:
    rests = Rests()
    rests.rest("openai", until=10.0)
    rests.rest("openai", until=3.0)

    assert rests.wait("openai", 0.0) == 10.0


def test_a_rest_that_is_over_is_forgotten() -> None:
    rests = Rests()
    rests.rest("openai", until=10.0)
    assert rests.wait("openai", 11.0) == 0.0

    rests.rest("openai", until=5.0)

    assert rests.wait("openai", 4.0) == 1.0


@given(st.lists(st.floats(0, 1e6)), st.floats(0, 1e6))
def test_nobody_waits_longer_than_the_longest_wish(wishes: list[float], now: float) -> None:
    rests = Rests()
    for until in wishes:
        rests.rest("openai", until)

    assert rests.wait("openai", now) == max(0.0, max(wishes, default=0.0) - now)
