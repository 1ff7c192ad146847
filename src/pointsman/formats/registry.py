"""Every wire format, once: what clients speak and what upstreams take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict

from pointsman.formats.chat.format import ChatClient, ChatUpstream
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.completions.format import CompletionsClient, CompletionsUpstream
from pointsman.formats.embeddings import EmbeddingsClient, EmbeddingsUpstream
from pointsman.formats.gemini.format import GeminiUpstream
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.formats.ollama.format import (
    GenerateClient,
    GenerateUpstream,
    OllamaClient,
    OllamaUpstream,
)
from pointsman.formats.responses.format import ResponsesClient, ResponsesUpstream
from pointsman.formats.wire import ClientFormat, UpstreamFormat
from pointsman.types import FormatName

CLIENTS: Mapping[FormatName, ClientFormat] = {
    "chat": ChatClient(),
    "completions": CompletionsClient(),
    "responses": ResponsesClient(),
    "messages": MessagesClient(),
    "ollama": OllamaClient(),
    "ollama_generate": GenerateClient(),
    "embeddings": EmbeddingsClient(),
    "raw": ChatClient(),  # only its errors are ever written
}

_UPSTREAMS: Mapping[FormatName, UpstreamFormat] = {
    "completions": CompletionsUpstream(),
    "responses": ResponsesUpstream(),
    "messages": MessagesUpstream(),
    "ollama": OllamaUpstream(),
    "ollama_generate": GenerateUpstream(),
    "gemini": GeminiUpstream(),
    "embeddings": EmbeddingsUpstream(),
}


def upstreams(names: Sequence[FormatName], chat: Quirks) -> list[UpstreamFormat]:
    """The formats of those names; `chat` is how the server's chat differs."""
    return [ChatUpstream(**asdict(chat)) if name == "chat" else _UPSTREAMS[name] for name in names]
