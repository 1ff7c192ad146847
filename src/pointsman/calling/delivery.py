"""From the upstream's pump to the client: a bounded buffer, and the books written before the end.

The pump is a task of its own: a client that leaves, or stops reading, is nothing to the reading of
the upstream, which is cancelled or drained as its deployment says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from pointsman.bell import Bell
from pointsman.calling.stream import Relay
from pointsman.errors import GatewayStops, PointsmanError, UpstreamError, UpstreamTimeout
from pointsman.types import OnDisconnect, Outcome

#: Bytes that wait for a slow client before its upstream waits too.
BUFFER_BYTES = 64 * 1024
#: Seconds between two looks whether others have come to wait for what a slow client holds up.
_LOOK_AGAIN_S = 0.25


class Settle(Protocol):
    """Closes the books on a stream."""

    async def __call__(self, outcome: Outcome, error: UpstreamError | None) -> object:
        """`outcome` is completed, failed, client_left or interrupted."""


class Tap(Protocol):
    """Hears all that the client gets, for others who want the same."""

    @property
    def wanted(self) -> bool:
        """Somebody else waits for the reply: it goes on without the client."""

    def piece(self, data: bytes) -> None:
        """The next of the client's bytes."""

    def left(self) -> None:
        """The client has gone."""

    def ended(self, outcome: Outcome, ending: bytes, error: UpstreamError | None) -> None:
        """The upstream's stream is over, whoever was there to read it. Once, and in the books."""


class ClientStalled(Exception):
    """The client takes nothing more."""


