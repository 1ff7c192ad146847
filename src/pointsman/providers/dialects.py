"""Where each kind of server takes which format, and how it wants its key: data, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from pointsman.types import FormatName, Outbound

#: The version of Anthropic's API that is asked for where the client does not say one.
ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server is asked over HTTP."""

    #: Below the base URL, by format; `{model}` is the model's name as one path segment.
    paths: Mapping[FormatName, str]
    #: For streams, where that is another path.
    stream_paths: Mapping[FormatName, str] = field(default_factory=dict)
    #: The header that carries the key, and what stands before it.
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Query of every request, such as an API version.
    query: str = ""

    def url(self, base_url: str, sent: Outbound) -> str:
        """Where a request goes."""
        stream = self.stream_paths.get(sent.format) if sent.stream else None
        path = sent.path or stream or self.paths[sent.format]
        model = quote(sent.model.removeprefix("models/"), safe="")
        return base_url + path.replace("{model}", model) + self.query

    def credentials(self, api_key: str | None) -> dict[str, str]:
        """The headers that every request carries."""
        key = {self.key_header: self.key_prefix + api_key} if api_key else {}
        return {**self.headers, **key}


_OPENAI_PATHS: Mapping[FormatName, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
    "embeddings": "/embeddings",
}

DIALECTS: Mapping[str, Dialect] = {
    "openai": Dialect(_OPENAI_PATHS),
    "anthropic": Dialect(
        {"messages": "/messages"},
        key_header="x-api-key",
        key_prefix="",
        headers={"anthropic-version": ANTHROPIC_VERSION},
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
        }
    ),
    "azure": Dialect(_OPENAI_PATHS, key_header="api-key", key_prefix=""),
}
