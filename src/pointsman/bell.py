"""Waiting for something to happen, of which there are several for each open stream.

An `asyncio.Event` would do, and takes 800 bytes where nobody waits.
"""

from __future__ import annotations

import asyncio

#: Waits after which those are forgotten who have given up meanwhile.
_MANY = 64


class Bell:
    """Wakes who waits for it; remembers nothing of what was rung before."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        """Nobody waits."""
        self._waiting: list[asyncio.Future[None]] | None = None

    def ring(self) -> None:
        """Wake all who wait now."""
        waiting, self._waiting = self._waiting, None
        for each in waiting or ():
            if not each.done():  # cancelled
                each.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        """To be awaited at once: it is done at the next ring."""
        rung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        elif len(self._waiting) % _MANY == 0:
            self._waiting = [each for each in self._waiting if not each.done()]
        self._waiting.append(rung)
        return rung
