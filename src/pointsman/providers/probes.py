"""How servers tell what they are and how they stand, without spending a token.

A server is known by what it answers, not by its port (`identify`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, TypeAlias, TypeVar

import msgspec

from pointsman.errors import UpstreamError
from pointsman.formats.ollama import catalogue
from pointsman.providers.http import HttpClient
from pointsman.providers.upstream import Probe
from pointsman.types import Capability, Health

PROBE_TIMEOUT_S = 2.0
#: Seconds that a server gets to say what it is.
IDENTIFY_TIMEOUT_S = 1.0
_OK = 200
_UNAVAILABLE = 503
_T = TypeVar("_T")

ServerKind: TypeAlias = Literal["ollama", "lmstudio", "llamacpp", "vllm", "openai-compatible"]


class _Meta(msgspec.Struct):
    n_ctx: int | None = None


class _Model(msgspec.Struct):
    id: str = ""
    meta: _Meta | None = None  # llama.cpp
    max_model_len: int | None = None  # vLLM
    context_length: int | None = None  # OpenRouter, Together and others


class _Models(msgspec.Struct):
    data: list[_Model] = []


class _Settings(msgspec.Struct, frozen=True):
    n_ctx: int | None = None


class _Modalities(msgspec.Struct):
    vision: bool = False
    audio: bool = False


class _Caps(msgspec.Struct):
    supports_tools: bool | None = None


class _Props(msgspec.Struct):
    """llama.cpp's `/props`."""

    default_generation_settings: _Settings
    total_slots: int | None = None
    modalities: _Modalities | None = None
    chat_template_caps: _Caps | None = None


class _Instance(msgspec.Struct):
    config: dict[str, object] = {}


class _LmModel(msgspec.Struct):
    """One of LM Studio's `/api/v1/models`."""

    key: str
    type: str = "llm"
    loaded_instances: list[_Instance] = []
    max_context_length: int | None = None
    capabilities: dict[str, object] | None = None


class _LmModels(msgspec.Struct):
    models: list[_LmModel]


class _Limits(msgspec.Struct, rename="camel"):
    """Gemini's model."""

    input_token_limit: int | None = None


