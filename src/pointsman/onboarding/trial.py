"""One small prompt to each deployment: does it answer, how fast, for how much."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from pointsman.app import App
from pointsman.config import CacheSettings, ModelSettings, RoutingSettings, Settings, VerifySettings
from pointsman.errors import PointsmanError
from pointsman.router import Router
from pointsman.types import Json

PROMPT = "Answer with one word: what is the capital of France?"
#: Tokens that the answer may have; models that think first need some.
_MOST_TOKENS = 256
#: A model may have to be loaded first.
_PATIENCE_S = 120.0


class Tried(msgspec.Struct, frozen=True):
    """How a deployment answered."""

    deployment: str
    #: What it said, or what went wrong.
    words: str
    answered: bool
    latency_ms: float | None = None
    #: US dollars; None where the price is unknown.
    cost: Decimal | None = None
    #: Tokens, prompt and reply together; None where its server does not say.
    context_length: int | None = None


async def tried(
    models: Mapping[str, ModelSettings], home: Path, environment: Mapping[str, str]
) -> Sequence[Tried]:
    """Ask each that chats, all at once. The books stay as they are: these are in memory."""
    chatting = {name: model for name, model in models.items() if "chat" in model.tasks}
    if not chatting:
        return []
    settings = Settings(
        home=home,
        models=chatting,
        routing=RoutingSettings(fallback=False, retries=0, verify=VerifySettings(when="off")),
        cache=CacheSettings(exact=False, store="memory"),
    )
    app = App(settings, environment=environment)
    try:
        await app.start(in_memory=True, load=False)
        return await asyncio.gather(*(_one(app, name) for name in chatting))
    finally:
        await app.close()


async def _one(app: App, name: str) -> Tried:
    parameters: dict[str, Json] = {"max_tokens": _MOST_TOKENS}
    try:
        async with asyncio.timeout(_PATIENCE_S):
            done = await Router(app).complete(PROMPT, model=name, parameters=parameters)
    except TimeoutError:
        return Tried(name, f"no answer within {_PATIENCE_S:.0f} s", answered=False)
    except PointsmanError as error:
        return Tried(name, str(error), answered=False)
    context = app.decider.deployments[name].context_length
    return Tried(name, done.text, True, done.latency_ms, done.cost, context)
