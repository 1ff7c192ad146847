"""Ollama's formats, as a client's and as an upstream's."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import Inexpressible, PointsmanError
from pointsman.formats.ollama import decode
from pointsman.formats.ollama import error as errors
from pointsman.formats.ollama.encode import encode
from pointsman.formats.ollama.reply import look, read, written
from pointsman.formats.ollama.request import parse_chat, parse_generate, pass_through
from pointsman.formats.ollama.stream import StreamReader, StreamWriter
from pointsman.formats.wire import Fault, Framing, Head, Seen
from pointsman.types import FormatName, ModelRequest, UsageWish


class OllamaClient(msgspec.Struct, frozen=True):
    """`/api/chat`; see `wire.ClientFormat`."""

    name: FormatName = "ollama"
    stream_type: str = "application/x-ndjson"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request. One without messages loads a model: see `load`."""
        return parse_chat(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full."""
        return decode.chat(request)

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:
        """A whole reply."""
        return written(reply, head, generate=request.format == "ollama_generate")

    def writer(self, request: ModelRequest, head: Head) -> StreamWriter:
        """Writes a streamed reply."""
        return StreamWriter(head, generate=request.format == "ollama_generate")

    def error(self, error: PointsmanError, request_id: str) -> bytes:
        """The body of an error reply."""
        del request_id
        return errors.body(error)

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:
        """The line that ends a stream which broke."""
        del request_id
        return errors.stream_line(error)


class GenerateClient(OllamaClient, frozen=True):
    """`/api/generate`."""

    name: FormatName = "ollama_generate"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request. One without a prompt loads a model: see `load`."""
        return parse_generate(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """The request in full."""
        return decode.generate(request)


class OllamaUpstream(msgspec.Struct, frozen=True):
    """`/api/chat`; see `wire.UpstreamFormat`."""

    name: FormatName = "ollama"
    framing: Framing = "ndjson"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """The request, translated."""
        return encode(conversation, to)

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only what must change changed."""
        return pass_through(request, to)

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply."""
        return look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply."""
        return read(body, prompt_tokens)

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> StreamReader:
        """Follows a stream; its last line always holds the counts."""
        del keep_usage
        return StreamReader(prompt_tokens, generate=self.name == "ollama_generate")

    def fault(self, body: bytes) -> Fault:
        """What an error reply says."""
        return errors.fault(body)


class GenerateUpstream(OllamaUpstream, frozen=True):
    """`/api/generate`, for clients that speak it: `raw` prompts and suffixes reach the model.

    Conversations are said in `/api/chat`, so a server takes both, and that one first.
    """

    name: FormatName = "ollama_generate"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """Raise Inexpressible: a prompt is no conversation."""
        del conversation, to
        raise Inexpressible("a conversation", "Ollama generate", param="messages")
