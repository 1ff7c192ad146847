"""OpenAI's chat format, as a client's and as an upstream's."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import PointsmanError
from pointsman.formats.chat import decode, encode, follow
from pointsman.formats.chat import error as errors
from pointsman.formats.chat import reply as replies
from pointsman.formats.chat import request as requests
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.chat.stream import StreamWriter
from pointsman.formats.wire import Fault, Framing, Head, Seen
from pointsman.types import FormatName, ModelRequest, UsageWish


class ChatClient(msgspec.Struct, frozen=True):
    """See `wire.ClientFormat`."""

    name: FormatName = "chat"
    stream_type: str = "text/event-stream"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request."""
        return requests.parse_chat(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full."""
        return decode.conversation(request)

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:
        """A whole reply."""
        return replies.written(reply, head, legacy=decode.is_legacy(request))

    def writer(self, request: ModelRequest, head: Head) -> StreamWriter:
        """Writes a streamed reply."""
        legacy = decode.is_legacy(request)
        return StreamWriter(head, include_usage=bool(request.include_usage), legacy=legacy)

    def error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - chat has no place for it
        """The body of an error reply."""
        return errors.body(error)

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - chat has no place for it
        """The event that ends a stream which broke."""
        return errors.stream_event(error)


class ChatUpstream(Quirks, frozen=True):
    """See `wire.UpstreamFormat`. In what a server differs is said as in `Quirks`."""

    name: FormatName = "chat"
    framing: Framing = "sse"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """The request, translated."""
        return encode.encode(conversation, to, self)

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only what must change changed."""
        return requests.pass_through(request, to)

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply."""
        return follow.look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply."""
        return replies.read(body, prompt_tokens)

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> follow.StreamReader:
        """Follows a stream."""
        return follow.StreamReader(prompt_tokens=prompt_tokens, keep_usage=keep_usage)

    def fault(self, body: bytes) -> Fault:
        """What an error reply says."""
        return errors.fault(body)
