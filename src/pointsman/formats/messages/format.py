"""The Messages format, as a client's and as an upstream's."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import PointsmanError
from pointsman.formats.messages import decode, encode, passing
from pointsman.formats.messages import error as errors
from pointsman.formats.messages import reply as replies
from pointsman.formats.messages import request as requests
from pointsman.formats.messages.reader import MessagesReader
from pointsman.formats.messages.writer import MessagesWriter
from pointsman.formats.wire import Fault, Framing, Head, Seen, StreamReader, StreamWriter
from pointsman.types import FormatName, ModelRequest, UsageWish


class MessagesClient(msgspec.Struct, frozen=True):
    """What clients of Anthropic's speak; a `ClientFormat`."""

    name: FormatName = "messages"
    stream_type: str = "text/event-stream; charset=utf-8"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request. Raises BadRequest."""
        return requests.parse(body)

    def count_tokens(self, body: bytes) -> bytes:
        """The reply to `/v1/messages/count_tokens`: our estimate. Raises BadRequest."""
        return requests.count_tokens(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full. Raises BadRequest."""
        return decode.conversation(request)

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:
        """A `message` object."""
        del request  # what was asked does not change its shape
        return replies.write(reply, head)

    def writer(self, request: ModelRequest, head: Head) -> StreamWriter:
        """Writes `message_start` to `message_stop`."""
        return MessagesWriter(head, request.input_tokens)

    def error(self, error: PointsmanError, request_id: str) -> bytes:
        """The body of an error reply."""
        return errors.body(error, request_id)

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:
        """An `error` event."""
        return errors.stream_event(error, request_id)


class MessagesUpstream(msgspec.Struct, frozen=True):
    """What Anthropic's servers take, and those that do as they do; an `UpstreamFormat`."""

    name: FormatName = "messages"
    framing: Framing = "sse"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """The request, translated. Raises Inexpressible."""
        return encode.encode(conversation, to)

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only what must change changed."""
        return passing.pass_through(request, to)

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply. Raises UpstreamBroken."""
        return replies.look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply. Raises UpstreamBroken."""
        return replies.read(body, prompt_tokens)

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> StreamReader:
        """Follows a stream; usage always stays in it, as the format has it."""
        del keep_usage
        return MessagesReader(prompt_tokens)

    def fault(self, body: bytes) -> Fault:
        """What an error reply says."""
        return errors.fault(body)
