"""What has come of a reply so far: what it used is paid for, also where nothing more comes of it.

The rule of the books for an attempt that ends before its answer is there. A success status says that
the request was taken: its prompt was read, and what came of a reply was written. So it was where
we did not wait any longer, a client or a time limit of ours. An error, by its status or in a
reply's place, a connection that broke before any status, and a page are no reply of a model, and
nothing that providers charge for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from msgspec.structs import replace

from pointsman.calling.line import Line
from pointsman.calling.stream import EventRelay
from pointsman.errors import UpstreamReported, UpstreamTimeout
from pointsman.formats.cut_json import closed
from pointsman.types import ModelRequest, ProviderReply, Usage

_FIRST_REFUSAL = 300
#: What servers between us and a model answer with.
_PAGE = "text/html"
#: Bytes of a whole reply in which is looked for what it used: more text than models write at once.
_MOST_READ = 1024 * 1024


@dataclass(slots=True)
class Arrival:
    """Of one attempt."""

    #: The upstream's status; None until it is there.
    status: int | None = None
    #: What came is no reply of a model.
    refused: bool = False
    #: Of a stream.
    relay: EventRelay | None = None
    #: Of a whole reply: what has come.
    pieces: list[bytes] = field(default_factory=list)

    def begins(self, reply: ProviderReply) -> None:
        """Its status is there."""
        self.status = reply.status
        self.refused = reply.status >= _FIRST_REFUSAL or type_of(reply) == _PAGE

    def used(self, ended: BaseException, line: Line, request: ModelRequest) -> Usage | None:
        """What was probably used by the time the attempt `ended`; None where that costs nothing."""
        if isinstance(ended, UpstreamReported) and self.relay is not None:
            self.refused |= not self.relay.produced
        if self.refused or not (self.status or _given_up(ended)):
            return None
        if self.relay is not None:
            return line.estimates.of(self.relay.usage, request.input_tokens)
        body = b"".join(self.pieces).strip()
        text = closed(body[:_MOST_READ])
        usage = line.estimates.of(line.speech.used(text, request), request.input_tokens)
        return usage if text == body else replace(usage, estimated=True)


def type_of(reply: ProviderReply) -> str:
    """The media type, in lower case; empty where it does not say."""
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


def _given_up(ended: BaseException) -> bool:
    """Whether it was sent, and we did not wait for an answer."""
    is_late = isinstance(ended, UpstreamTimeout) and ended.sent
    return is_late or isinstance(ended, asyncio.CancelledError)
