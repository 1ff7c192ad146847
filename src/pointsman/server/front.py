"""Where requests come in: each is answered by what was in force when it came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from types import TracebackType

from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """An ASGI application that another may follow while requests are answered."""

    def __init__(
        self,
        app: ASGIApp,
        inside: Callable[[], AbstractContextManager[None]],
        endless: Collection[str] = (),
    ) -> None:
        """Requests go to `app`, each while it is `inside` what is in force.

        But for those of the `endless` paths: whoever watches keeps nothing in use.
        """
        #: What answers the next request.
        self.app = app
        self._inside = inside
        self._endless = endless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope.get("path") in self._endless:
            await self.app(scope, receive, send)
            return
        with self._inside():
            await self.app(scope, receive, send)


class Inside(AbstractContextManager[None]):
    """How many are inside: each for as long as it is entered."""

    def __init__(self) -> None:
        """Nobody is."""
        self._count = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def __enter__(self) -> None:
        """One comes in."""
        self._count += 1
        self._empty.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """One leaves."""
        self._count -= 1
        if not self._count:
            self._empty.set()

    async def nobody(self) -> None:
        """Wait until nobody is."""
        await self._empty.wait()
