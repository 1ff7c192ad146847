"""A whole reply: what its one chunk says, put together."""

from __future__ import annotations

from pointsman.conversation import Delta, ModelReply
from pointsman.errors import UpstreamBroken
from pointsman.formats.collecting import choices
from pointsman.formats.gemini.stream import GeminiReader
from pointsman.formats.wire import Seen


def read(body: bytes, prompt_tokens: int) -> ModelReply:
    """A whole reply. Raises UpstreamBroken where it is none, or where the model failed."""
    reader, deltas = _read(body, prompt_tokens)
    return ModelReply(reader.model or "", choices(deltas), reader.usage)


def look(body: bytes, prompt_tokens: int) -> Seen:
    """Usage of a whole reply. Raises UpstreamBroken as `read` does."""
    reader, _ = _read(body, prompt_tokens)
    return Seen(reader.usage, reader.model)


def _read(body: bytes, prompt_tokens: int) -> tuple[GeminiReader, list[Delta]]:
    reader = GeminiReader(prompt_tokens)
    deltas = reader.take(body)
    if not reader.begun:
        raise UpstreamBroken("a reply without candidates")
    return reader, deltas
