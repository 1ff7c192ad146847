"""A stream's bytes, kept for whoever wants them later, packed page by page.

Each event of a stream repeats the one before but for a word: a page takes a seventh of its bytes,
and packing it 2 us an event. Thousands of streams are open at a time.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right

#: Bytes of a page, or some more. It is packed in 20 KB of memory for the moment.
PAGE = 2048
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 12, 5


class Tape:
    """Grows at its end, and can be read from any place."""

    __slots__ = ("_last", "_packed", "_pages", "_shrinks", "_starts", "size")

    def __init__(self) -> None:
        """Empty."""
        self.clear()

    def clear(self) -> None:
        """Empty it."""
        #: Bytes on it.
        self.size = 0
        self._pages: list[bytes] = []
        #: Where each page begins, the last one included.
        self._starts = [0]
        #: So many of the pages are packed, the first ones.
        self._packed = 0
        #: No page was as large packed as it is: sound is, and is not packed again and again.
        self._shrinks = True
        #: Of the page that is not full yet.
        self._last: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Put this at its end."""
        self.size += len(data)
        self._last.append(data)
        if self.size - self._starts[-1] >= PAGE:
            self._pages.append(self._put_away(b"".join(self._last)))
            self._starts.append(self.size)
            self._last.clear()

    def read(self, place: int) -> bytes:
        """What follows that place, in bytes from the beginning: up to a page; at the end, nothing."""
        number = bisect_right(self._starts, place) - 1
        return self._page(number)[place - self._starts[number] :]

    def whole(self) -> bytes:
        """All of it."""
        return b"".join(map(self._page, range(len(self._starts))))

    def _page(self, number: int) -> bytes:
        if number == len(self._pages):
            return b"".join(self._last)
        page = self._pages[number]
        return zlib.decompress(page) if number < self._packed else page

    def _put_away(self, page: bytes) -> bytes:
        if not self._shrinks:
            return page
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
        packed = packer.compress(page) + packer.flush()
        self._shrinks = len(packed) < len(page)
        self._packed += self._shrinks
        return packed if self._shrinks else page