class Buffer:
    """Bytes between one writer and one reader, bounded."""

    def __init__(self, limit: int = BUFFER_BYTES, *, patience_s: float | None = None) -> None:
        """`patience_s` bounds how long a full buffer waits for its reader."""
        self._pieces: list[bytes] = []
        self._size = 0
        self._limit = limit
        self._patience_s = patience_s
        self._ended = False
        self._discarding = False
        self._filled = Bell()
        self._emptied = Bell()

    async def put(self, piece: bytes, hurry: Callable[[], bool] = lambda: False) -> None:
        """Add; waits while it is full, unless others are in a `hurry`.

        Raises ClientStalled where nobody reads for too long.
        """
        waited = 0.0
        while self._size >= self._limit and not self._discarding and not hurry():
            if self._patience_s is not None and waited >= self._patience_s:
                raise ClientStalled
            left = _LOOK_AGAIN_S if self._patience_s is None else self._patience_s - waited
            pause = min(left, _LOOK_AGAIN_S)
            try:
                async with asyncio.timeout(pause):
                    await self._emptied.wait()
                waited = 0.0
            except TimeoutError:
                waited += pause
        if not self._discarding:
            self._pieces.append(piece)
            self._size += len(piece)
            self._filled.ring()

    async def take(self) -> bytes | None:
        """All that is there, as soon as there is any; None at the end."""
        while not self._pieces and not self._ended:
            await self._filled.wait()
        if not self._pieces:
            return None
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._emptied.ring()
        return taken

    def end(self, last: bytes = b"") -> None:
        """Nothing more will come but for these last words, which wait for nobody."""
        if last and not self._discarding:
            self._pieces.append(last)
        self._ended = True
        self._filled.ring()

    def rest(self) -> bytes:
        """All that waits, without waiting for more."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken

    def discard(self) -> None:
        """Nobody reads on: throw away what comes."""
        self._discarding = True
        self._pieces.clear()
        self._emptied.ring()


class Delivery:
    """The client's bytes to the very end; settled before the last of them.

    A stream that breaks ends with the format's error and without its usual ending. Closed before
    its end, even before its beginning, it is settled as left by the client.
    """

    def __init__(
        self,
        relay: Relay,
        settle: Settle,
        *,
        failure: Callable[[PointsmanError], bytes] | None,
        on_disconnect: OnDisconnect = "cancel",
        total_s: float | None = None,
        spent_s: float = 0.0,
        stall_s: float | None = None,
        tap: Tap | None = None,
    ) -> None:
        """Starts at once. `settle` is awaited once.

        `failure` writes the end of a stream that broke; without it, whoever reads gets the error.
        `total_s` bounds the whole attempt, of which `spent_s` are over, and `stall_s` how long a
        client may read nothing.
        """
        self._tap = tap
        self._relay = relay
        self._settle = settle
        self._failure = failure
        self._on_disconnect = on_disconnect
        self._total_s = total_s
        self._rest_s = None if total_s is None else total_s - spent_s
        self._buffer = Buffer(patience_s=stall_s)
        self._left: Outcome | None = None
        self._unwanted = False
        self._reading = False
        self._broken: UpstreamError | None = None
        self._pump = asyncio.create_task(self._run())

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The pieces, once."""
        while (piece := await self._buffer.take()) is not None:
            yield piece
        await self._pump
        if self._broken is not None:
            raise self._broken

    async def close(self, outcome: Outcome = "client_left") -> bytes:
        """Nobody reads on. Cancels the upstream where it is still sending, unless it is drained.

        Idempotent; returns when the entry is settled, or at once where the upstream is drained:
        because it always is, or for others who still want the reply. What it returns is for the
        client of a gateway that stops: all that waits for it, and the format's error.
        """
        if self._pump.done():
            return self._buffer.rest()
        drained = self._drains and outcome == "client_left"
        self._leaves(outcome)
        if outcome == "client_left":
            self._buffer.discard()
        if drained:
            return b""
        self._unwanted = True
        if self._reading:  # a task that has not begun would never settle, one that settles goes on
            self._reading = False
            self._pump.cancel()
        await asyncio.wait([self._pump])
        return self._buffer.rest()

    @property
    def _drains(self) -> bool:
        """Whether the upstream is read to its end without its client."""
        return self._on_disconnect == "drain" or self._is_wanted()

    def _is_wanted(self) -> bool:
        """Whether others wait for the reply: then none of them waits for this client."""
        return self._tap is not None and self._tap.wanted

    @property
    def pump(self) -> asyncio.Task[None]:
        """The task that reads the upstream."""
        return self._pump

    async def _run(self) -> None:
        outcome: Outcome = "failed"
        broken: UpstreamError | None = None
        try:
            await self._read()
            outcome = "completed"
        except UpstreamError as error:
            broken = error
        except ClientStalled:
            outcome = "client_left"
        except asyncio.CancelledError:
            outcome = self._left or "interrupted"
        finally:
            self._reading = False
            await self._finish(outcome, broken)

    async def _read(self) -> None:
        if self._unwanted:
            raise asyncio.CancelledError
        self._reading = True
        try:
            async with asyncio.timeout(self._rest_s):
                async for piece in self._relay.pieces():
                    await self._hand_on(piece)
        except TimeoutError as error:
            raise UpstreamTimeout(f"the reply took longer than {self._total_s:g} s") from error

    async def _hand_on(self, piece: bytes) -> None:
        """To the client; one that stalls has left, and what is drained is drained all the same."""
        if self._tap is not None:
            self._tap.piece(piece)
        try:
            await self._buffer.put(piece, self._is_wanted)
        except ClientStalled:
            if not self._drains:
                raise
            self._leaves("client_left")
            self._buffer.discard()

    def _leaves(self, outcome: Outcome) -> None:
        self._left = self._left or outcome
        if self._tap is not None:
            self._tap.left()

    async def _finish(self, outcome: Outcome, broken: UpstreamError | None) -> None:
        ending, told = b"", False
        try:
            try:
                await self._close_books(outcome, broken)
                ending = self._relay.ending() if outcome == "completed" else b""
                told = True
            finally:
                if self._tap is not None:
                    self._tap.ended(outcome if told else "failed", ending, broken)
            if outcome == "completed":
                await self._buffer.put(ending)
            elif broken is not None and self._failure is not None:
                await self._buffer.put(self._failure(broken))
            elif outcome == "interrupted" and self._failure is not None:
                self._buffer.end(self._failure(GatewayStops()))
            else:
                self._broken = broken
        except ClientStalled:
            return  # it is in the books; the client does not take the end
        finally:
            self._buffer.end()

    async def _close_books(self, outcome: Outcome, broken: UpstreamError | None) -> None:
        """Give the connection back and settle, whatever becomes of that."""
        try:
            await self._relay.close()
        finally:
            left = self._left if outcome == "completed" else None
            await self._settle(left or outcome, broken)
