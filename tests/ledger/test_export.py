"""Entries as files."""

import csv
import io
import json
import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.entries import DECISION, NOON, entry

from pointsman.errors import ConfigError
from pointsman.ledger.export import COLUMNS, Csv, EntryFile, JsonLines, Parquet
from pointsman.types import Entry, Feedback

ENTRIES = [
    entry("r1", user="ann", cost="0.000000000001", overhead="0", baseline="0.5"),
    entry("r2", NOON + timedelta(microseconds=1), cost=None, baseline=None, estimated=True),
    entry("r3", outcome="open"),
]


def written(file: EntryFile, *batches: list[Entry]) -> bytes:
    return b"".join([file.start(), *(file.add(batch) for batch in batches), file.end()])


def table(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def test_csv_has_a_column_for_each_figure() -> None:
    first, second, third = table(written(Csv(), ENTRIES[:2], ENTRIES[2:]))

    assert list(first) == [column.name for column in COLUMNS]
    assert first["time"] == "2026-05-01T12:00:00+00:00"
    assert (first["cost"], first["baseline_cost"]) == ("0.000000000001", "0.5")
    assert first["saved"] == "0.499999999999"
    assert (first["user"], first["stream"], first["input_tokens"]) == ("ann", "false", "100")
    assert (second["cost"], second["saved"], second["usage_estimated"]) == ("", "", "true")
    assert (third["outcome"], third["cost"], third["attempts"]) == ("open", "", "")
    assert json.loads(first["decision"])["tier"] == "simple"


def test_empty_files_have_their_heads() -> None:
    assert table(written(Csv())) == []
    assert written(Csv()).startswith(b"request_id,time,")
    assert written(JsonLines()) == b""


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=x", "\n=x", "＝1+1"])  # noqa: RUF001
def test_a_spreadsheet_runs_nothing(evil: str) -> None:
    hostile = replace(entry(), model_asked=evil, client_request_id=evil)

    (row,) = table(written(Csv(), [hostile]))

    assert row["model_asked"] == row["client_request_id"] == f"'{evil}"


def test_figures_below_zero_stay_figures() -> None:
    (row,) = table(written(Csv(), [entry(cost="2", baseline="0.5")]))

    assert row["saved"] == "-1.5"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_text_comes_back_whatever_it_is(words: list[str]) -> None:
    rows = table(written(Csv(), [replace(entry(), model_asked=word) for word in words]))

    assert [row["model_asked"].removeprefix("'") for row in rows] == [
        word.removeprefix("'") for word in words
    ]


def test_json_lines_are_decision_records() -> None:
    rated = replace(ENTRIES[0], feedback=(Feedback("r1", NOON, 1.0, "good"),))

    lines = [json.loads(line) for line in written(JsonLines(), [rated], ENTRIES[2:]).splitlines()]

    assert [line["request_id"] for line in lines] == ["r1", "r3"]
    assert lines[0]["feedback"][0]["comment"] == "good"
    assert lines[1]["cost"] is None


def test_parquet_keeps_money_and_times_exact() -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    unrounded = entry("r4", cost="0.0000000000005")

    read = parquet.read_table(io.BytesIO(written(Parquet(), ENTRIES, [unrounded])))

    assert read.column_names == [column.name for column in COLUMNS]
    assert read.schema.field("cost").type == pa.decimal128(38, 12)
    assert read.schema.field("time").type == pa.timestamp("us", tz="UTC")
    rows = read.to_pylist()
    assert [row["cost"] for row in rows] == [Decimal("1E-12"), None, None, Decimal(0)]
    assert rows[1]["time"] == NOON + timedelta(microseconds=1)
    assert rows[0]["scorer"] == DECISION.scorer
    assert rows[2]["input_tokens"] is None


def test_an_empty_parquet_file() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    assert parquet.read_table(io.BytesIO(written(Parquet()))).num_rows == 0


def test_without_pyarrow_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ConfigError, match=r"pip install 'pointsman\[export\]'"):
        Parquet()
