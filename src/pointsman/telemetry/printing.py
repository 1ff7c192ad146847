"""Lines, printed by a thread of its own: a full pipe never blocks a request."""

from __future__ import annotations

import contextlib
import errno
import logging
import queue
import threading
import time
from typing import IO

#: Lines that wait for a slow reader; further ones are dropped, and counted.
MOST_WAITING = 1000
#: Seconds for what waits, at the end.
_LAST_S = 2.0
#: Of an output that nobody will ever read again; and seconds until another one is tried again.
_GONE = frozenset({errno.EPIPE, errno.EBADF})
_PAUSE_S = 0.5
_log = logging.getLogger("pointsman")


class Printer:
    """A stream that nobody waits for."""

    def __init__(
        self, stream: IO[str], *, name: str, note: str = "({} lines were dropped)"
    ) -> None:
        """The thread, of that name, starts here and ends with `close`.

        `note` says how many lines are missing, in a line of its own.
        """
        self._stream = stream
        self._note = note
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._closed = False
        self._unsaid = 0
        #: Lines that were never printed.
        self.dropped = 0
        self._thread = threading.Thread(target=self._print, name=name, daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Print it, soon. From any thread."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._unsaid += 1
            self.dropped += 1

    def close(self) -> None:
        """Print what waits, for two seconds at most; then nobody waits for it. Idempotent."""
        self._closed = True
        with contextlib.suppress(queue.Full):  # the thread ends when it has emptied it
            self._lines.put_nowait(None)
        self.join(_LAST_S)

    def join(self, timeout_s: float) -> None:
        """Wait for the last line."""
        self._thread.join(timeout_s)

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            unsaid, self._unsaid = self._unsaid, 0
            note = f"{self._note.format(unsaid)}\n" if unsaid else ""
            try:
                self._stream.write(_writable(f"{note}{line}\n", self._stream))
                self._stream.flush()
            except (OSError, ValueError) as error:
                if not isinstance(error, OSError) or error.errno in _GONE:
                    # Nobody reads any more: the queue fills, and no further.
                    _log.warning("the output of the %s is closed; no more lines", self._thread.name)
                    return
                self._unsaid += unsaid + 1  # a full disk has room again one day
                self.dropped += 1
                time.sleep(_PAUSE_S)
            if self._closed and self._lines.empty():
                return


def one_line(text: str) -> str:
    """`text` with every control character escaped: a line stays a line."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _writable(text: str, stream: IO[str]) -> str:
    """`text`, with what the stream's encoding has no sign for escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
