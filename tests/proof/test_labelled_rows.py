"""Rows in: plain, packed, from standard input, and broken in every way."""

import gzip
import io
import json
import sys
from pathlib import Path
from random import Random

import pytest

from pointsman.errors import PointsmanError
from pointsman.proof.rows import BadRow, Prompt, Row, read, read_all, sampled

ROW = {
    "id": "a", "source": "s", "prompt": "p", "weak_score": 0, "strong_score": 1, "licence": "MIT",
}  # fmt: skip


def _lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_plain_and_packed_are_the_same(file: Path) -> None:
    file.write_bytes(_lines(ROW, ROW | {"weak_answer": "w"}))
    plain = read_all(str(file), Row)
    file.write_bytes(gzip.compress(_lines(ROW, ROW | {"weak_answer": "w"})))

    assert read_all(str(file), Row) == plain
    assert [row.weak_answer for row in plain] == [None, "w"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_too(pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(_lines(ROW)))))

    assert [row.id for row in read_all("-", Row)] == ["a"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_is_no_part_of_a_row(file: Path, pack) -> None:
    file.write_bytes(pack(b"\xef\xbb\xbf" + _lines(ROW, ROW)))

    assert len(read_all(str(file), Row)) == 2


def test_empty_lines_count_as_lines(file: Path) -> None:
    file.write_bytes(b"\n" + _lines({"prompt": "p"}) + b"  \n\n" + _lines({"prompt": "q"}))

    assert [number for number, _ in read(str(file), Prompt)] == [2, 5]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "truncated"),
        (b"[]", "object"),
        (b'{"id": "a"}', "missing required field"),
        (_lines(ROW | {"weak_score": "good"}), "weak_score"),
        (_lines(ROW | {"weak_score": 2}), "<= 1"),
        (_lines(ROW | {"prompt": None}), "prompt"),
        (b'{"prompt": "\xff"}', "rows.jsonl:2"),
    ],
)
def test_a_bad_row_is_named(file: Path, line: bytes, words: str) -> None:
    file.write_bytes(_lines(ROW) + line.strip() + b"\n" + _lines(ROW) + b"?\n")

    with pytest.raises(PointsmanError, match=r"rows\.jsonl:2: .*1 more bad row.*weak_score") as bad:
        read_all(str(file), Row)
    assert words in str(bad.value)
    rows = [row for _, row in read(str(file), Row)]
    assert [isinstance(row, BadRow) for row in rows] == [False, True, False, True]


def test_no_file_no_rows_no_end(file: Path) -> None:
    with pytest.raises(PointsmanError, match="No such file"):
        read_all(str(file), Row)
    file.write_bytes(b"\n")
    with pytest.raises(PointsmanError, match="no rows"):
        read_all(str(file), Row)
    file.write_bytes(gzip.compress(_lines(*[ROW] * 50))[:-9])
    with pytest.raises(PointsmanError, match="can't be read"):
        read_all(str(file), Row)


def test_a_sample_is_drawn_from_each_source() -> None:
    rows = [Row(n, "ab"[n % 3 == 0], "p", 0.0, 1.0) for n in range(30)]

    def draw(most: int) -> list[Row]:
        return sampled(rows, most, Random(1))  # noqa: S311 - the same draw each time

    drawn = draw(5)

    assert [row.source for row in drawn].count("a") == [row.source for row in drawn].count("b") == 5
    assert [row.id for row in drawn] == sorted(row.id for row in drawn)
    assert draw(5) == drawn
    assert draw(100) == rows
