"""Newline-delimited JSON, split without being changed: how Ollama streams."""

from __future__ import annotations

from collections.abc import Iterator

from pointsman.errors import UpstreamBroken
from pointsman.formats.sse import MAX_EVENT_BYTES, Event


class LineSplitter:
    """Turns chunks of bytes, cut anywhere, into lines: an event each, its data the line itself."""

    def __init__(self) -> None:
        """Start empty."""
        self._buffer = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The lines that `chunk` completes. Raises UpstreamBroken for one that is too long."""
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise UpstreamBroken(f"a line of over {MAX_EVENT_BYTES} bytes")
        for line in lines:
            if line.strip():
                yield Event(line + b"\n", line.strip())

    @property
    def rest(self) -> bytes:
        """What came after the last whole line."""
        return self._buffer.strip()
