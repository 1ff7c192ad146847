"""What was answered: a line for each row, written when its answer is here and not before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import filelock
import msgspec

from pointsman.errors import ConfigError

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A row's answer, or why it has none."""

    #: The row's place in the file that was asked, from 1.
    row: int
    id: str | int
    response: str | None = None
    #: The gateway's words; None where it answered.
    error: str | None = None
    finish_reason: str | None = None
    #: As the model gave them; None where it called none.
    tool_calls: list[msgspec.Raw] | None = None
    #: Who answered, and of which tier that is; `tier` is what was decided.
    deployment: str | None = None
    tier: str | None = None
    served_tier: str | None = None
    #: 0-100.
    score: float | None = None
    #: `exact` or `semantic` where it was answered before.
    cache: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    #: US dollars, exact; None where the price is unknown.
    cost: Decimal | None = None
    #: Against the baseline.
    saved: Decimal | None = None
    latency_ms: float | None = None
    #: What the books know it by.
    request_id: str | None = None
    #: Of what was asked.
    digest: str


class _Line(msgspec.Struct, frozen=True):
    """Where a result is, and of what."""

    start: int
    length: int
    digest: str
    answered: bool


class Results:
    """A file of results. One process at a time has it; of several lines of a row the last counts."""

    def __init__(self, path: Path, file: BinaryIO, lock: filelock.BaseFileLock) -> None:
        """Most callers want `open`."""
        self.path = path
        self._file = file
        self._lock = lock
        self._lines: dict[int, _Line] = {}

    @classmethod
    def open(cls, path: Path) -> Results:
        """What is there already is kept, but for a last line that was not written to its end.

        Raises ConfigError where it is no such file, can't be written, or a batch is at it.
        """
        lock = filelock.FileLock(f"{path}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ConfigError(f"another batch is writing {path}; wait for its end") from error
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            results = cls(path, path.open("a+b"), lock)
            results._read()
        except OSError as error:
            _free(lock)
            raise _unwritable(path, error) from error
        except ConfigError:
            _free(lock)
            raise
        return results

    def close(self) -> None:
        """Give the file back, with all that was answered on disk; an empty one goes.

        Raises ConfigError where the last answer could not be written.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        finally:
            with suppress(OSError):  # it was raised already
                self._file.close()
            if not self._lines and self.path.is_file():
                self.path.unlink()
            _free(self._lock)

    @property
    def digests(self) -> Mapping[int, str]:
        """Of every row that has a result, an answer or not."""
        return {row: line.digest for row, line in self._lines.items()}

    @property
    def answered(self) -> frozenset[int]:
        """The rows that need not be asked again."""
        return frozenset(row for row, line in self._lines.items() if line.answered)

    def add(self, result: Result) -> None:
        """Write a result; a kill right after it does not lose it. Raises ConfigError."""
        line = _ENCODE(result) + b"\n"
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._note(start, len(line), result)

    def __iter__(self) -> Iterator[Result]:
        """The results, in the order of the rows."""
        for row in sorted(self._lines):
            yield msgspec.json.decode(self._text(row), type=Result)

    def put_in_order(self) -> None:
        """Write the file anew, one line for each row, in their order. Raises ConfigError."""
        rows = sorted(self._lines)
        replace(self.path, (self._text(row) for row in rows))
        start, lines = 0, {}
        for row in rows:
            line = self._lines[row]
            lines[row] = _Line(start, line.length, line.digest, line.answered)
            start += line.length
        self._file.close()
        self._file, self._lines = self.path.open("a+b"), lines

    def _text(self, row: int) -> bytes:
        line = self._lines[row]
        self._file.seek(line.start)
        return self._file.read(line.length)

    def _read(self) -> None:
        self._file.seek(0)
        start, decoder = 0, msgspec.json.Decoder(Result)
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                self._file.truncate(start)
                return
            try:
                self._note(start, len(line), decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._file.close()
                raise ConfigError(
                    f"{self.path}:{number} is no result of a batch; name another file with --output"
                ) from error
            start += len(line)

    def _note(self, start: int, length: int, result: Result) -> None:
        line = _Line(start, length, result.digest, result.error is None)
        self._lines[result.row] = line


def _free(lock: filelock.BaseFileLock) -> None:
    with suppress(OSError):  # Windows removes no open file
        Path(lock.lock_file).unlink()
    lock.release()


def replace(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file, whole or not at all. Raises ConfigError."""
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> ConfigError:
    reason = error.strerror or str(error)
    return ConfigError(f"{path} can't be written: {reason}; name another file with --output")
