"""Durations as OpenAI writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.server.headers import duration

SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.0001, "1ms"),
        (0.07, "70ms"),
        (1, "1s"),
        (7.66, "7.66s"),
        (59.9999, "1m0s"),
        (360, "6m0s"),
        (86.4, "1m26.4s"),
        (3600, "1h0m0s"),
        (90_061.5, "25h1m1.5s"),
    ],
)
def test_durations_are_written_as_openai_does(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@given(st.integers(0, 10**9))
def test_no_millisecond_is_lost(milliseconds: int) -> None:
    written = duration(milliseconds / 1000)
    if written.endswith("ms"):
        assert int(written[:-2]) == milliseconds
        return
    read, number = 0.0, ""
    for char in written:
        if char in SECONDS:
            read, number = read + float(number) * SECONDS[char], ""
        else:
            number += char
    assert read * 1000 == pytest.approx(milliseconds, abs=0.01)
