"""The words that values are made of."""

from __future__ import annotations

from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Location: TypeAlias = Literal["local", "cloud"]
Capability: TypeAlias = Literal["tools", "vision", "audio", "json_schema", "logprobs", "n"]
#: `cold` is not loaded but starts on demand; `warming` is loading; `down` has an open breaker.
DeploymentState: TypeAlias = Literal["up", "warming", "cold", "down"]
#: What stands between a deployment and its model: its server, a key that it takes, or the model.
Lack: TypeAlias = Literal["server", "key", "model"]
#: Who waits for the answer: a person, or nobody in particular.
Priority: TypeAlias = Literal["interactive", "background"]
#: What becomes of an upstream's reply that nobody reads any more.
OnDisconnect: TypeAlias = Literal["cancel", "drain"]
#: What a deployment is asked to do.
Task: TypeAlias = Literal["chat", "embeddings", "audio", "images", "rerank"]
#: Wire formats: what clients send, what upstreams take, or both.
FormatName: TypeAlias = Literal[
    "chat",  # OpenAI's /chat/completions
    "completions",  # OpenAI's /completions
    "responses",  # OpenAI's /responses
    "messages",  # Anthropic's /v1/messages
    "ollama",  # Ollama's /api/chat
    "ollama_generate",  # Ollama's /api/generate
    "gemini",  # Google's generateContent
    "embeddings",  # OpenAI's /embeddings
    "ollama_embed",  # Ollama's /api/embed
    "raw",  # passed on unread: audio, images, rerank
]
#: Whether a client wants usage in its stream: once, at the end, or throughout.
UsageWish: TypeAlias = bool | Literal["throughout"]
Outcome: TypeAlias = Literal["open", "completed", "client_left", "failed", "interrupted", "refused"]
#: What a call is for: the answer; a draft that was not given out; a second sample of one, to see
#: whether they agree; the judge's rating of the prompt; an embedding of it for the cache.
Purpose: TypeAlias = Literal["answer", "draft", "sample", "judge", "embed"]
