"""What is passed on unread to the deployment that is there for it: audio, images, rerank."""

from __future__ import annotations

import re
from functools import partial

from pointsman.errors import NotFound
from pointsman.formats import raw
from pointsman.server import talk
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, aside
from pointsman.types import Task

_WORD = re.compile(r"[a-z]+(-[a-z]+)*")


async def audio(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Speech, transcriptions and translations, passed through."""
    return await _pass(gateway, incoming, "audio", "/audio/" + _name(incoming))


async def images(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Images generated and edited, passed through."""
    return await _pass(gateway, incoming, "images", "/images/" + _name(incoming))


async def rerank(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Documents ranked by a query, passed through."""
    return await _pass(gateway, incoming, "rerank", "/rerank")


def _name(incoming: Incoming) -> str:
    """What is asked for below the path: a plain word, so that no address can be made up."""
    name = incoming.parameters["rest"]
    if not _WORD.fullmatch(name):
        raise NotFound(f"there is no {incoming.path[:128]!r} here; GET /docs lists the paths")
    return name


async def _pass(gateway: Gateway, incoming: Incoming, task: Task, path: str) -> Outgoing:
    content_type = incoming.headers.get("content-type", "application/json")
    parse = partial(raw.parse, task=task, path=path, content_type=content_type)
    return await talk.ask(gateway, incoming, await aside(parse, incoming.body))
