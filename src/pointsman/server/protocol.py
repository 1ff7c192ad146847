"""HTTP/1.1 as uvicorn speaks it, with bounds on what a client may keep us waiting for."""

from __future__ import annotations

import asyncio
import socket
import time

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from pointsman.errors import BadRequest
from pointsman.formats.chat import error as chat_error
from pointsman.ids import new_request_id
from pointsman.server.guards import MAX_HEAD_BYTES, head_too_large

#: Seconds between two looks of a server that is to end soon.
_LOOK_S = 0.005
#: Seconds that its connections get to close by themselves.
_CLOSING_S = 0.1


class PromptServer(uvicorn.Server):
    """Ends at once where nothing is open: for a guest in a process that waits for its end.

    uvicorn's own server takes up to a third of a second for that.
    """

    async def main_loop(self) -> None:
        """See `uvicorn.Server`."""
        while not await self.on_tick(0):  # noqa: ASYNC110 - it is told by an attribute
            await asyncio.sleep(_LOOK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        state, until = self.server_state, time.monotonic() + _CLOSING_S
        for server in self.servers:
            server.close()
        for connection in tuple(state.connections):
            connection.shutdown()
        while (state.connections or state.tasks) and time.monotonic() < until:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(_LOOK_S)
        if state.connections or state.tasks:
            await super().shutdown(sockets)


class BoundedProtocol(HttpToolsProtocol):
    """Cuts off who does not finish a request's head, or takes nothing of a reply.

    Bodies have a limit of their own where they are read. The rest of one that was answered before
    its end is passed over, in the time that a head has: a client reads its reply only then; a connection on which nothing comes
    after a reply has uvicorn's `timeout_keep_alive`.
    """

    #: Seconds until the head of a request must be there, from the connection or its first byte.
    HEAD_S = 10.0
    #: Seconds for which a client may take nothing of what waits for it.
    STALL_S = 120.0

    #: The instances of a class with more than thirty attributes share no keys: each would take a
    #: kilobyte more. uvicorn has 28.
    __slots__ = ("_deadline", "_has_asked", "_head_bytes", "_in_body", "_stalling")

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """A connection that is not there yet."""
        super().__init__(config, server_state, app_state, _loop)
        #: Set while a head is awaited.
        self._deadline: asyncio.TimerHandle | None = None
        #: Set while the client takes nothing.
        self._stalling: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        #: There was a request: there is a `cycle`.
        self._has_asked = False
        #: The end of its body is not here yet.
        self._in_body = False

    @property
    def fileno(self) -> int:
        """Of its socket."""
        return int(self.transport.get_extra_info("socket").fileno())

    @property
    def is_idle(self) -> bool:
        """Whether it has no request, nor the beginning of one."""
        if self.transport.is_closing():
            return False
        if not self._has_asked:
            return not self._head_bytes
        return self.cycle.response_complete and self._deadline is None

    def is_last(self) -> None:
        """Say in the reply, if that has not begun, that the connection ends with it."""
        if self._has_asked and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here: its request must follow."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._head_is_here()
        self._takes_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a head, of a body, or after a reply."""
        awaited, in_body = self._deadline is not None, self._in_body
        super().data_received(data)
        if self.transport.is_closing():
            return
        if in_body:
            self._pass_over()
        elif awaited and self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(head_too_large())
        elif self.cycle.response_complete:
            self._await_head()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """All of its head is here."""
        self._head_is_here()
        self._has_asked = self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._head_is_here()
        self._in_body = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client is slower than its reply."""
        super().pause_writing()
        self._stalling = self.loop.call_later(self.STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken what waited."""
        self._takes_on()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._refuse(BadRequest(msg, code="invalid_http"))

    def _await_head(self) -> None:
        if self._deadline is None:
            self._head_bytes = 0
            self._deadline = self.loop.call_later(self.HEAD_S, self.transport.abort)

    def _pass_over(self) -> None:
        """Of a body that nobody reads any more: its rest has to come in time, too."""
        if not self.cycle.response_complete or self._deadline is not None:
            return
        if self._in_body:
            self._await_head()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _takes_on(self) -> None:
        if self._stalling is not None:
            self._stalling.cancel()
            self._stalling = None

    def _refuse(self, error: BadRequest) -> None:
        body = chat_error.body(error)
        head = (
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {new_request_id()}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[error.status] + head.encode() + body)
        self.transport.close()
