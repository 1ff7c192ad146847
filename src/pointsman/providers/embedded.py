"""The embedded model: llama.cpp in a supervised child process.

The child (`embedded_child.py`) runs native code on downloaded weights; whatever happens to it, the
gateway lives. It is started by the first request or by `start`, and started again, after growing
pauses, whenever it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from pointsman.errors import UpstreamTimeout, UpstreamUnreachable
from pointsman.ports import Clock, Provider
from pointsman.providers.child_process import ChildFailed, ChildProcess
from pointsman.types import DeploymentState, Health, Outbound, ProviderReply

_CHILD = (sys.executable, "-P", str(Path(__file__).with_name("embedded_child.py")))
_LONGEST_PAUSE_S = 30.0
#: A child that served this long is no longer held against the next one.
_PROVEN_AFTER_S = 60.0
#: Between a child's sockets closing and its death being known.
_DEATH_NOTICE_S = 1.0


class EmbeddedProvider:
    """Starts the child when it is needed and delegates to the provider for its address.

    `state` goes `cold` -> `warming` -> `up`; `down` is a child that can't be started, which is
    tried again all the while, so that weights pulled later are found.
    """

    def __init__(
        self,
        *,
        weights: Path,
        model: str,
        upstream: Callable[[str, str], Provider],
        clock: Clock,
        context_length: int = 4096,
        slots: int = 2,
        threads: int | None = None,
        patience_s: float = 60.0,
        start_limit_s: float = 300.0,
        restart_pause_s: float = 0.25,
        grace_s: float = 2.0,
        command: Sequence[str] = _CHILD,
    ) -> None:
        """`upstream` makes the provider for a base URL and an API key.

        `context_length` is in tokens and holds for each of the `slots` requests served at once;
        `threads` defaults to one less than the cores there are. `patience_s` bounds how long a
        request waits for the child, `start_limit_s` how long the child may load;
        `restart_pause_s` doubles with every death in a row; `grace_s` lies between asking the
        child to end and killing it, once it has loaded. `command` starts something that speaks the
        child's protocol.
        """
        self._weights = weights
        self._model = model
        self._connect = upstream
        self._clock = clock
        self._context_length = context_length
        self._slots = slots
        self._threads = threads
        self._patience_s = patience_s
        self._start_limit_s = start_limit_s
        self._restart_pause_s = restart_pause_s
        self._grace_s = grace_s
        self._command = command
        self._state: DeploymentState = "cold"
        self._failure = ""
        self._upstream: Provider | None = None
        self._changed = asyncio.Event()
        self._supervision: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def state(self) -> DeploymentState:
        """See the class."""
        return self._state

    async def start(self) -> None:
        """Start the child in the background."""
        if not self._closed and (self._supervision is None or self._supervision.done()):
            self._become("warming")
            self._supervision = asyncio.create_task(self._supervise())

    async def open(self, sent: Outbound) -> ProviderReply:
        """Send the request to the child, waiting for it where it is starting.

        Where the child has died before it answered, the request is sent once more, to the next.
        Raises UpstreamUnreachable at once where the child can't be started, and UpstreamTimeout
        where it is not there within the patience.
        """
        upstream = await self._serving()
        try:
            return await upstream.open(sent)
        except UpstreamUnreachable:
            if not await self._is_gone(upstream):
                raise
        return await (await self._serving()).open(sent)

    async def probe(self) -> Health:
        """Look at the child, without starting one."""
        if self._upstream is not None:
            return await self._upstream.probe()
        if not self._weights.is_file():
            return Health("down", self._missing())
        return Health(self._state, self._failure, self._context_length)

    async def close(self) -> None:
        """End the child, for good."""
        self._closed = True
        if self._supervision is not None:
            self._supervision.cancel()
            await asyncio.wait([self._supervision])
        self._become("down", failure="the embedded model was closed")

    async def _serving(self) -> Provider:
        await self.start()
        try:
            async with asyncio.timeout(self._patience_s):
                while self._upstream is None:
                    if self._state != "warming":
                        raise UpstreamUnreachable(self._failure)
                    await self._changed.wait()
        except TimeoutError as error:
            late = f"the embedded model was not ready within {self._patience_s:g} s"
            raise UpstreamTimeout(late, sent=False) from error
        return self._upstream

    async def _is_gone(self, upstream: Provider) -> bool:
        """Whether the child behind `upstream` has died."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DEATH_NOTICE_S):
                while self._upstream is upstream:
                    await self._changed.wait()
        return self._upstream is not upstream

    async def _supervise(self) -> None:
        """Keep a child running until this task is cancelled."""
        pause_s = self._restart_pause_s
        while True:
            began = self._clock.monotonic()
            try:
                await self._run_child()
            except ChildFailed as failure:
                reason = str(failure).replace(str(self._weights), self._weights.name)
                self._become("down", failure=f"the embedded model does not start: {reason}")
            if self._clock.monotonic() - began > _PROVEN_AFTER_S:
                pause_s = self._restart_pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _run_child(self) -> None:
        """Run one child from its start to its death. Raises ChildFailed where it does not start."""
        if not self._weights.is_file():
            raise ChildFailed(self._missing())
        self._become("warming")
        api_key = secrets.token_urlsafe(32)
        child = await ChildProcess.start(self._command, self._settings(api_key))
        grace_s = 0.0  # while it loads it hears nothing
        try:
            base_url = await child.base_url(self._start_limit_s)
            grace_s = self._grace_s
            upstream = self._connect(base_url, api_key)
            self._become("up", upstream=upstream)
            try:
                await child.wait()
            finally:
                self._become("warming")
                await upstream.close()
        finally:
            await child.end(grace_s)

    def _settings(self, api_key: str) -> bytes:
        return msgspec.json.encode(
            {
                "weights": str(self._weights),
                "model": self._model,
                "api_key": api_key,
                "context_length": self._context_length,
                "slots": self._slots,
                "threads": self._threads,
            }
        )

    def _missing(self) -> str:
        return (
            f"there are no weights {self._weights.name}; run: pointsman models pull {self._model}"
        )

    def _become(
        self, state: DeploymentState, *, upstream: Provider | None = None, failure: str = ""
    ) -> None:
        self._state, self._upstream, self._failure = state, upstream, failure
        self._changed.set()
        self._changed = asyncio.Event()
