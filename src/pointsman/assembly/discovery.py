"""What there is to route to where nobody says: servers on this machine, keys in the environment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args
from urllib.parse import urlsplit

from pointsman.assembly.wiring import weights_of
from pointsman.config import ModelSettings, Settings
from pointsman.config.secrets import is_local
from pointsman.errors import ConfigError
from pointsman.presets import presets
from pointsman.providers.detect import Server, ServerKind, identify
from pointsman.providers.http import HttpClient

#: Where Ollama listens unless `OLLAMA_HOST` says otherwise.
_OLLAMA_PORT = 11434
_UNUSABLE = re.compile(r"[^A-Za-z0-9._:/@+-]+")
_LONGEST_NAME = 128


async def servers(addresses: Sequence[str]) -> list[Server]:
    """The model servers that answer at some addresses, within a second."""
    client = HttpClient()
    try:
        found = await asyncio.gather(*(identify(client, each) for each in addresses))
    finally:
        await client.close()
    return [server for server in found if server is not None and server.kind != "pointsman"]


def with_found(
    settings: Settings, found: Sequence[Server], environment: Mapping[str, str]
) -> Settings:
    """The settings with what was found as deployments, in place of the default ones.

    As they are where they configure models, where they forbid it, and where nothing was found.
    A server of this machine makes the embedded model needless; keys alone do not.
    """
    if not may_look(settings):
        return settings
    local = {name: model for server in found for name, model in _served(server)}
    cloud = dict(_affordable(settings, environment))
    default = {
        name: model
        for name, model in settings.models.items()
        if not local and (not cloud or weights_of(model, settings).is_file())
    }
    return settings.model_copy(update={"models": {**default, **local, **cloud}})


def in_words(found: Sequence[Server]) -> str:
    """What was found, on one line."""
    seen = [
        f"{each.kind} at {each.base_url}: {', '.join(each.models) or 'no models'}" for each in found
    ]
    return "; ".join(seen) or "none at the usual ports"


def may_look(settings: Settings) -> bool:
    """Whether deployments are to be found: none are configured, and `detect` is on."""
    return settings.detect and "models" not in settings.model_fields_set


def _served(server: Server) -> Iterator[tuple[str, ModelSettings]]:
    """Its first model, and for when that is not left (or not loaded) the others."""
    provider = _provider(server)
    for place, model in enumerate(server.models):
        name = f"{provider}/{_UNUSABLE.sub('-', model)}"[:_LONGEST_NAME]
        yield (
            name,
            ModelSettings(
                provider=provider,
                model=model,
                base_url=server.base_url,
                weight=1.0 if place == 0 else 0.0,
            ),
        )


def _provider(server: Server) -> str:
    """Its kind's preset; of a server that shows no kind, the one whose usual address it has."""
    if server.kind != "openai-compatible":
        return server.kind
    at_home = (name for name, each in presets().items() if each.base_url == server.base_url)
    return next((name for name in at_home if name not in get_args(ServerKind)), server.kind)


def _affordable(
    settings: Settings, environment: Mapping[str, str]
) -> Iterator[tuple[str, ModelSettings]]:
    """A cheap and a strong model of every provider whose key is there."""
    tiers = settings.routing.tiers
    for provider, preset in presets().items():
        if any(environment.get(key) for key in preset.keys):
            for model, tier in ((preset.cheap, tiers[len(tiers) // 2]), (preset.strong, tiers[-1])):
                if model is not None:
                    settled = ModelSettings(provider=provider, model=model, tier=tier)
                    yield f"{provider}/{model}", settled


def addresses(environment: Mapping[str, str]) -> list[str]:
    """Where model servers usually listen on this machine, and Ollama where `OLLAMA_HOST` says.

    Raises ConfigError where that is no address.
    """
    usual = {
        name: each.base_url
        for name, each in presets().items()
        if each.base_url is not None and is_local(each.base_url)
    }
    if stated := environment.get("OLLAMA_HOST"):
        usual["ollama"] = ollama_address(stated)
    return list(dict.fromkeys(usual.values()))


def ollama_address(stated: str) -> str:
    """`OLLAMA_HOST` as Ollama's own programs read it: scheme and port may be missing.

    Raises ConfigError where it is no address.
    """
    try:
        parts = urlsplit(stated if "://" in stated else f"http://{stated}")
        port = parts.port or (443 if parts.scheme == "https" else _OLLAMA_PORT)
    except ValueError as error:
        raise ConfigError(f"OLLAMA_HOST is no address: {stated!r}") from error
    host = parts.hostname or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it listens there
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
