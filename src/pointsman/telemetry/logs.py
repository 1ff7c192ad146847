"""What the gateway has to say besides decisions: faults, warnings. For people, or for programs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Literal, TypeAlias

from pointsman.journey import CURRENT
from pointsman.telemetry.hiding import Hidden
from pointsman.telemetry.printing import Printer, one_line

Form: TypeAlias = Literal["text", "json"]

_TEXT = "%(asctime)s %(levelname)s %(message)s"
_DROPPED = "({} lines of the log were dropped)"
_DROPPED_JSON = (
    '{{"level": "warning", "logger": "pointsman", "message": "{} lines of the log were dropped"}}'
)


def start(stream: IO[str], form: Form) -> None:
    """Print what is logged at once: for a process that serves nobody yet, or never will."""
    _log_to(lambda line: print(line, file=stream, flush=True), form, Hidden())


class Log:
    """What is logged, on its way to a thread that prints it."""

    def __init__(self, printer: Printer, hidden: Hidden) -> None:
        """Use `printed`."""
        self._printer = printer
        self._hidden = hidden

    @property
    def dropped(self) -> int:
        """Lines that nobody printed, because too many waited."""
        return self._printer.dropped

    def hide(self, secrets: Iterable[str]) -> None:
        """See `Hidden.hide`: none of these is printed, whatever library repeats it."""
        self._hidden.hide(secrets)


@contextmanager
def printed(stream: IO[str], form: Form) -> Iterator[Log]:
    """Have a thread print what is logged, so that nobody waits for it; then go on as before."""
    printer = Printer(stream, name="log", note=_DROPPED_JSON if form == "json" else _DROPPED)
    before, hidden = logging.getLogger().handlers[:], Hidden()
    _log_to(printer.put, form, hidden)
    try:
        yield Log(printer, hidden)
    finally:
        logging.getLogger().handlers[:] = before
        printer.close()


def _log_to(put: Callable[[str], None], form: Form, hidden: Hidden) -> None:
    """All that is logged, warnings of Python's included."""
    handler = _Handler(put)
    handler.setFormatter(_AsJson(hidden) if form == "json" else _AsText(hidden))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class _Handler(logging.Handler):
    """Renders a record where it was made, and has it printed elsewhere."""

    def __init__(self, put: Callable[[str], None]) -> None:
        super().__init__()
        self._put = put

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._put(self.format(record))
        except Exception:  # noqa: BLE001 - logging's own way: said on standard error, raised never
            self.handleError(record)


class _Covered(logging.Formatter):
    """Shows no secret in what is said; what stands around it is nobody's to hide."""

    def __init__(self, hidden: Hidden) -> None:
        super().__init__(_TEXT)
        self._covered = hidden.covered

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return self._covered(super().formatException(ei))


class _AsText(_Covered):
    """A line for people: no message makes it two, or speaks to the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = one_line(self._covered(record.message))
        return super().formatMessage(record)


class _AsJson(_Covered):
    """One object a line, with the request that it was logged for."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        said: dict[str, str] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._covered(record.getMessage()),
        }
        journey = CURRENT.get()
        if journey is not None and journey.request_id:
            said["request_id"] = journey.request_id
        if journey is not None and journey.trace is not None:
            said["trace_id"] = journey.trace.trace_id
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)
