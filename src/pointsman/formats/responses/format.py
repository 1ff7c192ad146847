"""OpenAI's responses, as a client's format and as an upstream's."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import PointsmanError
from pointsman.formats.chat import error as chat_errors
from pointsman.formats.responses import encode, reader
from pointsman.formats.responses import error as errors
from pointsman.formats.responses import reply as replies
from pointsman.formats.responses import request as requests
from pointsman.formats.responses.writer import StreamWriter
from pointsman.formats.wire import Fault, Framing, Head, Seen
from pointsman.types import FormatName, ModelRequest, UsageWish


class ResponsesClient(msgspec.Struct, frozen=True):
    """See `wire.ClientFormat`."""

    name: FormatName = "responses"
    stream_type: str = "text/event-stream"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request."""
        return requests.parse(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full."""
        return requests.conversation(request)

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:
        """A whole reply."""
        return replies.whole(reply, request, head)

    def writer(self, request: ModelRequest, head: Head) -> StreamWriter:
        """Writes a streamed reply."""
        return StreamWriter(request, head)

    def error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - the format has no place for it
        """The body of an error reply."""
        return chat_errors.body(error)

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:
        """The events that end a stream which broke."""
        return errors.stream_end(error, request_id)


class ResponsesUpstream(msgspec.Struct, frozen=True):
    """See `wire.UpstreamFormat`."""

    name: FormatName = "responses"
    framing: Framing = "sse"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """The request, translated."""
        return encode.encode(conversation, to)

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only what must change changed."""
        return encode.pass_through(request, to)

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply."""
        return reader.look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply."""
        return reader.read(body, prompt_tokens)

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> reader.StreamReader:  # noqa: ARG002 - usage is always told
        """Follows a stream."""
        return reader.StreamReader(prompt_tokens)

    def fault(self, body: bytes) -> Fault:
        """What an error reply says."""
        return chat_errors.fault(body)
