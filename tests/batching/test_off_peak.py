"""Off-peak hours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.batching.hours import OffPeak

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NIGHT = OffPeak.read("22:00-06:00")
TIMES = st.integers(0, 365 * 24 * 3600).map(lambda seconds: NOON + timedelta(seconds=seconds))


def test_the_night():
    at = [NIGHT.is_at(NOON.replace(hour=hour)) for hour in (21, 22, 23, 0, 5, 6, 7)]
    assert at == [False, True, True, True, True, False, False]


def test_hours_of_one_day():
    lunch = OffPeak.read("12:30-13:00")
    assert [lunch.is_at(NOON + timedelta(minutes=m)) for m in (29, 30, 59, 60)] == [
        False,
        True,
        True,
        False,
    ]


def test_they_are_in_utc():
    there = NOON.astimezone(timezone(timedelta(hours=-11)))
    assert NIGHT.wait(there, NOON + timedelta(days=1)) == NOON.replace(hour=22)


def test_nobody_waits_too_long():
    assert NIGHT.wait(NOON, NOON + timedelta(hours=11)) == NOON.replace(hour=22)
    assert NIGHT.wait(NOON, NOON + timedelta(hours=10, minutes=59)) is None
    assert NIGHT.wait(NOON.replace(hour=23), NOON + timedelta(days=9)) is None


@given(TIMES, st.integers(0, 1439), st.integers(0, 1439))
def test_what_is_waited_for_is_off_peak(now: datetime, begin: int, end: int):
    hours = OffPeak(timedelta(minutes=begin), timedelta(minutes=end))
    waited = hours.wait(now, now + timedelta(days=3))
    if waited is None:
        assert hours.is_at(now)
    else:
        assert now < waited <= now + timedelta(days=1)
        assert hours.is_at(waited) or begin == end


@pytest.mark.parametrize("text", ["", "22-6", "24:00-06:00", "22:00-06:60", "at night"])
def test_what_is_no_time(text: str):
    with pytest.raises(ValueError, match="22:00"):
        OffPeak.read(text)
