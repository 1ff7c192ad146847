"""OpenAI's `/v1/embeddings`: checked, passed through, and its vectors in the form asked for.

Vectors come as arrays of numbers, or as base64 of little-endian 32-bit floats. The second is what
official clients ask for by themselves, and what many servers do not know.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from pointsman.conversation import Addressee, Conversation, Encoded, ModelReply
from pointsman.errors import BadRequest, Inexpressible, PointsmanError, UpstreamBroken
from pointsman.formats import members, strict_json
from pointsman.formats.chat import error as errors
from pointsman.formats.chat import shape, usage
from pointsman.formats.chat.follow import StreamReader as ChatStreamReader
from pointsman.formats.chat.request import pass_through as chat_pass_through
from pointsman.formats.completions.request import prompts
from pointsman.formats.counting import counted
from pointsman.formats.wire import Fault, Framing, Head, Seen, StreamReader, StreamWriter
from pointsman.tokens import estimate_tokens
from pointsman.types import FormatName, ModelRequest, Turn, UsageWish

Encoding: TypeAlias = Literal["float", "base64"]

_FLOAT_BYTES = 4


class _Reply(msgspec.Struct):
    data: list[dict[str, msgspec.Raw]]
    model: object = None
    usage: msgspec.Raw = shape.NOTHING
    error: msgspec.Raw = shape.NOTHING


_REPLY = msgspec.json.Decoder(_Reply)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FLOATS = msgspec.json.Decoder(list[float])
_TEXT = msgspec.json.Decoder(str)


def parse(body: bytes) -> ModelRequest:
    """A checked view of an embeddings request's body. Raises BadRequest that names the member."""
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with `model` and `input`")
    model = members.text(value, "model")
    if not model:
        raise BadRequest("`model` must be a string", param="model")
    texts, tokens = prompts(value, "input")
    if "" in texts:
        raise BadRequest("`input` must not hold an empty string", param="input")
    members.whole(value, "dimensions", least=1)
    if value.get("encoding_format") not in {None, "float", "base64"}:
        raise BadRequest('`encoding_format` must be "float" or "base64"', param="encoding_format")
    return ModelRequest(
        model=model,
        turns=tuple(Turn("user", text) for text in texts),
        members=members.raw(body),
        input_tokens=sum(map(estimate_tokens, texts)) + tokens,
        format="embeddings",
        task="embeddings",
        user=members.end_user(value),
    )


