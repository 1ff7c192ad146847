"""Which provider a model's name means, where a configuration names the model alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Names that tell their provider by themselves.
_OWN = (
    (re.compile(r"^claude", re.IGNORECASE), "anthropic"),
    (re.compile(r"^gemini", re.IGNORECASE), "gemini"),
    (re.compile(r"^(gpt-|chatgpt|o[1-9](-|$))", re.IGNORECASE), "openai"),
)
#: What other routers call providers that have another name here.
_CALLED: Mapping[str, str] = {
    "azure_ai": "azure",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "google": "gemini",
    "hosted_vllm": "vllm",
    "lm_studio": "lmstudio",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "nvidia_nim": "nvidia",
    "ollama_chat": "ollama",
    "together_ai": "together",
    "x-ai": "xai",
}


def provider_of(name: str, known: Mapping[str, object]) -> tuple[str | None, str]:
    """The provider and its own name for the model; None where nothing tells the provider.

    `known` has every provider. A prefix counts (`anthropic/claude-...`), then the name itself.
    """
    prefix, slash, rest = name.partition("/")
    called = _CALLED.get(prefix.lower(), prefix.lower())
    if slash and called in known:
        return called, rest
    return next((provider for looks, provider in _OWN if looks.match(name)), None), name


def provider_called(name: str, known: Mapping[str, object]) -> str | None:
    """The provider that another router calls so; None where there is none."""
    called = _CALLED.get(name.lower(), name.lower())
    return called if called in known else None
