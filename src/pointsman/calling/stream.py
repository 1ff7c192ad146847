"""A streamed reply on its way from upstream to client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterator
from typing import Protocol

from pointsman.conversation import Delta, TextDelta
from pointsman.errors import UpstreamBroken, UpstreamError, UpstreamReported
from pointsman.formats.sse import MAX_EVENT_BYTES, Event
from pointsman.formats.translate import Transcript, splitter
from pointsman.formats.wire import StreamReader
from pointsman.tokens import BYTES_PER_TOKEN
from pointsman.types import ProviderReply, Usage

#: Seconds an upstream gets to end its body after its last event, so that its connection is used
#: again.
_GRACE_AFTER_DONE_S = 0.25
#: Stands for a provider's key in its own errors.
HIDDEN = "***"
#: What a stream's content type must name, by framing.
_STREAM_TYPES = {"sse": ("text/event-stream",), "ndjson": ("ndjson", "json-stream")}


class Relay(Protocol):
    """A stream for the client, as it comes from the upstream."""

    @property
    def usage(self) -> Usage | None:
        """What was used so far."""

    @property
    def model(self) -> str | None:
        """What the upstream says it serves."""

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """The client's bytes, up to but without the ending.

        Raises UpstreamError where the stream breaks or ends before the model was done.
        """

    def ending(self) -> bytes:
        """The last bytes, for when the books are written."""

    async def close(self) -> None:
        """Give the connection back, or drop it where the upstream is still sending."""


class EventRelay:
    """Passes events on, as they came or translated, and keeps count of them.

    The first event is read before anything is sent (`prime`), so that an upstream which answers
    200 and then breaks can still be replaced by another.
    """

    def __init__(
        self,
        reply: ProviderReply,
        transcript: Transcript,
        listener: StreamReader | None = None,
        key: str = "",
    ) -> None:
        """Takes over the reply: `close` closes it. With a listener, it can be held back.

        `key` is what the provider was shown: nobody is told it, where an error repeats it.
        """
        self._reply = reply
        self._key = key
        self._transcript = transcript
        self._reader = transcript.reader
        self._splitter = splitter(transcript.framing)
        self._first = b""
        self._listener = listener
        #: A read that went on longer than the stream was held.
        self._reading: asyncio.Future[bytes | None] | None = None
        #: What the model said while it was held.
        self.heard: list[Delta] = []

    @property
    def usage(self) -> Usage:
        """See `Relay`."""
        return self._reader.usage

    @property
    def produced(self) -> int:
        """Bytes of the reply so far, as the upstream sent them."""
        return self._reader.produced

    @property
    def model(self) -> str | None:
        """See `Relay`."""
        return self._reader.model

    @property
    def unclear(self) -> bool:
        """It ended for a reason that the client's format has no word for."""
        return self._transcript.unclear

    async def prime(self) -> None:
        """Read up to the first bytes for the client. Raises UpstreamError where none come."""
        content_type = self._reply.headers.get("content-type", "")
        framing = self._transcript.framing
        if not any(known in content_type for known in _STREAM_TYPES[framing]):
            raise UpstreamBroken(f"{content_type or 'nothing'} instead of an event stream")
        while not self._reader.begun:
            chunk = await anext(self._reply.chunks, None)
            if chunk is None or (self._reader.done and not self._reader.begun):
                raise UpstreamBroken("the stream ended before it began")
            self._first += self._take(chunk)
            if len(self._first) > MAX_EVENT_BYTES and not self._reader.begun:
                raise UpstreamBroken(f"over {MAX_EVENT_BYTES} bytes of comments and no reply")
            self._check()

    async def hold(self, tokens: int, seconds: float) -> bool:
        """Read on, before anything is sent: to the end, for so many tokens, or for so long.

        Returns whether the model has said all. Raises UpstreamError where the stream breaks.
        """
        until = asyncio.get_running_loop().time() + seconds
        while not self.is_over and self._heard_bytes() < tokens * BYTES_PER_TOKEN:
            left = until - asyncio.get_running_loop().time()
            if self._reading is None:
                self._reading = asyncio.ensure_future(anext(self._reply.chunks, None))
            if left <= 0 or not (await asyncio.wait({self._reading}, timeout=left))[0]:
                break
            chunk, self._reading = self._reading.result(), None
            self._first += self._take(b"\n\n" if chunk is None else chunk)
            self._check()
            if chunk is None and not self.is_over:
                raise UpstreamBroken("the stream ended before the model was done")
        self.release()
        return self.is_over

    def release(self) -> None:
        """Nobody listens any more."""
        self._listener = None

    @property
    def is_over(self) -> bool:
        """Whether the model has said all it had to say."""
        return self._reader.done or self._reader.finished

    def _heard_bytes(self) -> int:
        return sum(len(each.text) for each in self.heard if isinstance(each, TextDelta))

    def _next(self) -> Awaitable[bytes | None]:
        """The next chunk, also where its reading began while the stream was held; None at the end."""
        reading, self._reading = self._reading, None
        return anext(self._reply.chunks, None) if reading is None else reading

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """See `Relay`."""
        if self._first:
            yield self._first
        while not self._reader.done:
            chunk = await self._next()
            if chunk is None:
                break
            if piece := self._take(chunk):
                yield piece
            self._check()
        if not self._reader.done and self._splitter.rest and (piece := self._take(b"\n\n")):
            yield piece
        self._check()
        if not self._reader.done and not self._reader.finished:
            raise UpstreamBroken("the stream ended before the model was done")
        await self._end()

    def ending(self) -> bytes:
        """See `Relay`."""
        return self._transcript.ending()

    async def close(self) -> None:
        """See `Relay`."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._reply.chunks.aclose()

    def _take(self, chunk: bytes) -> bytes:
        # One by one: what an event says decides whether the next one still counts.
        return b"".join(self._tell(event) for event in self._live(chunk))

    def _tell(self, event: Event) -> bytes:
        piece = self._transcript.take(event)
        if self._listener is not None:
            self.heard += self._listener.read(event)
        return piece

    def _live(self, chunk: bytes) -> Iterator[Event]:
        for event in self._splitter.feed(chunk):
            if self._reader.done or self._reader.error is not None:
                return
            yield event

    def _check(self) -> None:
        fault = self._reader.error
        if fault is not None:
            told = fault.message.replace(self._key, HIDDEN) if self._key else fault.message
            said = f": {told}" if told else ""
            raise UpstreamReported(f"the upstream reported an error in the stream{said[:200]}")

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(_GRACE_AFTER_DONE_S):
                await anext(self._reply.chunks, None)
        except (TimeoutError, UpstreamError):
            return  # the model is done; how its connection ends is no matter


class RawRelay:
    """Passes bytes on unread: speech, pictures, transcripts."""

    def __init__(self, reply: ProviderReply) -> None:
        """Takes over the reply: `close` closes it."""
        self._reply = reply
        self.content_type = reply.headers.get("content-type", "application/octet-stream")
        #: Nothing in it says so.
        self.usage: Usage | None = None
        self.model: str | None = None
        #: Nobody reads how it ends.
        self.unclear = True

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """See `Relay`."""
        async for chunk in self._reply.chunks:
            yield chunk

    def ending(self) -> bytes:
        """Nothing."""
        return b""

    async def close(self) -> None:
        """See `Relay`."""
        await self._reply.chunks.aclose()
