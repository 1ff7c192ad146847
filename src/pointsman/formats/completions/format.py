"""OpenAI's legacy completions, as a client's format and, passed through, as an upstream's."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import Inexpressible, PointsmanError
from pointsman.formats.chat import error as errors
from pointsman.formats.chat import follow
from pointsman.formats.chat import reply as chat_reply
from pointsman.formats.chat import request as chat_request
from pointsman.formats.completions import reply as replies
from pointsman.formats.completions import request as requests
from pointsman.formats.wire import Fault, Framing, Head, Seen
from pointsman.types import FormatName, ModelRequest, UsageWish


class CompletionsClient(msgspec.Struct, frozen=True):
    """See `wire.ClientFormat`."""

    name: FormatName = "completions"
    stream_type: str = "text/event-stream"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request."""
        return requests.parse(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full: its text as what a user says."""
        return requests.conversation(request)

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:  # noqa: ARG002 - nothing in it depends on the request
        """A whole reply."""
        return replies.written(reply, head)

    def writer(self, request: ModelRequest, head: Head) -> replies.StreamWriter:
        """Writes a streamed reply."""
        return replies.StreamWriter(head, include_usage=bool(request.include_usage))

    def error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - it has no place for it
        """The body of an error reply."""
        return errors.body(error)

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - it has no place for it
        """The event that ends a stream which broke."""
        return errors.stream_event(error)


class CompletionsUpstream(msgspec.Struct, frozen=True):
    """See `wire.UpstreamFormat`. Only completions reach it: a conversation is more than a text."""

    name: FormatName = "completions"
    framing: Framing = "sse"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:  # noqa: ARG002 - none can be said
        """Raises Inexpressible."""
        raise Inexpressible("a conversation", "OpenAI completions", param="messages")

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only what must change changed."""
        return chat_request.pass_through(request, to)

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply."""
        return follow.look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply."""
        return chat_reply.read(body, prompt_tokens)

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> follow.StreamReader:
        """Follows a stream: its chunks are chat's, but for `text` in the place of a message."""
        return follow.StreamReader(prompt_tokens=prompt_tokens, keep_usage=keep_usage)

    def fault(self, body: bytes) -> Fault:
        """What an error reply says."""
        return errors.fault(body)
