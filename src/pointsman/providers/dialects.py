"""Where each kind of server takes which format, and how it wants its key: data, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from pointsman.types import FormatName, Outbound

#: The version of Anthropic's API that is asked for where the client does not say one.
ANTHROPIC_VERSION = "2023-06-01"


class Dialect(msgspec.Struct, frozen=True):
    """How one kind of server is asked over HTTP."""

    #: Below the base URL, by format; `{model}` is the model's name as one path segment.
    paths: Mapping[FormatName, str]
    #: For streams, where that is another path.
    stream_paths: Mapping[FormatName, str] = msgspec.field(default_factory=dict)
    #: The header that carries the key, and what stands before it.
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: What an address may end in that the paths say themselves: people write it with and without.
    endings: tuple[str, ...] = ()

    def base(self, address: str) -> str:
        """Where the paths begin, from an address as people write it."""
        address = address.rstrip("/")
        ending = next((each for each in self.endings if address.endswith(each)), "")
        return address.removesuffix(ending)

    def url(self, base: str, sent: Outbound) -> str:
        """Where a request goes."""
        stream = self.stream_paths.get(sent.format) if sent.stream else None
        path = sent.path or stream or self.paths[sent.format]
        return base + path.replace("{model}", segment(sent.model.removeprefix("models/")))

    def credentials(self, api_key: str | None) -> dict[str, str]:
        """The headers that every request carries."""
        key = {self.key_header: self.key_prefix + api_key} if api_key else {}
        return {**self.headers, **key}


def segment(model: str) -> str:
    """A model's name as one segment of a path: it leads nowhere else."""
    return quote(model, safe="")


_OPENAI_PATHS: Mapping[FormatName, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
    "embeddings": "/embeddings",
}

DIALECTS: Mapping[str, Dialect] = {
    "openai": Dialect(_OPENAI_PATHS),
    "anthropic": Dialect(
        {"messages": "/v1/messages"},
        key_header="x-api-key",
        key_prefix="",
        headers={"anthropic-version": ANTHROPIC_VERSION},
        endings=("/v1",),
    ),
    "gemini": Dialect(
        {"gemini": "/models/{model}:generateContent"},
        {"gemini": "/models/{model}:streamGenerateContent?alt=sse"},
        key_header="x-goog-api-key",
        key_prefix="",
    ),
    "ollama": Dialect(
        {
            "ollama": "/api/chat",
            "ollama_generate": "/api/generate",
            "embeddings": "/v1/embeddings",
        },
        endings=("/v1", "/api"),
    ),
    "azure": Dialect(_OPENAI_PATHS, key_header="api-key", key_prefix=""),
}
