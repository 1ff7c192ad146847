"""What the gateway has to say besides decisions: faults, warnings. For people, or for programs."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Literal, TypeAlias

from pointsman.journey import CURRENT
from pointsman.telemetry.printing import Printer, one_line

Form: TypeAlias = Literal["text", "json"]

_TEXT = "%(asctime)s %(levelname)s %(message)s"
_DROPPED = "({} lines of the log were dropped)"
_DROPPED_JSON = (
    '{{"level": "warning", "logger": "pointsman", "message": "{} lines of the log were dropped"}}'
)
#: Characters from which a configured secret is looked for: a shorter one is in every other word.
_SHORTEST_SECRET = 6
#: Keys of gateways, and whatever stands where a key does.
_LIKE_KEYS = (r"pm_[a-z2-7]{8}_[A-Za-z0-9_-]+", r"(?<=[Bb]earer )[^\s\"',;]+")
_HIDDEN = "***"


def start(stream: IO[str], form: Form) -> None:
    """Print what is logged at once: for a process that serves nobody yet, or never will."""
    _log_to(lambda line: print(line, file=stream, flush=True), form)


class Log:
    """What is logged, on its way to a thread that prints it."""

    def __init__(self, printer: Printer, handler: _Handler) -> None:
        """Use `printed`."""
        self._printer = printer
        self._handler = handler

    @property
    def dropped(self) -> int:
        """Lines that nobody printed, because too many waited."""
        return self._printer.dropped

    def hide(self, secrets: Iterable[str]) -> None:
        """Print none of these from now on, either, whatever library repeats it."""
        self._handler.hide(secrets)


@contextmanager
def printed(stream: IO[str], form: Form) -> Iterator[Log]:
    """Have a thread print what is logged, so that nobody waits for it; then go on as before."""
    printer = Printer(stream, name="log", note=_DROPPED_JSON if form == "json" else _DROPPED)
    before = logging.getLogger().handlers[:]
    try:
        yield Log(printer, _log_to(printer.put, form))
    finally:
        logging.getLogger().handlers[:] = before
        printer.close()


def _log_to(put: Callable[[str], None], form: Form) -> _Handler:
    """All that is logged, warnings of Python's included."""
    handler = _Handler(put)
    handler.setFormatter(_AsJson() if form == "json" else _AsText(_TEXT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    return handler


class _Handler(logging.Handler):
    """Renders a record where it was made, and has it printed elsewhere."""

    def __init__(self, put: Callable[[str], None]) -> None:
        super().__init__()
        self._put = put
        self._secrets: frozenset[str] = frozenset()
        self._hidden = _pattern(self._secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        all_of_them = self._secrets.union(secrets)
        if all_of_them != self._secrets:
            self._secrets, self._hidden = all_of_them, _pattern(all_of_them)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._put(self._hidden.sub(_HIDDEN, self.format(record)))
        except Exception:  # noqa: BLE001 - logging's own way: said on standard error, raised never
            self.handleError(record)


class _AsText(logging.Formatter):
    """A line for people: no message makes it two, or speaks to the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = one_line(record.message)
        return super().formatMessage(record)


class _AsJson(logging.Formatter):
    """One object a line, with the request that it was logged for."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        said: dict[str, str] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        journey = CURRENT.get()
        if journey is not None and journey.request_id:
            said["request_id"] = journey.request_id
        if journey is not None and journey.trace is not None:
            said["trace_id"] = journey.trace.trace_id
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


def _pattern(secrets: Iterable[str]) -> re.Pattern[str]:
    """What is not to be seen, as it is and as JSON writes it."""
    long = {each for each in secrets if len(each) >= _SHORTEST_SECRET}
    spelled = long | {json.dumps(each)[1:-1] for each in long}
    exact = [re.escape(each) for each in sorted(spelled, key=len, reverse=True)]
    return re.compile("|".join((*exact, *_LIKE_KEYS)))
