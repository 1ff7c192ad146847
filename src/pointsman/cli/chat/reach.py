"""A gateway to talk to: the one that runs, or one of our own for as long as it is needed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pointsman.app import App
from pointsman.assembly import discovery
from pointsman.assembly.offline import running_at
from pointsman.assembly.wiring import missing_weights
from pointsman.cli import remote
from pointsman.cli.chat.client import Client
from pointsman.cli.serve import address_of, listen, server_config
from pointsman.cli.upgrading import upgrade_books
from pointsman.config import Settings
from pointsman.errors import ConfigError
from pointsman.providers.http import HttpClient
from pointsman.server.protocol import PromptServer

_HERE = "127.0.0.1"


@asynccontextmanager
async def reach(settings: Settings, *, load: bool = False) -> AsyncIterator[Client]:
    """The gateway that holds the books; where none runs, one that ends with the block.

    `load`: its models are loaded at once, and not when they are asked. Raises ConfigError.
    """
    http = HttpClient()
    try:
        address = running_at(settings)
        if address is not None:
            yield Client(http, address, remote.credentials(settings))
            return
        async with _our_own(settings, load=load) as (address, known):
            yield Client(http, address, remote.credentials(known))
            await http.close()  # a server waits for its clients
    finally:
        await http.close()


@asynccontextmanager
async def _our_own(settings: Settings, *, load: bool) -> AsyncIterator[tuple[str, Settings]]:
    """Its address, on a free port that only this machine can reach, and what it goes by."""
    if discovery.may_look(settings):
        found = await discovery.servers(discovery.addresses(os.environ))
        settings = discovery.with_found(settings, found, os.environ)
    if missing := missing_weights(settings):
        raise ConfigError(missing)
    upgrade_books(settings)
    app = App(settings)
    with listen(_HERE, 0) as listening:
        address = address_of(listening)
        try:
            await app.start(address=address, load=load)
            server = _Server(server_config(app, settings))
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield address, settings
            finally:
                server.should_exit = True
                await serving
        finally:
            await app.close()


class _Server(PromptServer):
    """A guest in its process: Ctrl-C is not its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals as they are."""
        yield
