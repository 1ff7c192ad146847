"""How each client is told of the gateway: by variables and arguments, not in its own files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import msgspec


class Gateway(msgspec.Struct, frozen=True):
    """What a client is pointed at."""

    #: Such as `http://127.0.0.1:7070`.
    address: str
    #: Any, where the gateway has none.
    key: str
    #: What the client asks for.
    model: str = "auto"

    @property
    def base_url(self) -> str:
        """What clients of OpenAI's API are pointed at."""
        return f"{self.address}/v1"


class Recipe(msgspec.Struct, frozen=True):
    """How a client is started."""

    program: str
    #: How to get it.
    install: str
    environment: Mapping[str, str]
    #: Arguments that go before the user's.
    arguments: tuple[str, ...] = ()
    #: Variables that would lead it elsewhere.
    without: frozenset[str] = frozenset()
    #: Files by name, in a folder that `folder_variable` names.
    files: Mapping[str, str] = msgspec.field(default_factory=dict)
    folder_variable: str | None = None


def _claude(to: Gateway) -> Recipe:
    models = dict.fromkeys(
        (
            "ANTHROPIC_MODEL",
            "ANTHROPIC_DEFAULT_OPUS_MODEL",
            "ANTHROPIC_DEFAULT_SONNET_MODEL",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL",
        ),
        to.model,
    )
    return Recipe(
        "claude",
        "npm install -g @anthropic-ai/claude-code",
        {"ANTHROPIC_BASE_URL": to.address, "ANTHROPIC_AUTH_TOKEN": to.key, **models},
        without=frozenset(
            {
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_SMALL_FAST_MODEL",
                "CLAUDE_CODE_USE_BEDROCK",
                "CLAUDE_CODE_USE_VERTEX",
            }
        ),
    )


#: The table that Codex has for a provider.
CODEX_PROVIDER = "model_providers.pointsman"


def _codex(to: Gateway) -> Recipe:
    settings, provider = codex_config(to)
    settings |= {f"{CODEX_PROVIDER}.{name}": value for name, value in provider.items()}
    arguments = (
        part for name, value in settings.items() for part in ("-c", f"{name}={json.dumps(value)}")
    )
    return Recipe(
        "codex", "npm install -g @openai/codex", {"POINTSMAN_KEY": to.key}, tuple(arguments)
    )


def codex_config(to: Gateway) -> tuple[dict[str, str], dict[str, str]]:
    """What stands in Codex's `config.toml`: at its top, and in the provider's table."""
    provider = {
        "name": "Pointsman",
        "base_url": to.base_url,
        "wire_api": "responses",
        "env_key": "POINTSMAN_KEY",
    }
    return {"model": to.model, "model_provider": "pointsman"}, provider


def _opencode(to: Gateway) -> Recipe:
    return Recipe(
        "opencode",
        "npm install -g opencode-ai",
        {"OPENCODE_CONFIG_CONTENT": json.dumps(opencode_config(to))},
    )


def opencode_config(to: Gateway) -> dict[str, object]:
    """What stands in an `opencode.json`."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Pointsman",
        "options": {"baseURL": to.base_url, "apiKey": to.key},
        "models": {to.model: {"name": to.model}},
    }
    model = f"pointsman/{to.model}"
    return {"provider": {"pointsman": provider}, "model": model, "small_model": model}


def _aider(to: Gateway) -> Recipe:
    environment = {
        "OPENAI_API_BASE": to.base_url,
        "OPENAI_API_KEY": to.key,
        "AIDER_MODEL": f"openai/{to.model}",
        "AIDER_SHOW_MODEL_WARNINGS": "false",
    }
    without = frozenset({"AIDER_OPENAI_API_BASE", "AIDER_OPENAI_API_KEY", "AIDER_WEAK_MODEL"})
    return Recipe(
        "aider", "pip install aider-install && aider-install", environment, without=without
    )


def _llm(to: Gateway) -> Recipe:
    entry = {
        "model_id": "pointsman",
        "model_name": to.model,
        "api_base": to.base_url,
        "api_key_name": "pointsman",
        "supports_tools": True,
        "supports_schema": True,
    }
    return Recipe(
        "llm",
        "pip install llm",
        {"LLM_MODEL": "pointsman"},
        # JSON is YAML, too.
        files={
            "extra-openai-models.yaml": json.dumps([entry], indent=2),
            "keys.json": json.dumps({"pointsman": to.key}),
        },
        folder_variable="LLM_USER_PATH",
    )


CLIENTS: Mapping[str, Callable[[Gateway], Recipe]] = {
    "claude": _claude,
    "codex": _codex,
    "opencode": _opencode,
    "aider": _aider,
    "llm": _llm,
}