def encoding(request: ModelRequest) -> Encoding:
    """The form in which the client wants its vectors."""
    return "base64" if request.members.get("encoding_format") == b'"base64"' else "float"


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage of a reply, counted where it does not say.

    Raises UpstreamBroken where it holds no vectors: a success status is no proof of any.
    """
    reply = _decode(body)
    used = usage.stated(reply.usage) or counted(prompt_tokens, 0)
    return Seen(used, reply.model if isinstance(reply.model, str) else None)


def in_encoding(body: bytes, wanted: Encoding) -> bytes:
    """A reply with its vectors in the form wanted; untouched where they have it already."""
    return as_base64(body) if wanted == "base64" else as_floats(body)


def as_base64(body: bytes) -> bytes:
    """A reply with every vector as base64. Raises UpstreamBroken where it holds no vectors."""
    return _converted(body, b"[", _packed)


def as_floats(body: bytes) -> bytes:
    """A reply with every vector as an array of floats. Raises UpstreamBroken as `as_base64`."""
    return _converted(body, b'"', _unpacked)


class EmbeddingsClient(msgspec.Struct, frozen=True):
    """See `wire.ClientFormat`. Vectors are no conversation: nothing is translated."""

    name: FormatName = "embeddings"
    stream_type: str = "text/event-stream"

    def parse(self, body: bytes) -> ModelRequest:
        """A checked view of a request."""
        return parse(body)

    def conversation(self, request: ModelRequest) -> Conversation:
        """Raises Inexpressible."""
        raise _untranslatable(request.format)

    def reply(self, reply: ModelReply, request: ModelRequest, head: Head) -> bytes:  # noqa: ARG002 - never translated
        """Raises Inexpressible."""
        raise _untranslatable(request.format)

    def writer(self, request: ModelRequest, head: Head) -> StreamWriter:  # noqa: ARG002 - never streamed
        """Raises Inexpressible."""
        raise _untranslatable(request.format)

    def error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - it has no place for it
        """The body of an error reply."""
        return errors.body(error)

    def stream_error(self, error: PointsmanError, request_id: str) -> bytes:  # noqa: ARG002 - it has no place for it
        """The event that ends a stream which broke."""
        return errors.stream_event(error)


class EmbeddingsUpstream(msgspec.Struct, frozen=True):
    """See `wire.UpstreamFormat`. Only embeddings requests reach it."""

    name: FormatName = "embeddings"
    framing: Framing = "sse"

    def encode(self, conversation: Conversation, to: Addressee) -> Encoded:  # noqa: ARG002 - none can be said
        """Raises Inexpressible."""
        raise _untranslatable("chat")

    def pass_through(self, request: ModelRequest, to: Addressee) -> Encoded:
        """The client's own members, with only the model's name and what is configured changed."""
        return chat_pass_through(request, to)

    def look(self, body: bytes, prompt_tokens: int) -> Seen:
        """Usage of a reply."""
        return look(body, prompt_tokens)

    def read(self, body: bytes, prompt_tokens: int) -> ModelReply:  # noqa: ARG002 - it is no chat reply
        """Raises UpstreamBroken: vectors are no conversation."""
        raise UpstreamBroken("embeddings instead of a chat reply")

    def reader(self, prompt_tokens: int, *, keep_usage: UsageWish) -> StreamReader:
        """Follows a stream. None is asked for."""
        return ChatStreamReader(prompt_tokens=prompt_tokens, keep_usage=keep_usage)

    def fault(self, body: bytes) -> Fault:
        """What an error reply says."""
        return errors.fault(body)


def _untranslatable(name: str) -> Inexpressible:
    return Inexpressible(f"a request in the {name} format", "OpenAI embeddings", param="input")


def _converted(body: bytes, start: bytes, convert: Callable[[msgspec.Raw], bytes]) -> bytes:
    """Converts the vectors whose JSON begins with `start`; all other bytes stay as they came."""
    entries = _decode(body).data
    if not any(bytes(entry["embedding"]).startswith(start) for entry in entries):
        return body
    data = []
    for entry in entries:
        vector = entry["embedding"]
        changed = convert(vector) if bytes(vector).startswith(start) else bytes(vector)
        raw = {name: bytes(member) for name, member in entry.items()}
        data.append(members.joined(raw | {"embedding": changed}))
    whole = {name: bytes(member) for name, member in _MEMBERS.decode(body).items()}
    return members.joined(whole | {"data": b"[" + b",".join(data) + b"]"})


def _packed(vector: msgspec.Raw) -> bytes:
    try:
        floats = _FLOATS.decode(vector)
        packed = struct.pack(f"<{len(floats)}f", *floats)
    except (msgspec.DecodeError, OverflowError) as error:
        raise UpstreamBroken(f"not a vector: {error}") from error
    return b'"' + base64.b64encode(packed) + b'"'


def _unpacked(vector: msgspec.Raw) -> bytes:
    try:
        packed = base64.b64decode(_TEXT.decode(vector), validate=True)
        floats = struct.unpack(f"<{len(packed) // _FLOAT_BYTES}f", packed)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, struct.error) as error:
        raise UpstreamBroken(f"not a vector: {error}") from error
    return msgspec.json.encode(floats)


def _decode(body: bytes) -> _Reply:
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not an embeddings reply: {error}") from error
    if shape.is_there(reply.error) or any("embedding" not in entry for entry in reply.data):
        raise UpstreamBroken("a reply without embeddings")
    return reply
