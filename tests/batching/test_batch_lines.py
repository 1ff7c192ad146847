"""A batch's files, line by line."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pointsman.batching.lines import Reader, size, written
from pointsman.formats.one_line import one_line
from pointsman.types import (
    AnsweredRow,
    BatchError,
    BatchRow,
    BatchSums,
    RowSums,
    row_request_id,
)

BATCH = f"batch_{7:032x}"
IDS = st.text(min_size=1, max_size=40).filter(str.strip)
BODIES = st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4)


def line(custom_id: str, body: dict[str, object]) -> bytes:
    row = {"custom_id": custom_id, "method": "POST", "url": "/v1/embeddings", "body": body}
    return json.dumps(row).encode()


def read(pieces: list[bytes], longest: int = 100_000) -> list[BatchRow | BatchError]:
    reader = Reader("/v1/embeddings", longest)
    return [
        each
        for number, piece in enumerate(pieces)
        for each in reader.feed(piece, last=number == len(pieces) - 1)
    ]


@given(st.lists(st.tuples(IDS, BODIES), unique_by=lambda each: each[0]), st.integers(1, 50))
def test_rows_do_not_depend_on_where_a_file_is_cut(rows: list[tuple[str, dict]], cut: int):
    content = b"\r\n\n".join(line(*each) for each in rows)
    pieces = [content[at : at + cut] for at in range(0, len(content), cut)] or [b""]
    found = read(pieces)

    assert all(isinstance(each, BatchRow) for each in found)
    assert [each.number for each in found] == list(range(len(rows)))
    assert [json.loads(each.custom_id) for each in found] == [custom_id for custom_id, _ in rows]
    assert [json.loads(each.body) for each in found] == [body for _, body in rows]


LENGTHS = st.lists(st.integers(0, 200), min_size=1, max_size=8)


@given(LENGTHS, st.integers(1, 50))
def test_a_line_that_is_too_long_is_told_once_and_skipped(lengths: list[int], cut: int):
    """Wherever the file is cut; nothing of it is kept."""
    lines = [line(f"{number}", {"x": "x" * each}) for number, each in enumerate(lengths)]
    content = b"\n".join(lines)
    found = read([content[at : at + cut] for at in range(0, len(content), cut)], longest=150)

    long = [number for number, each in enumerate(lines, 1) if len(each) > 150]
    wrong = [each for each in found if isinstance(each, BatchError)]
    assert [(each.code, each.line) for each in wrong] == [("line_too_long", each) for each in long]
    assert len(found) == len(lines)


def test_a_line_that_is_too_deep_is_no_request():
    deep = b'{"x":' + b"[" * 90_000

    assert [each.code for each in read([deep, b"", b"\n"])] == ["invalid_json_line"]


ROWS = st.lists(st.tuples(IDS, st.sampled_from([200, 404, 503, None]), BODIES), max_size=8)


@given(ROWS, st.sampled_from(["completed", "expired", "cancelled"]))
def test_a_files_size_is_known_before_it_is_written(
    rows: list[tuple[str, int | None, dict]], ended: str
):
    answered = [
        AnsweredRow(number, json.dumps(custom_id).encode())
        if status is None
        else AnsweredRow(
            number,
            json.dumps(custom_id).encode(),
            row_request_id(BATCH, number),
            status,
            json.dumps(body).encode(),
        )
        for number, (custom_id, status, body) in enumerate(rows)
    ]
    good = [each for each in answered if each.status == 200]
    bad = [each for each in answered if each.status not in {200, None}]
    none = [each for each in answered if each.status is None]
    sums = BatchSums(completed=summed(good), failed=summed(bad), unanswered=summed(none))
    for part, those in (("output", good), ("errors", [*bad, *none])):
        text = b"".join(written(BATCH, each, ended) for each in those)
        assert size(BATCH, sums, part, ended) == len(text)
        said = [json.loads(each) for each in text.splitlines()]
        assert [each["custom_id"] for each in said] == [json.loads(e.custom_id) for e in those]


def summed(rows: list[AnsweredRow]) -> RowSums:
    return RowSums(
        len(rows),
        sum(len(each.custom_id) for each in rows),
        sum(len(each.body or b"") for each in rows),
    )


@given(BODIES)
def test_whatever_an_upstream_said_is_one_line(body: dict):
    pretty = json.dumps(body, indent=2, ensure_ascii=False).encode()
    assert b"\n" not in one_line(pretty)
    assert json.loads(one_line(pretty)) == body


def test_numbers_stay_as_they_were():
    assert one_line(b'{ "a": 1.10, "b": 1e400 }') == b'{"a":1.10,"b":1e400}'
    assert one_line(b"<html>\n</html>") == b'"<html>\\n</html>"'


def test_a_file_of_windows_begins_with_a_mark():
    [row] = read([b"\xef\xbb\xbf" + line("a", {"n": 1}) + b"\r\n"])
    assert row == BatchRow(0, b'"a"', b'{"n":1}')
