"""A streamed reply on its way from upstream to client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

from pointsman.errors import UpstreamBroken, UpstreamError
from pointsman.formats import sse
from pointsman.formats.chat import error as openai_error
from pointsman.formats.chat.follow import StreamReader
from pointsman.formats.sse import Splitter
from pointsman.types import Outcome, ProviderReply, Usage

#: Seconds an upstream gets to end its body after `[DONE]`, so that its connection is used again.
_GRACE_AFTER_DONE_S = 0.25


class Relay:
    """Passes events on as they came and keeps count of them.

    The first event is read before anything is sent (`prime`), so that an upstream which answers
    200 and then breaks can still be replaced by another.
    """

    def __init__(self, reply: ProviderReply, reader: StreamReader) -> None:
        """Takes over the reply: `close` closes it."""
        self._reply = reply
        self._reader = reader
        self._splitter = Splitter()
        self._first = b""

    @property
    def usage(self) -> Usage:
        """What was used so far."""
        return self._reader.usage

    async def prime(self) -> None:
        """Read up to the first bytes for the client. Raises UpstreamError where none come."""
        content_type = self._reply.headers.get("content-type", "")
        if "text/event-stream" not in content_type:
            raise UpstreamBroken(f"{content_type or 'nothing'} instead of an event stream")
        while not self._reader.begun:
            chunk = await anext(self._reply.chunks, None)
            if chunk is None or self._reader.done:
                raise UpstreamBroken("the stream ended before it began")
            self._first += self._take(chunk)
            self._check()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The client's bytes, up to but without `[DONE]`.

        Raises UpstreamError where the stream breaks or ends before the model was done.
        """
        if self._first:
            yield self._first
        while not self._reader.done:
            chunk = await anext(self._reply.chunks, None)
            if chunk is None:
                break
            if piece := self._take(chunk):
                yield piece
            self._check()
        if not self._reader.done and self._splitter.rest and (piece := self._take(b"\n\n")):
            yield piece
        if not self._reader.done and not self._reader.finished:
            raise UpstreamBroken("the stream ended before the model was done")
        await self._end()

    async def close(self) -> None:
        """Give the connection back, or drop it where the upstream is still sending."""
        await self._reply.chunks.aclose()

    def _take(self, chunk: bytes) -> bytes:
        forwarded = [
            piece
            for event in self._splitter.feed(chunk)
            if not self._reader.done and (piece := self._reader.read(event))
        ]
        return b"".join(forwarded)

    def _check(self) -> None:
        if self._reader.error is not None:
            raise UpstreamBroken("the upstream reported an error in the stream")

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(_GRACE_AFTER_DONE_S):
                await anext(self._reply.chunks, None)
        except (TimeoutError, UpstreamError):
            return  # the model is done; how its connection ends is no matter


class Settle(Protocol):
    """Closes the books on a stream."""

    async def __call__(self, outcome: Outcome, error: UpstreamError | None) -> object:
        """`outcome` is completed, failed or client_left."""


class Delivery:
    """The client's bytes to the very end; settled before the last of them.

    A stream that breaks ends with an error event and without `[DONE]`. Closed before its end, even
    before its beginning, it is settled as left by the client.
    """

    def __init__(self, relay: Relay, settle: Settle) -> None:
        """`settle` is awaited once."""
        self._relay = relay
        self._settle = settle
        self._settled = False

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The pieces, once."""
        broken: UpstreamError | None = None
        try:
            async for piece in self._relay.pieces():
                yield piece
        except UpstreamError as error:
            broken = error
        await self._finish("completed" if broken is None else "failed", broken)
        yield sse.DONE if broken is None else openai_error.stream_event(broken)

    async def close(self, outcome: Outcome = "client_left") -> None:
        """Cancel the upstream where it is still sending. Idempotent."""
        await self._finish(outcome, None)

    async def _finish(self, outcome: Outcome, error: UpstreamError | None) -> None:
        if self._settled:
            return
        self._settled = True
        await self._relay.close()
        await self._settle(outcome, error)
