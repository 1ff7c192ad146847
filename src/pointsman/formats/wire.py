"""What a wire format must be able to do: as a client's, as an upstream's, or as both.

A request in a format that the upstream speaks passes through, byte for byte but for what must
change. Any other is decoded by its client format into a `Conversation` and encoded by an upstream
format; the reply comes back the same way, whole or delta by delta.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

import msgspec

from pointsman.conversation import Addressee, Conversation, Delta, Encoded, ModelReply
from pointsman.errors import PointsmanError
from pointsman.formats.sse import Event
from pointsman.types import FormatName, ModelRequest, Usage, UsageWish

Framing: TypeAlias = Literal["sse", "ndjson"]


class Head(msgspec.Struct, frozen=True):
    """What every reply begins with, made by us where a reply is translated."""

    #: Pointsman's own; ids in replies are made from it.
    request_id: str
    time: datetime
    #: The model that answers, as its upstream calls it.
    model: str


class Seen(msgspec.Struct, frozen=True):
    """A whole reply in the client's own format, looked at and left alone."""

    usage: Usage
    #: What the upstream says it served; None where it does not.
    model: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """An upstream's error, read."""

    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | None = None
    #: Seconds that it asks to be left alone, where the body says so and not a header.
    retry_after: float | None = None


class StreamReader(Protocol):
    """Follows an upstream's stream, event by event. One of `follow` and `read` is used, not both."""

    @property
    def begun(self) -> bool:
        """The model's reply has begun: comments, pings and empty heads before it are no answer."""

    @property
    def done(self) -> bool:
        """The format's last event was seen: `[DONE]`, `message_stop`, `done: true`."""

    @property
    def finished(self) -> bool:
        """The model said all it had to say: a finish reason was seen."""

    @property
    def error(self) -> Fault | None:
        """The upstream's own error, where it sent one in the stream."""

    @property
    def model(self) -> str | None:
        """What the upstream says it serves."""

    @property
    def produced(self) -> int:
        """Bytes of the reply so far, thoughts and calls included: what our own count is made of."""

    @property
    def usage(self) -> Usage:
        """What was used so far: the upstream's figures, or our count, marked as estimated."""

    def follow(self, event: Event) -> bytes:
        """Take note of an event; returns what a client of the same format gets of it.

        The last event of the format is held back: `ending` gives it.
        """

    def ending(self) -> bytes:
        """The bytes that end the stream for a client of the same format, once it is in the books."""

    def read(self, event: Event) -> Sequence[Delta]:
        """Take note of an event; returns what it says."""


class StreamWriter(Protocol):
    """Writes a stream in a client's format."""

    def write(self, delta: Delta) -> bytes:
        """The bytes for one delta; may be none."""

    def ending(self, usage: Usage) -> bytes:
        """The last bytes, sent once the entry is settled."""


class ClientFormat(Protocol):
    """A format that clients speak."""

    @property
    def name(self) -> FormatName:
        """Its name."""

    @property
    def stream_type(self) -> str:
        """The content type of its streams."""

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request. Raises BadRequest that names the member at fault.

        Members that are not known are left alone: they reach an upstream of the same format.
        """

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full. Raises BadRequest."""

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:
        """A whole reply."""

    def writer(self, request: ModelRequest, head: Head) -> StreamWriter:
        """Writes a streamed reply."""

    def error(self, error: PointsmanError, request_id: str) -> bytes:
        """The body of an error reply."""

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:
        """The bytes that end a stream which broke; nothing follows them."""


class UpstreamFormat(Protocol):
    """A format that upstreams speak."""

    @property
    def name(self) -> FormatName:
        """Its name."""

    @property
    def framing(self) -> Framing:
        """How its streams are cut into events."""

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """The request, translated. Raises Inexpressible for what this format can't say."""

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only what must change changed."""

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply, counted where it does not say. Raises UpstreamBroken."""

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply. Raises UpstreamBroken where it is none."""

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> StreamReader:
        """Follows a stream; `keep_usage` where the client asked for usage (chat streams only)."""

    def fault(self, body: bytes) -> Fault:
        """What an error reply says; empty where it is not in this format."""
