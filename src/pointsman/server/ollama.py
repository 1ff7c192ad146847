"""Ollama's own API, so that what speaks to Ollama can be routed."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from pointsman.errors import UnknownModel
from pointsman.formats.ollama import embed as embedding
from pointsman.formats.ollama import listing, load
from pointsman.routing.policy import names, resolve
from pointsman.server import talk
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing
from pointsman.types import Deployment, FormatName, ModelRequest

#: What Ollama's clients put behind a name that has no tag.
_TAG = ":latest"


class _Named(msgspec.Struct):
    model: str = ""
    name: str = ""  # older clients


async def chat(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Ollama's chat, streamed unless `stream` is false."""
    return await _answer(gateway, incoming, "ollama")


async def generate(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Ollama's completion of a prompt, streamed unless `stream` is false."""
    return await _answer(gateway, incoming, "ollama_generate")


async def embed(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Ollama's embeddings."""
    return await _embed(gateway, incoming, single=False)


async def embeddings(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Ollama's older embeddings, of one prompt."""
    return await _embed(gateway, incoming, single=True)


async def tags(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Every name that `model` may say, as Ollama lists models."""
    del incoming
    return Outgoing(200, listing.tags(_models(gateway), gateway.clock.now()))


async def running(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The deployments that answer at once, as Ollama lists loaded models."""
    del incoming
    return Outgoing(200, listing.running(_models(gateway), gateway.clock.now()))


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One name: its context and what it can do."""
    asked = await _read_name(gateway, incoming)
    found = next((model for model in _models(gateway) if model.name == asked), None)
    if found is None:
        raise UnknownModel(f"model '{asked[:128]}' not found")
    return Outgoing(200, listing.show(found, gateway.clock.now()))


async def version(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The version of Ollama whose API this is."""
    del gateway, incoming
    return Outgoing(200, listing.version())


async def _answer(gateway: Gateway, incoming: Incoming, format_name: FormatName) -> Outgoing:
    request = await talk.parse(gateway, format_name, incoming.body)
    request = replace(request, model=_known(gateway, request.model))
    wanted = load.load_asked(request)
    if wanted is None:
        return await talk.ask(gateway, incoming, request)
    return _loaded(gateway, request, unload=wanted == "unload")


def _loaded(gateway: Gateway, request: ModelRequest, *, unload: bool) -> Outgoing:
    """A request without a prompt only wants the model loaded: its server does that by itself."""
    decider = gateway.pipeline.decider
    resolve(request.model, decider.policy, decider.deployments)
    now = gateway.clock.now()
    written = load.load_reply(request.model, now, unload=unload, format_name=request.format)
    return Outgoing(200, written)


async def _embed(gateway: Gateway, incoming: Incoming, *, single: bool) -> Outgoing:
    request = await talk.parse(gateway, "embeddings", embedding.embed_request(incoming.body).body)
    request = replace(request, model=_known(gateway, request.model))
    outgoing = await talk.ask(gateway, incoming, request)
    if outgoing.status != 200 or not isinstance(outgoing.body, bytes):  # noqa: PLR2004 - success
        return outgoing
    written = embedding.embed_reply(outgoing.body, model=request.model, single=single)
    return replace(outgoing, body=written)


async def _read_name(gateway: Gateway, incoming: Incoming) -> str:
    try:
        asked = msgspec.json.decode(incoming.body, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownModel(f"the body does not name a model: {error}") from error
    return _known(gateway, asked.model or asked.name)


def _known(gateway: Gateway, name: str) -> str:
    """The name without the tag that a client added to it."""
    decider = gateway.pipeline.decider
    bare = name.removesuffix(_TAG)
    return bare if bare in names(decider.policy, decider.deployments) else name


def _models(gateway: Gateway) -> list[listing.Model]:
    decider = gateway.pipeline.decider
    states = gateway.states()
    found = decider.deployments
    return [
        _model(name, found.get(name), loaded=states.get(name, "up") == "up")
        for name in names(decider.policy, found)
    ]


def _model(name: str, deployment: Deployment | None, *, loaded: bool) -> listing.Model:
    if deployment is None:  # a route, a tier or an alias: what it can do is decided per request
        return listing.Model(name, capabilities=listing.capabilities(None), loaded=loaded)
    return listing.Model(
        name,
        family=deployment.provider,
        context_length=deployment.context_length,
        capabilities=listing.capabilities(deployment.capabilities, deployment.tasks),
        loaded=loaded,
    )
