"""What clients may ask for, as data: each feature, and how each format says it.

`content.toml`, `tools.toml`, `settings.toml` and `bookkeeping.toml` hold requests. A feature has

* under the name of a client format: what a client of it sends, beside its shortest request;
* under `heard.<upstream>`, a part of the body that an upstream must then get. Where it is missing,
  that is what a client of its format sends; where it is empty, or there is no such format, the
  upstream has no words for the feature;
* under `unheard.<upstream>`, a part that it must not get;
* `hint = true` where an answer can do without it, so that it may be left out by name;
* `refused`: upstreams that have the words and are not told, by format or by name.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pointsman.conversation import Addressee
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.registry import CLIENTS, upstreams
from pointsman.formats.translate import Speech
from pointsman.presets import presets
from pointsman.types import FormatName, Json

FILES = ("content", "tools", "settings", "bookkeeping")

#: The shortest request of each format that can ask for an answer.
SHORTEST: Mapping[FormatName, dict[str, Json]] = {
    "chat": {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]},
    "completions": {"model": "auto", "prompt": "Hi"},
    "responses": {"model": "auto", "input": "Hi"},
    "messages": {
        "model": "auto",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Hi"}],
    },
    "ollama": {
        "model": "auto",
        "stream": False,
        "messages": [{"role": "user", "content": "Hi"}],
    },
    "ollama_generate": {"model": "auto", "stream": False, "prompt": "Hi"},
}


@dataclass(frozen=True)
class Upstream:
    """A server that requests are written for."""

    name: str
    title: str
    format: FormatName
    model: str
    #: The preset whose way of speaking chat it has.
    preset: str = ""

    @property
    def takes(self) -> tuple[FormatName, ...]:
        """Its formats: what speaks `/api/chat` speaks `/api/generate`, too."""
        return ("ollama", "ollama_generate") if self.format == "ollama" else (self.format,)

    def speech(self, drop: frozenset[str] = frozenset()) -> Speech:
        """How it is spoken to; `drop` names what the configuration lets go."""
        quirks = presets()[self.preset].quirks if self.preset else Quirks()
        to = Addressee(self.model, max_output_tokens=32_000, drop=drop)
        return Speech(CLIENTS, upstreams(self.takes, quirks), to)

    def pick(self, by_name: Mapping[str, Json]) -> Json:
        """What is said of it, or else of its format."""
        return by_name[self.name] if self.name in by_name else by_name.get(self.format)


#: In this order in the documentation; those whose name is not their format's are variations.
UPSTREAMS = (
    Upstream("chat", "OpenAI's chat completions, as local servers take them", "chat", "qwen3"),
    Upstream("chat-openai", "OpenAI itself", "chat", "gpt-5.5", "openai"),
    Upstream("chat-openrouter", "OpenRouter", "chat", "z-ai/glm-5", "openrouter"),
    Upstream("responses", "OpenAI's responses", "responses", "gpt-5.5"),
    Upstream("messages", "Anthropic's messages, as other servers take them", "messages", "qwen3"),
    Upstream("messages-claude", "Claude Opus 5.5", "messages", "claude-opus-5-5"),
    Upstream("gemini", "Gemini 3 and later", "gemini", "gemini-3.8-flash"),
    Upstream("gemini-2.5", "Gemini 2.5", "gemini", "gemini-2.5-flash"),
    Upstream("ollama", "Ollama's `/api/chat`", "ollama", "qwen3:8b"),
)


@dataclass(frozen=True)
class Feature:
    """Something that a request may ask for."""

    name: str
    says: Mapping[FormatName, dict[str, Json]]
    heard: Mapping[str, Json]
    unheard: Mapping[str, Json]
    hint: bool
    refused: frozenset[str]

    def body(self, client: FormatName) -> bytes:
        """A client's request for it."""
        return json.dumps(SHORTEST[client] | self.says[client]).encode()

    def words(self, upstream: Upstream) -> Json:
        """What the upstream must get; None where it has no words for it, or is not told."""
        if self.refused & {upstream.name, upstream.format}:
            return None
        return upstream.pick({**self.says, **self.heard})


@cache
def features() -> tuple[Feature, ...]:
    """Every feature, in the order of the files."""
    return tuple(feature for name in FILES for feature in _read(name))


def _read(name: str) -> Iterator[Feature]:
    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")
    for stated in tomllib.loads(text)["features"]:
        yield Feature(
            name=stated["name"],
            says={client: json.loads(stated[client]) for client in SHORTEST if client in stated},
            heard=_fragments(stated.get("heard", {})),
            unheard=_fragments(stated.get("unheard", {})),
            hint=stated.get("hint", False),
            refused=frozenset(stated.get("refused", ())),
        )


def _fragments(stated: Mapping[str, str]) -> dict[str, Json]:
    return {name: json.loads(text) if text else None for name, text in stated.items()}
