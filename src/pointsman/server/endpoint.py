"""One exchange: authenticate, authorise, read, handle, respond; and notice when the client leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from pointsman.access.permissions import NOBODY, require
from pointsman.errors import GatewayStops, Overloaded, PointsmanError
from pointsman.formats.wire import ClientFormat
from pointsman.ids import new_request_id
from pointsman.journey import served
from pointsman.server import errors, files, guards
from pointsman.server.gateway import Gateway
from pointsman.server.http import (
    ClientLeft,
    Incoming,
    Outgoing,
    header_map,
    query_of,
    read_body,
    respond,
    until_disconnect,
)
from pointsman.server.routes import Path
from pointsman.types import Principal

_log = logging.getLogger("pointsman.server")
#: Bytes of a body that are read of anybody, key or not: enough to sign in.
_OPEN_BYTES = 64 * 1024
#: Seconds in which a file must be here at least, [server] body_timeout_s may be longer.
_FILE_S = 600.0


class Endpoint:
    """A path as an ASGI application."""

    def __init__(self, gateway: Gateway, path: Path) -> None:
        """Access is what the path asks for; nothing else decides it."""
        self._gateway = gateway
        self._path = path
        self._turned_away = errors.TurnedAway(gateway.clients)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = new_request_id()
        served(request_id, self._path.path)
        headers = header_map(scope)
        door = self._gateway.door if self._path.access == "call" else None
        try:
            guards.check_head(scope["headers"], scope["http_version"])
            principal = self._caller(scope["method"], headers)  # nobody else's body is read
            if door is not None:
                receive = await door.enter(principal.organisation, headers, receive)
            room = self._take_room(headers)
        except ClientLeft:
            return
        except Overloaded as error:
            told = errors.format_for(self._path.format, headers)
            await self._turned_away.send(error, told, send, request_id)
            return
        except PointsmanError as error:
            await self._refuse(error, headers, send, request_id)
            return
        except asyncio.CancelledError as stopped:
            await self._stop(stopped, headers, send, request_id)
            return
        try:
            incoming = await self._let_in(scope, headers, receive, send, request_id)
            if incoming is None:
                return
            if incoming.method == "GET" and not self._path.is_long:
                await self._answer(incoming, send)
            else:
                await self._answer_while_there(incoming, receive, send)
        finally:
            if door is not None:
                door.leave(principal.organisation)
            self._gateway.batching.files.room.give_back(room)

    async def _let_in(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> Incoming | None:
        """The whole request; None where it was refused, or nobody is there any more."""
        try:
            return await self._receive(scope, headers, receive, request_id)
        except ClientLeft:
            pass
        except PointsmanError as error:
            await self._refuse(error, headers, send, request_id)
        except asyncio.CancelledError as stopped:
            await self._stop(stopped, headers, send, request_id)
        return None

    async def _refuse(
        self, error: PointsmanError, headers: Mapping[str, str], send: Send, request_id: str
    ) -> None:
        refused = errors.render(error, self._client(headers), request_id)
        await respond(refused, send, request_id)

    async def _stop(
        self,
        stopped: asyncio.CancelledError,
        headers: Mapping[str, str],
        send: Send,
        request_id: str,
    ) -> None:
        """Say so where the gateway stops; it is cancelled otherwise, too."""
        if not stopped.args:
            raise stopped
        await self._refuse(GatewayStops(), headers, send, request_id)

    async def _receive(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, request_id: str
    ) -> Incoming:
        gateway = self._gateway
        method: str = scope["method"]
        timeout_s = max(gateway.body_timeout_s, _FILE_S if self._path.takes_file else 0.0)
        body = await read_body(headers, receive, self._most_bytes(), timeout_s)
        return Incoming(
            request_id=request_id,
            method=method,
            path=scope["path"],
            headers=headers,
            parameters=scope.get("path_params", {}),
            query=query_of(scope),
            body=body,
            principal=self._caller(method, headers),  # a key may have ended while the body came
        )

    def _take_room(self, headers: Mapping[str, str]) -> int:
        if not self._path.takes_file:
            return 0
        return files.take_room(self._gateway, headers, self._most_bytes())

    def _most_bytes(self) -> int:
        most = self._gateway.max_body_bytes
        if self._path.takes_file:  # and the form around it
            most = max(most, self._gateway.batching.files.max_bytes + _OPEN_BYTES)
        return min(most, _OPEN_BYTES) if self._path.access == "open" else most

    def _caller(self, method: str, headers: Mapping[str, str]) -> Principal:
        """Who asks, where who asks may call this path. Raises AuthenticationFailed, Forbidden."""
        if self._path.access == "open":
            return NOBODY
        principal = self._gateway.sign_ins.authenticate(method, headers)
        require(principal, self._path.access)
        return principal

    async def _answer_while_there(self, incoming: Incoming, receive: Receive, send: Send) -> None:
        """Answer; when the client leaves, stop, so that the upstream stops too."""
        answering = asyncio.create_task(self._answer(incoming, send))
        stopped: asyncio.CancelledError | None = None
        try:
            await until_disconnect(receive, answering)
        except asyncio.CancelledError as error:
            stopped = error
        finally:  # the client left, where the gateway goes on and it is not done
            answering.cancel(*(("the gateway stops",) if stopped else ()))
            await _over(answering)
        if not answering.cancelled():
            answering.result()
        elif stopped is not None:
            raise stopped

    async def _answer(self, incoming: Incoming, send: Send) -> None:
        await respond(await self._outgoing(incoming), send, incoming.request_id)

    async def _outgoing(self, incoming: Incoming) -> Outgoing:
        try:
            return await self._path.handler(self._gateway, incoming)
        except asyncio.CancelledError as stopped:
            if not stopped.args:  # the client left
                raise
            client = self._client(incoming.headers)
            return errors.render(GatewayStops(), client, incoming.request_id)
        except PointsmanError as error:
            client, now = self._client(incoming.headers), self._gateway.clock.now()
            return errors.render(error, client, incoming.request_id, now)
        except Exception:  # noqa: BLE001 - the last boundary: logged, and said
            _log.exception("%s %s failed", incoming.request_id, self._path.path)
            return errors.unexpected(self._client(incoming.headers), incoming.request_id)

    def _client(self, headers: Mapping[str, str]) -> ClientFormat:
        return self._gateway.clients[errors.format_for(self._path.format, headers)]


async def _over(answering: asyncio.Task[None]) -> None:
    """Wait until it has cleaned up, whoever else is to end meanwhile: the books close after it."""
    while not answering.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({answering})
