"""Forms with a file in them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import BadRequest
from pointsman.server.multipart import Part, parse

KIND = "multipart/form-data; boundary=edge"


def form(*parts: bytes, end: bytes = b"--edge--\r\n") -> bytes:
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + end


def field(name: str, content: bytes, more: str = "") -> bytes:
    return f'content-disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content


@given(st.binary().filter(lambda content: b"--edge" not in content))
def test_a_file_comes_out_as_it_went_in(content: bytes):
    body = form(field("purpose", b"batch"), field("file", content, '; filename="rows.jsonl"'))
    assert parse(KIND, body) == {"purpose": Part(b"batch"), "file": Part(content, "rows.jsonl")}


def test_what_else_a_part_says_does_not_matter():
    part = (
        b"Content-Type: text/plain\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc"
    )
    assert parse(KIND, form(part)) == {"a": Part(b"c", "b")}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", form(field("a", b"b"))),
        (KIND, b""),
        (KIND, b"no form at all"),
        (KIND, form(field("file", b"half"), end=b"")),
        (KIND, form(*(field("a", b"b") for _ in range(40)))),
        ("multipart/form-data; boundary=" + "x" * 1000, form(field("a", b"b"))),
    ],
)
def test_what_is_no_form(kind: str, body: bytes):
    with pytest.raises(BadRequest):
        parse(kind, body)


@given(st.text(st.characters(max_codepoint=255), max_size=80), st.binary(max_size=200))
def test_whatever_comes_is_a_form_or_refused(kind: str, body: bytes):
    for each in (kind, KIND, f"{KIND}{kind}"):
        with suppress(BadRequest):
            assert all(isinstance(part, Part) for part in parse(each, body).values())
