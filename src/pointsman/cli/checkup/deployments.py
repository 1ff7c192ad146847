"""The deployments: reachable, let in, with the model, with room for an agent, with a price."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from pointsman.assembly.tariffs import tariffs
from pointsman.assembly.wiring import Wiring
from pointsman.cli.checkup import mends
from pointsman.cli.checkup.check import Check
from pointsman.cli.checkup.whole import lacks_key
from pointsman.clock import SystemClock
from pointsman.config import ModelSettings, Settings
from pointsman.errors import ConfigError
from pointsman.ledger.listed import listing
from pointsman.ledger.pricing import Free, Hourly, Listed, Tariff
from pointsman.providers.http import HttpClient
from pointsman.types import Health

#: Tokens that a coding agent sends before it has read a file, and some for its answer: the first
#: request of Claude Code 2.1 has 78 KB, most of it tools, which is some 20,000 tokens.
AGENT_TOKENS = 24_000
#: Servers that load models on demand, with a context of their own choice: most often this one.
_CHOOSERS, _CHOSEN = frozenset({"ollama", "lmstudio"}), 4096


async def deployments(settings: Settings) -> list[Check]:
    """A look at each deployment's server, all at once; embedded ones have no server."""
    client = HttpClient()
    wiring = Wiring(settings, client=client, clock=SystemClock(), environment=os.environ)
    try:
        looks = [_look(wiring, name, model) for name, model in settings.models.items()]
        found = await asyncio.gather(*looks)
    finally:
        await client.close()
    priced = tariffs(settings)
    return [
        check
        for name, health in zip(settings.models, found, strict=True)
        for check in _of(name, settings.models[name], health, priced[name])
    ]


async def _look(wiring: Wiring, name: str, model: ModelSettings) -> Health | Check:
    try:
        line = wiring.line(name, model)
    except ConfigError as error:
        return Check(name, "failed", str(error), mends.key(name, model))
    if model.provider == "embedded":
        return Health("up", "in this process", line.deployment.context_length)
    return await line.provider.probe()


def _of(name: str, model: ModelSettings, seen: Health | Check, tariff: Tariff) -> Iterator[Check]:
    """What there is to say of one: how it stands, then what it could do better."""
    if isinstance(seen, Check):
        yield seen
        return
    yield _standing(name, model, seen, _price(model, tariff))
    if seen.state != "down" and model.provider != "scripted":
        if "chat" in model.tasks:
            yield from _context(name, model, seen)
        if _price(model, tariff) is None:
            mend = f'[models."{name}"] price = {{ input = <$ per million>, output = <...> }}'
            yield Check(f"{name}: price", "warning", f"{model.model} is in no list of prices", mend)


def _standing(name: str, model: ModelSettings, seen: Health, price: str | None) -> Check:
    detail = seen.detail or seen.state
    if seen.lacks == "server":
        detail = f"{model.address}: {detail}"
        if model.where == "cloud" and lacks_key(model, os.environ):
            detail += f"; {model.preset.keys[0]} is not set, either"
    if seen.state == "down" or seen.lacks is not None:
        mend = mends.lacking(name, model, seen.lacks or "server")
        return Check(name, "failed" if seen.state == "down" else "warning", detail, mend)
    if model.where == "cloud" and model.preset.keys and model.key(os.environ) is None:
        return Check(name, "failed", f"{detail}, but there is no key", mends.key(name, model))
    length = _length(model, seen)
    facts = [f"{length:,} tokens of context"] if length else []
    facts += [price] if price else []
    return Check(name, "ok", ", ".join([detail, *facts]))


def _length(model: ModelSettings, seen: Health) -> int | None:
    """Its context in tokens, as far as it is settled: Ollama is told ours with each request."""
    if model.provider == "ollama" and model.context_length is not None:
        return model.context_length
    if model.provider in _CHOOSERS and seen.state == "cold":
        return None
    return seen.context_length or model.context_length


def _context(name: str, model: ModelSettings, seen: Health) -> Iterator[Check]:
    """Whether an agent's prompt fits."""
    length = _length(model, seen)
    wants = f"a coding agent's prompt wants {AGENT_TOKENS:,}"
    if length is None and model.provider in _CHOOSERS and seen.location != "cloud":
        detail = f"its server chooses when it loads it, often {_CHOSEN:,} tokens; {wants}"
    elif length is not None and length < AGENT_TOKENS:
        detail = f"{length:,} tokens; {wants}"
    else:
        return
    yield Check(f"{name}: context", "warning", detail, mends.wider(name, model))


def _price(model: ModelSettings, tariff: Tariff) -> str | None:
    """In few words; None where it is unknown."""
    if isinstance(tariff, Free):
        return "free"
    if isinstance(tariff, Hourly):
        return f"${tariff.per_hour:f} an hour"
    if model.preset.quirks.states_cost and isinstance(tariff, Listed):
        return "priced by its provider"
    if not isinstance(tariff, Listed):
        return "price as configured"
    found = listing(tariff, datetime.now(UTC))
    if found is None:
        return None
    rates = found.text.tiers[0][1]
    return f"${rates.input:f} in and ${rates.output:f} out per million tokens"
