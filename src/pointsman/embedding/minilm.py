"""all-MiniLM-L6-v2 on this machine, as `pointsman models pull minilm` fetches it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from pointsman.embedding.reader import NAME, WINDOW, Reader
from pointsman.errors import CacheUnavailable
from pointsman.threads import step_back
from pointsman.types import Alignment, Vector

P = ParamSpec("P")
T = TypeVar("T")

_WAITING = 16  # of usual prompts: what a core reads in a fifth of a second
_KEPT_BYTES = 8 * 1024 * 1024


class MiniLM:
    """Embeds in one thread of its own, from any number of event loops.

    Texts are embedded one at a time, so a text's vector does not depend on what else is asked.
    The weights are loaded at first use, or by `load`.
    """

    name = NAME
    #: The two marks around every text included.
    window = WINDOW

    def __init__(
        self, folder: Path, *, waiting: int = _WAITING, kept_bytes: int = _KEPT_BYTES
    ) -> None:
        """`folder` is where the weights are or will be.

        At most `waiting` calls wait, the one that is served included. What was read of the last
        texts is kept in `kept_bytes`, for `align`.
        """
        self._reader = Reader(folder, kept_bytes)
        self._room = threading.Semaphore(waiting)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="minilm", initializer=step_back)
        self._closed = False

    async def load(self) -> None:
        """Load the weights now. Raises CacheUnavailable, which says how to get them."""
        await asyncio.wrap_future(self._submit(self._reader.load))

    async def embed(self, text: str) -> Vector | None:
        """The text's embedding.

        None where it is longer than the window, has a word that is unknown to the vocabulary (they
        all look the same to the network), or too many wait. Raises CacheUnavailable.
        """
        return await self._ask(self._reader.vector, text)

    async def align(self, a: str, b: str) -> Alignment | None:
        """Each word piece of both texts with its best cosine among the other's.

        As the last layer sees them; a piece that goes on with a word begins with `##`. None as for
        `embed`. Raises CacheUnavailable.
        """
        return await self._ask(self._reader.alignment, a, b)

    async def close(self) -> None:
        """End the thread; who still waits gets CacheUnavailable."""
        self._closed = True
        await asyncio.to_thread(self._worker.shutdown)

    async def _ask(
        self, work: Callable[P, T | None], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        if not self._room.acquire(blocking=False):
            return None
        try:
            future = self._submit(work, *args, **kwargs)
        except CacheUnavailable:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)

    def _submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        def unless_closed() -> T:
            if self._closed:
                raise CacheUnavailable("the embedder minilm is closed")
            return work(*args, **kwargs)

        try:
            return self._worker.submit(unless_closed)
        except RuntimeError as error:  # it was shut down, or the interpreter is
            raise CacheUnavailable("the embedder minilm is closed") from error
