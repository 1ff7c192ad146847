"""A gateway in this process behind a real port: what it holds can be looked at and counted."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.config import CacheSettings, ModelSettings, ServerSettings, Settings
from pointsman.config.settings import RoutingSettings
from pointsman.ports import Clock
from pointsman.server.protocol import BoundedProtocol, PromptServer
from pointsman.types import Entry

#: Seconds within which everything that a request held must be free again.
FREE_WITHIN_S = 5.0


class Front:
    """A real HTTP server, in this event loop, in front of whichever gateway `app` is."""

    def __init__(self) -> None:
        """Use `front`."""
        self.app: ASGIApp | None = None
        self.address = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        assert self.app is not None
        await self.app(scope, receive, send)


@asynccontextmanager
async def front(protocol: type[BoundedProtocol] = BoundedProtocol) -> AsyncIterator[Front]:
    """A front, as `pointsman serve` sets it up."""
    gateway = Front()
    config = uvicorn.Config(
        gateway,
        http=protocol,
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
    )
    server = PromptServer(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        gateway.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started, "the front serves")
        try:
            yield gateway
        finally:
            server.should_exit = True
            await serving


class Books:
    """Keeps every settled entry, each time that it is settled; an `Observer`."""

    def __init__(self) -> None:
        """Empty."""
        self.settled_entries: list[Entry] = []
        self.faults: list[BaseException] = []

    def settled(self, entry: Entry) -> None:
        """Keep it."""
        self.settled_entries.append(entry)

    def fault(self, stage: str, error: BaseException) -> None:
        """Keep it."""
        del stage
        self.faults.append(error)

    async def entry(self, request_id: str) -> Entry:
        """The entry of a request, once it is settled; fails where it is settled twice."""
        await eventually(lambda: self._all(request_id), f"{request_id} is settled")
        (entry,) = self._all(request_id)
        return entry

    def _all(self, request_id: str) -> list[Entry]:
        return [entry for entry in self.settled_entries if entry.request_id == request_id]


class Served:
    """A started gateway and its books."""

    def __init__(self, app: App, books: Books, rounds: AbstractSet[asyncio.Task[object]]) -> None:
        """Use `served`."""
        self.app = app
        self.books = books
        #: Its own tasks, which go on until it is closed.
        self.rounds = rounds

    @property
    def slots_taken(self) -> int:
        """Requests that hold a slot of a deployment, or wait for one."""
        return sum(each.busy for each in self.app._composition.caller.candidates())


@asynccontextmanager
async def served(
    front: Front,
    models: Mapping[str, ModelSettings],
    *,
    clock: Clock | None = None,
    retries: int = 1,
    server: ServerSettings | None = None,
) -> AsyncIterator[Served]:
    """A gateway behind the front, its books in memory; by default time stands still for it."""
    books = Books()
    settings = Settings(
        home=Path("nowhere"),
        models=dict(models),
        routing=RoutingSettings(retries=retries),
        server=server or ServerSettings(),
        cache=CacheSettings(exact=False),  # what is asked again is to be answered anew
    )
    app = App(settings, environment={}, clock=clock or ManualClock(), observer=books)
    before = asyncio.all_tasks()
    await app.start(in_memory=True)
    rounds = asyncio.all_tasks() - before
    front.app = app.asgi()
    try:
        yield Served(app, books, rounds)
        assert books.faults == []
    finally:
        front.app = None
        await app.close()


class Baseline:
    """What this process holds now: tasks and file descriptors."""

    def __init__(self) -> None:
        """Look."""
        self._tasks = asyncio.all_tasks()
        self._descriptors = _descriptors()

    async def is_back(self) -> None:
        """Wait until no more is held than then. Raises TimeoutError after `FREE_WITHIN_S`."""
        await self.has_no_tasks_but(frozenset())
        await eventually(lambda: _descriptors() <= self._descriptors, "descriptors are closed")

    async def has_no_tasks_but(self, others: AbstractSet[asyncio.Task[object]]) -> None:
        """Wait until there are none but those of then and these. Raises TimeoutError."""

        def surplus() -> set[asyncio.Task[object]]:
            return asyncio.all_tasks() - self._tasks - others - {asyncio.current_task()}

        await eventually(lambda: not surplus(), surplus)


async def eventually(look: Callable[[], object], what: object) -> None:
    """Look until it is so. Raises TimeoutError after `FREE_WITHIN_S`, saying `what` is not."""
    deadline = time.monotonic() + FREE_WITHIN_S
    while not look():
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise TimeoutError(f"not within {FREE_WITHIN_S:g} s: {said}")
        await asyncio.sleep(0.01)


def _descriptors() -> int:
    return psutil.Process().num_fds()
