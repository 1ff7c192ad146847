"""Google's generateContent as an upstream's format."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import Inexpressible
from pointsman.formats.gemini import encode, error, reply
from pointsman.formats.gemini.stream import GeminiReader
from pointsman.formats.wire import Fault, Framing, Seen
from pointsman.types import FormatName, ModelRequest, UsageWish


class GeminiUpstream(msgspec.Struct, frozen=True):
    """How Google's own API is spoken to.

    Paths, below the version: `models/{model}:generateContent`, and for streams
    `models/{model}:streamGenerateContent?alt=sse`.
    """

    name: FormatName = "gemini"
    framing: Framing = "sse"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:
        """The request, translated. Raises Inexpressible for what this format can't say."""
        return encode.encode(conversation, to)

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """Never asked for, since no client of ours speaks it. Raises Inexpressible."""
        raise Inexpressible(f"a {request.format} request as it is", f"Gemini ({to.model})")

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a whole reply, counted where it does not say. Raises UpstreamBroken."""
        return reply.look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:
        """A whole reply. Raises UpstreamBroken where it is none."""
        return reply.read(body, prompt_tokens)

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> GeminiReader:  # noqa: ARG002 - chat's
        """Follows a stream."""
        return GeminiReader(prompt_tokens)

    def fault(self, body: bytes) -> Fault:
        """What an error reply says; empty where it is not in this format."""
        return error.fault(body)
