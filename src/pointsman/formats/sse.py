"""Server-sent events, split without being changed (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pointsman.errors import UpstreamBroken

#: Bytes of one event; more is an upstream gone wrong.
MAX_EVENT_BYTES = 8 * 1024 * 1024
DONE = b"data: [DONE]\n\n"

# A blank line after a line: CR LF, LF or CR, in any mixture.
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")


class Event(msgspec.Struct, frozen=True):
    """One event: its bytes as they came, and the data they carry (None for comments)."""

    raw: bytes
    data: bytes | None


class Splitter:
    """Turns chunks of bytes, cut anywhere, into events."""

    def __init__(self) -> None:
        """Start empty."""
        self._buffer = b""
        self._searched = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes. Raises UpstreamBroken for one that is too long."""
        self._buffer += chunk
        start = 0
        for end in _END.finditer(self._buffer, self._searched):
            raw = self._buffer[start : end.end()]
            start = end.end()
            yield Event(raw, _data(raw))
        self._buffer = self._buffer[start:]
        self._searched = max(0, len(self._buffer) - 3)
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise UpstreamBroken(f"an event of over {MAX_EVENT_BYTES} bytes")

    @property
    def rest(self) -> bytes:
        """What came after the last whole event."""
        return self._buffer.strip()


def event(data: bytes) -> bytes:
    """`data`, which holds no line break, as an event."""
    return b"data: " + data + b"\n\n"


def _data(raw: bytes) -> bytes | None:
    lines = [
        line[5:].removeprefix(b" ")
        for line in raw.removeprefix(b"\xef\xbb\xbf").splitlines()
        if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None
