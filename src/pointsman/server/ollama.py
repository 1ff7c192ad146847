"""Ollama's own API, so that what speaks to Ollama can be routed."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from pointsman.errors import BadRequest
from pointsman.formats.chat.error import message_of
from pointsman.formats.ollama import embed as embedding
from pointsman.formats.ollama import listing, load
from pointsman.routing.policy import names
from pointsman.server import talk
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, aside
from pointsman.server.models import check_shown, shown_names
from pointsman.types import FormatName, ModelRequest, Principal

#: What Ollama's clients put behind a name that has no tag.
_TAG = ":latest"
_LEFT_OUT = "x-pointsman-left-out"


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
    """What the key may ask for, as Ollama lists models."""
    found = _models(gateway, incoming.principal)
    return Outgoing(200, listing.tags(found, gateway.clock.now()))


async def running(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The deployments that answer at once, as Ollama lists loaded models."""
    found = _models(gateway, incoming.principal)
    return Outgoing(200, listing.running(found, gateway.clock.now()))


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One name: its context and what it can do."""
    name = _known(gateway, incoming.principal, _name_in(incoming.body))
    check_shown(gateway, incoming.principal, name)
    found = _model(gateway, incoming.principal, name)
    return Outgoing(200, listing.show(found, gateway.clock.now()))


async def version(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The version of Ollama whose API this is."""
    del gateway, incoming
    return Outgoing(200, listing.version())


async def _answer(gateway: Gateway, incoming: Incoming, format_name: FormatName) -> Outgoing:
    request = await talk.parse(gateway, format_name, incoming.body)
    request = replace(request, model=_known(gateway, incoming.principal, request.model))
    wanted = load.load_asked(request)
    if wanted is None:
        return await talk.ask(gateway, incoming, request)
    return _loaded(gateway, incoming.principal, request, unload=wanted == "unload")


def _loaded(
    gateway: Gateway, principal: Principal, request: ModelRequest, *, unload: bool
) -> Outgoing:
    """A request without a prompt only wants the model loaded: its server does that by itself."""
    gateway.pipeline.decider.resolve(principal, request.model)
    now = gateway.clock.now()
    written = load.load_reply(request.model, now, unload=unload, format_name=request.format)
    return Outgoing(200, written)


async def _embed(gateway: Gateway, incoming: Incoming, *, single: bool) -> Outgoing:
    asked = await aside(embedding.embed_request, incoming.body)
    request = await talk.parse(gateway, "embeddings", asked.body)
    request = replace(request, model=_known(gateway, incoming.principal, request.model))
    outgoing = await talk.ask(gateway, incoming, request)
    if not isinstance(outgoing.body, bytes):
        raise TypeError("embeddings are not streamed")
    if outgoing.status != 200:  # noqa: PLR2004 - success
        refusal = msgspec.json.encode({"error": message_of(outgoing.body)})
        return replace(outgoing, body=refusal)
    written = embedding.embed_reply(outgoing.body, model=request.model, single=single)
    headers = {**outgoing.headers}
    if asked.left_out:
        others = headers.get(_LEFT_OUT)
        headers[_LEFT_OUT] = ", ".join([*asked.left_out, *([others] if others else [])])
    return replace(outgoing, body=written, headers=headers)


def _name_in(body: bytes) -> str:
    try:
        asked = msgspec.json.decode(body, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body does not name a model: {error}", param="model") from error
    name = asked.model or asked.name
    if not name:
        raise BadRequest("model is required", param="model")
    return name


def _known(gateway: Gateway, principal: Principal, name: str) -> str:
    """The name without the tag that a client added to it."""
    decider = gateway.pipeline.decider
    bare = name.removesuffix(_TAG)
    own = decider.deployments_of(principal)
    return bare if bare in names(decider.policy, own) else name


def _models(gateway: Gateway, principal: Principal) -> list[listing.Model]:
    return [_model(gateway, principal, name) for name in shown_names(gateway, principal)]


def _model(gateway: Gateway, principal: Principal, name: str) -> listing.Model:
    """What a name stands for. Raises UnknownModel."""
    decider = gateway.pipeline.decider
    own, target = decider.deployments_of(principal), decider.resolve(principal, name)
    if len(target.deployments) != 1:  # a route, a tier, several: what it can do is decided later
        return listing.Model(name, capabilities=listing.capabilities(None), loaded=True)
    deployment = own[target.deployments[0]]
    return listing.Model(
        name,
        family=deployment.provider,
        context_length=deployment.context_length,
        capabilities=listing.capabilities(deployment.capabilities, deployment.tasks),
        loaded=gateway.states()[deployment.id] == "up",
    )
