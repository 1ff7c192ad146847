"""How a deployment's server tells how it stands, without spending a token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pointsman.formats.ollama import catalogue
from pointsman.providers import payloads
from pointsman.providers.dialects import segment
from pointsman.providers.http import HttpClient
from pointsman.providers.upstream import Probe
from pointsman.types import Capability, DeploymentState, Health, Lack

PROBE_TIMEOUT_S = 2.0
_OK = 200
_NOT_FOUND = 404
_UNAVAILABLE = 503
_NO_SUCH_PATH = frozenset({404, 405, 501})
#: What a refusal says of a question that is right in itself; Gemini calls a wrong key 400.
_LACKS: Mapping[int, Lack] = {400: "key", 401: "key", 403: "key", 404: "model"}
#: A llama.cpp router's words; a model that is `unloaded` loads on demand.
_STATES: Mapping[str, DeploymentState] = {"unloaded": "cold", "loading": "warming"}


async def generic(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Any OpenAI-compatible server: `/models`, and this model's context where it tells."""
    status, body = await client.get(f"{base_url}/models", headers, PROBE_TIMEOUT_S)
    if status == _UNAVAILABLE:
        return Health("warming", "is loading")
    if status in _NO_SUCH_PATH:  # a plain server that only chats is up all the same
        return Health("up", "answers, but lists no models")
    if status != _OK:
        return _refused(f"{base_url}/models", status)
    models = payloads.read(body, payloads.Models)
    if models is None:
        return Health("up", "answers, but lists no models")
    mine = next((each for each in models.data if each.id == model), None)
    if mine is None:
        return Health("up", f"does not list {model}", lacks="model")
    state = _STATES.get(mine.status.value, "up") if mine.status else "up"
    return Health(state, "answers", mine.length)


async def llamacpp(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """llama.cpp: `/health` says whether it has loaded, `/props` its context and slots.

    A router of several models is asked for the one, and not to load it for that.
    """
    root = root_of(base_url)
    status, _ = await client.get(f"{root}/health", headers, PROBE_TIMEOUT_S)
    if status == _UNAVAILABLE:
        return Health("warming", "is loading its model")
    url = f"{root}/props?model={segment(model)}&autoload=false"
    status, body = await client.get(url, headers, PROBE_TIMEOUT_S)
    props = payloads.read(body, payloads.Props) if status == _OK else None
    if props is None or not props.default_generation_settings.n_ctx:
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
    url = f"{root_of(base_url)}/api/v1/models"
    status, body = await client.get(url, headers, PROBE_TIMEOUT_S)
    listed = payloads.read(body, payloads.LmModels) if status == _OK else None
    mine = listed.named(model) if listed else None
    if mine is None:
        return await generic(client, base_url, headers, model)
    loaded = next((each.config.get("context_length") for each in mine.loaded_instances), None)
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
    (status, tags), (_, loaded), (_, shown) = await asyncio.gather(
        client.get(f"{base_url}/api/tags", headers, PROBE_TIMEOUT_S),
        client.get(f"{base_url}/api/ps", headers, PROBE_TIMEOUT_S),
        client.ask(f"{base_url}/api/show", {"model": model}, headers, PROBE_TIMEOUT_S),
    )
    if status != _OK:
        return _refused(f"{base_url}/api/tags", status)
    return catalogue.health(model, tags=tags, loaded=loaded, shown=shown)


async def gemini(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Gemini: the model's own page."""
    url = f"{base_url}/models/{segment(model.removeprefix('models/'))}"
    status, body = await client.get(url, headers, PROBE_TIMEOUT_S)
    if status != _OK:
        return _refused(url, status)
    limits = payloads.read(body, payloads.GeminiModel)
    return Health("up", "answers", limits.input_token_limit if limits else None)


async def anthropic(
    client: HttpClient, base_url: str, headers: Mapping[str, str], model: str
) -> Health:
    """Anthropic: the model's own page; a server of the same format may have a list alone."""
    url = f"{base_url}/v1/models/{segment(model)}"
    status, body = await client.get(url, headers, PROBE_TIMEOUT_S)
    if status == _NOT_FOUND:
        return await generic(client, f"{base_url}/v1", headers, model)
    if status != _OK:
        return _refused(url, status)
    limits = payloads.read(body, payloads.ClaudeModel)
    return Health("up", "answers", limits.max_input_tokens if limits else None)


def root_of(base_url: str) -> str:
    """A server's address without the `/v1` that its OpenAI API is under."""
    return base_url.rstrip("/").removesuffix("/v1")


def _refused(url: str, status: int) -> Health:
    return Health("down", f"GET {url} answered {status}", lacks=_LACKS.get(status))


def _llamacpp_capabilities(props: payloads.Props) -> frozenset[Capability] | None:
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


#: Whose probes ask what is above the `/v1` of their addresses.
FROM_THE_ROOT = frozenset({"llamacpp", "lmstudio"})
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
