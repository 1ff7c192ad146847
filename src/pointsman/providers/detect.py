"""What listens at an address: a server is known by what only its kind answers, not by its port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from pointsman.errors import UpstreamBroken, UpstreamError
from pointsman.formats.ollama import catalogue
from pointsman.providers.http import HttpClient
from pointsman.providers.payloads import (
    LmModels,
    Model,
    Models,
    OllamaVersion,
    Pointsman,
    Props,
    read,
)
from pointsman.providers.probes import root_of

#: Seconds that a server gets to say what it is.
TIMEOUT_S = 1.0
_OK = 200
_UNAVAILABLE = 503

ServerKind: TypeAlias = Literal[
    "pointsman", "ollama", "lmstudio", "llamacpp", "vllm", "sglang", "openai-compatible"
]

#: What servers write into `owned_by` of their own models.
_OWNERS: Mapping[str, ServerKind] = {"llamacpp": "llamacpp", "vllm": "vllm", "sglang": "sglang"}


class Server(msgspec.Struct, frozen=True):
    """A server that answered."""

    kind: ServerKind
    #: As a deployment's `base_url`.
    base_url: str
    #: Models that chat, and that run there and not in a cloud behind it; in its own order.
    models: tuple[str, ...] = ()


class _Answers(msgspec.Struct, frozen=True):
    """What came back; empty where there was no answer, or a refusal."""

    root: bytes
    version: bytes
    tags: bytes
    lmstudio: bytes
    props: bytes
    models: bytes


async def identify(
    client: HttpClient, address: str, headers: Mapping[str, str] | None = None
) -> Server | None:
    """What answers at an address, with or without its `/v1`; None where nothing known does.

    Takes a second at most, and asks for lists alone.
    """
    root = root_of(address)
    paths = ("/", "/api/version", "/api/tags", "/api/v1/models", "/props", "/v1/models")
    answers = _Answers(
        *await asyncio.gather(*(_ask(client, root + path, headers or {}) for path in paths))
    )
    return _known(answers, root)


def _known(answers: _Answers, root: str) -> Server | None:
    """Our own kind first: it answers as Ollama does, too."""
    ours = read(answers.root, Pointsman)
    if ours is not None and ours.name == "pointsman":
        return Server("pointsman", f"{root}/v1")
    chat = _of_ollama(answers.tags)
    if chat is not None and read(answers.version, OllamaVersion) is not None:
        return Server("ollama", root, chat)
    studio = read(answers.lmstudio, LmModels)
    if studio is not None:
        llms = tuple(each.key for each in studio.models if each.type == "llm")
        return Server("lmstudio", f"{root}/v1", llms)
    listed = read(answers.models, Models)
    models = listed.data if listed is not None else []
    names = tuple(each.id for each in models if each.id and "embed" not in each.id.lower())
    if read(answers.props, Props) is not None or b"Loading model" in answers.props:
        return Server("llamacpp", f"{root}/v1", names)
    return None if listed is None else Server(_owner(models), f"{root}/v1", names)


def _of_ollama(tags: bytes) -> tuple[str, ...] | None:
    try:
        models = catalogue.listed(tags)
    except UpstreamBroken:
        return None
    return tuple(each.name for each in models if each.is_local and _chats(each))


def _chats(model: catalogue.Listed) -> bool:
    """By what the server says it can do; an old one does not say, and then by its name."""
    if model.capabilities is None:
        return "embed" not in model.name
    return "completion" in model.capabilities


def _owner(models: Sequence[Model]) -> ServerKind:
    for model in models:
        owner = _OWNERS.get(model.owned_by or "", "vllm" if model.max_model_len else None)
        if owner is not None:
            return owner
    return "openai-compatible"


async def _ask(client: HttpClient, url: str, headers: Mapping[str, str]) -> bytes:
    try:
        status, body = await client.get(url, headers, TIMEOUT_S)
    except UpstreamError:
        return b""
    return body if status in {_OK, _UNAVAILABLE} else b""
