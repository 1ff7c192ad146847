"""How a gateway ends: it says so, serves on for a while, and lets every open reply finish."""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import FrameType

import uvicorn

from pointsman.server.draining import Draining
from pointsman.server.protocol import BoundedProtocol

#: Seconds between two looks whether all is over.
_LOOK_S = 0.02
#: Seconds for which a connection without a request stays open: one may be on its way.
_LINGER_S = 0.25
#: Seconds that replies get for their last words when their time is over.
_LAST_WORDS_S = 5.0
_CLOSE = (b"connection", b"close")


#: Takes no descriptor, where the system has it.
_Looking = (
    selectors.PollSelector if hasattr(selectors, "PollSelector") else selectors.SelectSelector
)


class EndingServer(uvicorn.Server):
    """Ends in order, at the first SIGTERM or SIGINT; at once at the second.

    From the first on it is not ready, and every reply asks its client to come back on another
    connection. New requests are served for `drain_s` more, time for a load balancer to notice;
    then no connection is accepted any more, and open replies get uvicorn's
    `timeout_graceful_shutdown` to finish. What is not finished then is told that the gateway stops.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        ending: Callable[[], Coroutine[None, None, None]],
        *,
        draining: Draining | None = None,
        drain_s: float = 0.0,
        hurries: bool = True,
    ) -> None:
        """`ending` is begun when no further request is taken, and has the time that replies have.

        It ends what would go on for ever, and waits for what is done beside them. One that does not
        hurry ends in order however often it is signalled: whoever started it says when to hurry.
        """
        super().__init__(config)
        self._ending = ending
        self._draining = draining or Draining()
        self._drain_s = drain_s
        self._hurries = hurries

    def end(self, *, at_once: bool = False) -> None:
        """Begin to end, where that has not begun; `at_once`: wait for nobody any more."""
        self._draining.begun = True
        self.force_exit = self.force_exit or at_once
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: see `uvicorn.Server`."""
        del sig, frame
        self.end(at_once=self.should_exit and self._hurries)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        self._draining.begun = True
        self._ask_to_close()
        await self._until(lambda: False, self._drain_s)
        self._beside(self._ending())
        await self._accept_no_more(sockets or ())
        await self._until(self._is_over, _LINGER_S)
        await self._until(self._is_over_but_for_idle, self.config.timeout_graceful_shutdown)
        for task in tuple(self.server_state.tasks):
            task.cancel("the gateway stops")
        self.force_exit = False
        await self._until(self._is_over_but_for_idle, _LAST_WORDS_S)
        for connection in self._connections():
            connection.transport.abort()

    def _beside(self, work: Coroutine[None, None, None]) -> None:
        """Wait for it as for a reply."""
        task = asyncio.create_task(work)
        task.add_done_callback(self.server_state.tasks.discard)
        self.server_state.tasks.add(task)

    async def _accept_no_more(self, sockets: Sequence[socket.socket]) -> None:
        """Close the sockets, but only after whoever waits on them for a connection has one.

        What waits on a socket that is closed is reset, a request that was sent with it.
        """
        last = list[socket.socket]()
        with suppress(OSError):  # no descriptor is left: then nobody can be taken in either
            last += [listening.dup() for listening in sockets]
        for server in self.servers:
            server.close()
        for listening in sockets:
            listening.close()
        for listening in last:
            with listening, suppress(OSError):  # nobody waits any more, or there is no room
                listening.setblocking(False)
                while True:
                    await self._take(listening.accept()[0])

    async def _take(self, connection: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: BoundedProtocol(self.config, self.server_state, self.lifespan.state),
            connection,
        )

    def _ask_to_close(self) -> None:
        """Have every reply that has not begun say that its connection ends with it."""
        self.server_state.default_headers.append(_CLOSE)
        for connection in self._connections():
            connection.is_last()

    def _connections(self) -> list[BoundedProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, BoundedProtocol)]

    def _is_over(self) -> bool:
        return not (self.server_state.connections or self.server_state.tasks)

    def _is_over_but_for_idle(self) -> bool:
        """Whether it is over once the idle are closed, but for those from which something comes."""
        idle = {each.fileno: each for each in self._connections() if each.is_idle}
        with _Looking() as looking:
            for fileno in idle:
                looking.register(fileno, selectors.EVENT_READ)
            coming = {key.fd for key, _ in looking.select(0)} if idle else set()
        for fileno in idle.keys() - coming:
            idle[fileno].transport.close()
        return self._is_over()

    async def _until(self, is_over: Callable[[], bool], within_s: float | None) -> None:
        """Wait until it is over, the time is, or somebody is in a hurry."""
        until = None if within_s is None else time.monotonic() + within_s
        while not (self.force_exit or is_over()):
            if until is not None and time.monotonic() >= until:
                return
            await asyncio.sleep(_LOOK_S)
