"""What strangers send as JSON: taken, or refused with a clear 400."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import BadRequest
from pointsman.formats import strict_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_takes_every_honest_value(value: object) -> None:
    try:
        encoded = json.dumps(value).encode()
    except UnicodeEncodeError:
        return

    assert strict_json.decode(encoded) == value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"a": 1', "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": 1} x', "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid UTF-8"),
        (json.dumps({"a": 1}).encode("utf-16"), "not valid"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e400}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"\\udfff": 1}', "lone surrogate"),
        (b"[" * 200 + b"]" * 200, "nested deeper"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper"),
    ],
)
def test_refuses_what_is_ambiguous_or_harmful(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        strict_json.decode(body)

    assert caught.value.status == 400
    assert caught.value.code == "invalid_json"


def test_takes_surrogate_pairs_and_deep_but_bearable_nesting() -> None:
    assert strict_json.decode(b'"\\ud83d\\ude00"') == "\U0001f600"
    assert strict_json.decode(b"[" * 128 + b"]" * 128)


def test_many_shallow_containers_are_not_deep() -> None:
    assert strict_json.decode(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001
