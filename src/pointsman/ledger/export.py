"""Entries as files: CSV and Parquet with a column for each figure, JSON lines as the records are."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

from pointsman.errors import ConfigError
from pointsman.ledger.view import entry_view, shown
from pointsman.types import Entry, Settlement, Usage

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Buffer

#: A file's format, also its ending.
FileFormat: TypeAlias = Literal["csv", "parquet", "jsonl"]
_Cell: TypeAlias = str | bool | int | float | Decimal | datetime | None
_Kind: TypeAlias = Literal["text", "flag", "count", "number", "money", "time"]

_JSON = msgspec.json.Encoder(decimal_format="number")
#: Money in Parquet, as in the books: pico-dollars.
_DIGITS, _DECIMALS = 38, 12
_PICO_DOLLAR = Decimal(1).scaleb(-_DECIMALS)
_MONEY = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)
#: A spreadsheet takes a cell that begins so for a formula; the wide ones are read like the others.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


class EntryFile(Protocol):
    """A file that is written bit by bit. Not for several threads at once."""

    def start(self) -> bytes:
        """What comes before the first entry."""

    def add(self, entries: Sequence[Entry]) -> bytes:
        """More entries."""

    def end(self) -> bytes:
        """What comes after the last entry."""


class Column(msgspec.Struct, frozen=True):
    """One figure of an entry."""

    name: str
    kind: _Kind
    of: Callable[[Entry], _Cell]


def _settled(name: str, kind: _Kind, of: Callable[[Settlement], _Cell]) -> Column:
    return Column(name, kind, lambda entry: of(entry.settlement) if entry.settlement else None)


def _used(name: str, kind: _Kind, of: Callable[[Usage], _Cell]) -> Column:
    return _settled(name, kind, lambda settled: of(settled.usage) if settled.usage else None)


def _json(value: object) -> str:
    return _JSON.encode(value).decode()


#: Every column, in its order.
COLUMNS: tuple[Column, ...] = (
    Column("request_id", "text", lambda entry: entry.request_id),
    Column("time", "time", lambda entry: entry.time),
    Column("organisation", "text", lambda entry: entry.principal.organisation),
    Column("key", "text", lambda entry: entry.principal.key),
    Column("user", "text", lambda entry: entry.principal.user),
    Column("client_request_id", "text", lambda entry: entry.client_request_id),
    Column("model_asked", "text", lambda entry: entry.model_asked),
    Column("stream", "flag", lambda entry: entry.stream),
    Column("tier", "text", lambda entry: entry.decision.tier),
    Column("score", "number", lambda entry: entry.decision.scored.made),
    Column("scorer", "text", lambda entry: entry.decision.scorer),
    Column("domain", "text", lambda entry: entry.decision.domain),
    Column("cache", "text", lambda entry: entry.lookup.state),
    Column("outcome", "text", lambda entry: entry.outcome),
    _settled("served_tier", "text", lambda settled: settled.served_tier),
    _settled("deployment", "text", lambda settled: settled.deployment),
    _settled("reason", "text", lambda settled: settled.reason),
    _settled("error", "text", lambda settled: settled.error),
    _used("input_tokens", "count", lambda usage: usage.input_tokens),
    _used("output_tokens", "count", lambda usage: usage.output_tokens),
    _used("cached_tokens", "count", lambda usage: usage.cached_tokens),
    _used("written_tokens", "count", lambda usage: usage.written_tokens),
    _used("reasoning_tokens", "count", lambda usage: usage.reasoning_tokens),
    _used("usage_estimated", "flag", lambda usage: usage.estimated),
    _used("stated_cost", "money", lambda usage: usage.stated_cost),
    _settled("cost", "money", lambda settled: settled.cost),
    _settled("overhead", "money", lambda settled: settled.overhead),
    _settled("baseline_cost", "money", lambda settled: settled.baseline_cost),
    _settled("saved", "money", lambda settled: settled.saved),
    _settled("latency_ms", "number", lambda settled: settled.latency_ms),
    _settled("ttft_ms", "number", lambda settled: settled.ttft_ms),
    _settled("attempts", "text", lambda settled: _json(settled.attempts)),
    Column("decision", "text", lambda entry: _json(shown(entry.decision))),
    Column("lookup", "text", lambda entry: _json(entry.lookup)),
    Column("feedback", "text", lambda entry: _json(entry.feedback)),
)


class JsonLines:
    """A decision record on each line, as `/v1/decisions` shows it."""

    def start(self) -> bytes:
        """Nothing."""
        return b""

    def add(self, entries: Sequence[Entry]) -> bytes:
        """A line for each."""
        return b"".join(_JSON.encode(entry_view(entry)) + b"\n" for entry in entries)

    def end(self) -> bytes:
        """Nothing."""
        return b""


class Csv:
    """Comma-separated values (RFC 4180) in UTF-8; text that a spreadsheet would run is quoted."""

    def start(self) -> bytes:
        """The names of the columns."""
        return self._lines([[column.name for column in COLUMNS]])

    def add(self, entries: Sequence[Entry]) -> bytes:
        """A line for each."""
        return self._lines(
            [_as_text(column.kind, column.of(entry)) for column in COLUMNS] for entry in entries
        )

    def end(self) -> bytes:
        """Nothing."""
        return b""

    @staticmethod
    def _lines(rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()


class Parquet:
    """Parquet: money as decimal128(38, 12), times as timestamps in UTC."""

    def __init__(self) -> None:
        """Raises ConfigError where `pyarrow` is not installed."""
        try:
            import pyarrow as pa  # noqa: PLC0415 - large, and only for this
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                "Parquet needs pyarrow: pip install 'pointsman[export]'; or export csv or jsonl"
            ) from error
        self._pa = pa
        types: Mapping[_Kind, pa.DataType] = {
            "text": pa.string(),
            "flag": pa.bool_(),
            "count": pa.int64(),
            "number": pa.float64(),
            "money": pa.decimal128(_DIGITS, _DECIMALS),
            "time": pa.timestamp("us", tz="UTC"),
        }
        self._schema = pa.schema([(column.name, types[column.kind]) for column in COLUMNS])
        self._file = _Tail()
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")

    def start(self) -> bytes:
        """The mark of such files."""
        return self._file.taken()

    def add(self, entries: Sequence[Entry]) -> bytes:
        """A row group."""
        if not entries:
            return b""
        columns = [
            self._pa.array((_as_cell(column.of(entry)) for entry in entries), type=field.type)
            for column, field in zip(COLUMNS, self._schema, strict=True)
        ]
        self._writer.write_table(self._pa.table(columns, schema=self._schema))
        return self._file.taken()

    def end(self) -> bytes:
        """Where everything is."""
        self._writer.close()
        return self._file.taken()


class _Tail(io.RawIOBase):
    """A file of which only what is new is kept."""

    def __init__(self) -> None:
        self._new = bytearray()
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        self._new += data
        size = len(memoryview(data))
        self._position += size
        return size

    def tell(self) -> int:
        return self._position

    def taken(self) -> bytes:
        """What was written since it was asked last."""
        new, self._new = bytes(self._new), bytearray()
        return new


#: What makes a file of each format, and its content type.
FILES: Mapping[FileFormat, tuple[Callable[[], EntryFile], str]] = {
    "csv": (Csv, "text/csv; charset=utf-8"),
    "parquet": (Parquet, "application/vnd.apache.parquet"),
    "jsonl": (JsonLines, "application/x-ndjson"),
}


def _as_text(kind: _Kind, cell: _Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    text = str(cell)
    return f"'{text}" if kind == "text" and text.startswith(_FORMULA) else text


def _as_cell(cell: _Cell) -> _Cell:
    return cell.quantize(_PICO_DOLLAR, context=_MONEY) if isinstance(cell, Decimal) else cell