async def generic(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Any OpenAI-compatible server: `/models`, and this model's context where it tells."""
    status, body = await client.get(f"{base_url}/models", headers, PROBE_TIMEOUT_S)
    if status == _UNAVAILABLE:
        return Health("warming", "is loading")
    if status != _OK:
        return Health("down", f"GET {base_url}/models answered {status}")
    models = _as(body, _Models)
    if models is None:
        return Health("up", "answers, but lists no models")
    mine = next((each for each in models.data if each.id == model), None)
    if mine is None:
        return Health("up", f"does not list {model}")
    length = mine.max_model_len or (mine.meta.n_ctx if mine.meta else None) or mine.context_length
    return Health("up", "answers", length)


async def llamacpp(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """llama.cpp: `/health` says whether it has loaded, `/props` its context and slots."""
    root = _root(base_url)
    status, _ = await client.get(f"{root}/health", headers, PROBE_TIMEOUT_S)
    if status == _UNAVAILABLE:
        return Health("warming", "is loading its model")
    status, body = await client.get(f"{root}/props", headers, PROBE_TIMEOUT_S)
    props = _as(body, _Props) if status == _OK else None
    if props is None:
        return await generic(client, base_url, headers, model)
    return Health(
        "up",
        "answers",
        props.default_generation_settings.n_ctx,
        capabilities=_llamacpp_capabilities(props),
        slots=props.total_slots,
    )


async def lmstudio(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """LM Studio: loaded or cold, its context, and whether it sees and calls tools."""
    url = f"{_root(base_url)}/api/v1/models"
    status, body = await client.get(url, headers, PROBE_TIMEOUT_S)
    listed = _as(body, _LmModels) if status == _OK else None
    mine = next((m for m in listed.models if m.key == model), None) if listed else None
    if mine is None:
        return await generic(client, base_url, headers, model)
    loaded = (
        mine.loaded_instances[0].config.get("context_length") if mine.loaded_instances else None
    )
    able: set[Capability] = {"json_schema"}
    if mine.capabilities and mine.capabilities.get("vision"):
        able.add("vision")
    if mine.capabilities and mine.capabilities.get("trained_for_tool_use") is not False:
        able.add("tools")
    return Health(
        "up" if mine.loaded_instances else "cold",
        "loaded" if mine.loaded_instances else "loads on demand",
        loaded if isinstance(loaded, int) else mine.max_context_length,
        capabilities=frozenset(able) if mine.capabilities is not None else None,
    )


async def ollama(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Ollama: loaded or cold, its context now, and what the model can do."""
    root = _root(base_url)
    (status, tags), (_, loaded), shown = await asyncio.gather(
        client.get(f"{root}/api/tags", headers, PROBE_TIMEOUT_S),
        client.get(f"{root}/api/ps", headers, PROBE_TIMEOUT_S),
        client.ask(f"{root}/api/show", {"model": model}, headers, PROBE_TIMEOUT_S),
    )
    if status != _OK:
        return Health("down", f"GET {root}/api/tags answered {status}")
    return catalogue.health(model, tags=tags, loaded=loaded, shown=shown[1])


async def gemini(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Gemini: the model's own page."""
    url = f"{base_url}/models/{model.removeprefix('models/')}"
    status, body = await client.get(url, headers, PROBE_TIMEOUT_S)
    if status != _OK:
        return Health("down", f"GET {url} answered {status}")
    limits = _as(body, _Limits)
    return Health("up", "answers", limits.input_token_limit if limits else None)


async def anthropic(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Anthropic: the model's own page."""
    status, _ = await client.get(f"{base_url}/models/{model}", headers, PROBE_TIMEOUT_S)
    if status != _OK:
        return Health("down", f"GET {base_url}/models/{model} answered {status}")
    return Health("up", "answers")


async def identify(
    client: HttpClient, address: str, headers: Mapping[str, str] | None = None
) -> ServerKind | None:
    """What kind of server answers at an address, by what only its kind answers; None for none."""
    root = _root(address)
    answers = await asyncio.gather(
        *(
            _try(client, f"{root}{path}", headers or {})
            for path in ("/api/version", "/api/v1/models", "/props", "/v1/models", "/models")
        )
    )
    version, listed, props, models, bare = answers
    if (found := _as(version, dict[str, object])) and isinstance(found.get("version"), str):
        return "ollama"
    if _as(listed, _LmModels) is not None:
        return "lmstudio"
    if (found := _as(props, dict[str, object])) and "default_generation_settings" in found:
        return "llamacpp"
    served = _as(models, _Models) or _as(bare, _Models)
    if served is None:
        return None
    return "vllm" if any(each.max_model_len for each in served.data) else "openai-compatible"


async def _try(client: HttpClient, url: str, headers: Mapping[str, str]) -> bytes:
    try:
        status, body = await client.get(url, headers, IDENTIFY_TIMEOUT_S)
    except UpstreamError:
        return b""
    return body if status == _OK else b""


def _llamacpp_capabilities(props: _Props) -> frozenset[Capability] | None:
    if props.modalities is None:
        return None
    able: set[Capability] = {"json_schema", "logprobs", "n", "tools"}
    if props.chat_template_caps and props.chat_template_caps.supports_tools is False:
        able.discard("tools")
    if props.modalities.vision:
        able.add("vision")
    if props.modalities.audio:
        able.add("audio")
    return frozenset(able)


def _root(base_url: str) -> str:
    return base_url.rstrip("/").removesuffix("/v1")


def _as(body: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


#: By preset; a preset that is not here has its dialect's.
BY_PROVIDER: Mapping[str, Probe] = {
    "openai": generic,
    "azure": generic,
    "anthropic": anthropic,
    "gemini": gemini,
    "ollama": ollama,
    "lmstudio": lmstudio,
    "llamacpp": llamacpp,
}
