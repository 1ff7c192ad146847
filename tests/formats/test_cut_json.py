"""A JSON text that stops short, ended where it stops."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.formats.cut_json import closed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OBJECTS = st.dictionaries(st.text(), VALUES)


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        (b'{"a": "some te', b'{"a": "some te"}'),
        (b'{"a": [1, 2], "b": {"c": [{"d": "e', b'{"a": [1, 2], "b": {"c": [{"d": "e"}]}}'),
        (b'{"a": "b", "c', b'{"a": "b"}'),  # no name without its value
        (b'{"a": "b", "c":', b'{"a": "b"}'),
        (b'{"a": 12', b"{}"),  # it may have been 123
        (b'{"a": 12,', b'{"a": 12}'),
        (b'{"a": tru', b"{}"),
        (b'{"a": "b\\', b'{"a": "b"}'),
        (b'{"a": "b\\u00', b'{"a": "b"}'),
        (b'{"a": "b\\ud83d', b'{"a": "b"}'),  # half of a character
        (b'{"a": "b\\\\ud83d', b'{"a": "b\\\\ud83d"}'),
        ('{"a": "né'.encode()[:-1], b'{"a": "n"}'),
        (b' \n {"a": 1} \n', b'{"a": 1}'),
        (b"", b""),
        (b"<html>", b""),
        (b"[" * 200, b""),  # nothing that anybody would read
    ],
)
def test_what_is_there_is_kept(text: bytes, ended: bytes) -> None:
    assert closed(text) == ended


@given(OBJECTS, st.integers(min_value=0), st.booleans())
def test_it_can_be_read_wherever_it_stops(value: object, cut: int, ascii_only: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    stop = 1 + cut % len(text)

    read = json.loads(closed(text[:stop]))

    assert read == value if stop == len(text) else set(read) <= set(value)
