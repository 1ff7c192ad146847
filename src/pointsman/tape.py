"""A stream's bytes, kept for whoever wants them later, packed page by page.

Each event of a stream repeats the one before but for a word: a page takes a seventh of its bytes, and
packing it 2 us an event. Thousands of streams are open at a time.
"""

from __future__ import annotations

import zlib

#: Bytes of a page. It is packed with a window of the same size, in 20 KB of memory for the moment.
PAGE = 2048
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 12, 5


class Tape:
    """Grows at its end, and can be read from any place."""

    __slots__ = ("_last", "_last_size", "_pages", "size")

    def __init__(self) -> None:
        """Empty."""
        #: Bytes on it.
        self.size = 0
        self._pages: list[bytes] = []
        self._last: list[bytes] = []
        self._last_size = 0

    def add(self, data: bytes) -> None:
        """Put this at its end."""
        self.size += len(data)
        self._last_size += len(data)
        self._last.append(data)
        if self._last_size >= PAGE:
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
            self._pages.append(packer.compress(b"".join(self._last)) + packer.flush())
            self._last.clear()
            self._last_size = 0

    def after(self, place: int) -> bytes:
        """All from that place on, in bytes from the beginning."""
        parts, start = [b"".join(self._last)], self.size - self._last_size
        for page in reversed(self._pages):
            if start <= place:
                break
            parts.append(zlib.decompress(page))
            start -= len(parts[-1])
        return b"".join(reversed(parts))[place - start :]

    def clear(self) -> None:
        """Empty it."""
        self.size = self._last_size = 0
        self._pages.clear()
        self._last.clear()
