"""Server-sent events, however they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import UpstreamBroken
from pointsman.formats import sse

STREAM = (
    b'data: {"a": 1}\n\n'
    b": a comment\n\n"
    b"event: x\ndata:no space\n\n"
    b"data: two\ndata: lines\n\n"
    b'data: "\xc3\xa9\xf0\x9f\x98\x80"\r\n\r\n'
    b"data: [DONE]\n\n"
)
DATA = [b'{"a": 1}', None, b"no space", b"two\nlines", b'"\xc3\xa9\xf0\x9f\x98\x80"', b"[DONE]"]


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cutting_gives_the_same_events_and_bytes(cuts: list[int]) -> None:
    splitter = sse.Splitter()
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in pairwise(edges)]

    events = [event for chunk in chunks for event in splitter.feed(chunk)]

    assert [event.data for event in events] == DATA
    assert b"".join(event.raw for event in events) == STREAM
    assert splitter.rest == b""


def test_what_has_no_end_yet_is_kept() -> None:
    splitter = sse.Splitter()

    assert list(splitter.feed(b"data: half")) == []
    assert splitter.rest == b"data: half"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n"])
def test_every_line_end_of_the_standard(end: bytes) -> None:
    events = list(sse.Splitter().feed(b"data: 1" + end + b"data: 2" + end))

    assert [event.data for event in events] == [b"1", b"2"]


def test_a_byte_order_mark_is_no_data() -> None:
    assert [e.data for e in sse.Splitter().feed(b"\xef\xbb\xbfdata: 1\n\n")] == [b"1"]


def test_a_large_event_is_not_searched_again_and_again() -> None:
    splitter = sse.Splitter()
    searched = 0
    for _ in range(100):
        assert list(splitter.feed(b"x" * 1000)) == []
        searched += len(splitter.rest) - splitter._searched

    assert searched < 1000


def test_an_event_without_end_is_refused() -> None:
    splitter = sse.Splitter()

    list(splitter.feed(b"x" * sse.MAX_EVENT_BYTES))

    with pytest.raises(UpstreamBroken, match="an event of over"):
        list(splitter.feed(b"x"))
