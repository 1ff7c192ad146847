"""The composition root: settings in, a wired gateway out. The only module that names adapters."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from pointsman import data
from pointsman.access.authenticate import StaticKey
from pointsman.calling.execute import Caller, Line
from pointsman.clock import SystemClock
from pointsman.config import ModelSettings, Settings, resolve_secret
from pointsman.errors import ConfigError
from pointsman.ledger.pricing import Free, Listed, Pricer, Rates, Tariff
from pointsman.ledger.settle import Recorder
from pointsman.pipeline import Decider, Pipeline
from pointsman.ports import Clock, FeedbackStore, Ledger, Observer, Provider
from pointsman.providers.embedded import EmbeddedProvider
from pointsman.providers.http import HttpClient, Timeouts
from pointsman.providers.openai import OpenAIProvider
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.routing.policy import Floors, Policy
from pointsman.scoring.guarded import GuardedScorer
from pointsman.scoring.heuristic import HeuristicScorer
from pointsman.scoring.lexicon import Lexicon
from pointsman.server import asgi
from pointsman.server.gateway import Gateway
from pointsman.storage.memory import MemoryStore
from pointsman.storage.owner import owner
from pointsman.storage.reader import SqliteReader
from pointsman.storage.sqlite import SqliteStore
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import Capability, Deployment, DeploymentState
from pointsman.weights import WeightsStore, published_weights

#: What savings are measured against where the configuration names nothing that has a price.
REFERENCE_BASELINE = "claude-opus-5-5"
#: Tokens of context that the embedded model gets for each request, where nobody says.
EMBEDDED_CONTEXT = 4096
#: llama.cpp is started without a projector: it neither sees nor hears.
EMBEDDED_CAPABILITIES: frozenset[Capability] = frozenset({"tools", "json_schema", "logprobs", "n"})
#: Requests that a scripted deployment remembers.
SCRIPTED_LOG = 1000


class App:
    """Everything that the settings ask for. Built at once, without I/O; started when entered."""

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Raises ConfigError where a deployment can't be built as configured."""
        self.settings = settings
        self._environment = environment
        self._clock = clock or SystemClock()
        self._observer = observer or SilentObserver()
        self._client = HttpClient()
        self._deployments = {
            name: _deployment(name, model, settings) for name, model in settings.models.items()
        }
        self._providers = {
            name: self._provider(name, model) for name, model in settings.models.items()
        }
        lines = {
            name: Line(self._deployments[name], self._providers[name]) for name in settings.models
        }
        self._caller = Caller(lines, self._clock)
        self._pricer = _pricer(settings)
        self.decider = Decider(
            deployments=self._deployments,
            policy=_policy(settings),
            scorer=GuardedScorer(
                HeuristicScorer(Lexicon.parse(data.read_lexicons())), self._observer
            ),
            caller=self._caller,
            pricer=self._pricer,
            clock=self._clock,
        )
        self._store: SqliteStore | MemoryStore | None = None
        self._pipeline: Pipeline | None = None

    async def start(
        self, *, address: str | None = None, in_memory: bool = False, load: bool = True
    ) -> None:
        """Open the books and get the deployments ready; returns while models still load.

        `address` is where this process listens, for the command line to find. `in_memory` keeps
        the books for this process only. Without `load`, models start at their first request.
        Raises ConfigError where another process owns the books.
        """
        if in_memory:
            self._store = MemoryStore()
        else:
            self._store = await asyncio.to_thread(
                SqliteStore.open, self.settings.database, address=address
            )
        recorder = Recorder(self._store, self._pricer, self._clock, self._observer)
        self._pipeline = Pipeline(self.decider, self._caller, recorder)
        if load:
            for provider in self._providers.values():
                await provider.start()
        await asyncio.to_thread(self._pricer.load, self._clock.now())

    async def close(self) -> None:
        """Give everything back. Idempotent."""
        for provider in self._providers.values():
            await provider.close()
        await self._client.close()
        store, self._store, self._pipeline = self._store, None, None
        if store is not None:
            await store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pipeline(self) -> Pipeline:
        """The stages, wired. Only while started."""
        if self._pipeline is None:
            raise ConfigError("not started: use `async with`, or call start() first")
        return self._pipeline

    @property
    def ledger(self) -> Ledger:
        """The books. Only while started."""
        return self._opened()

    @property
    def feedback(self) -> FeedbackStore:
        """What users said. Only while started."""
        return self._opened()

    def states(self) -> dict[str, DeploymentState]:
        """Every deployment's state, by id."""
        return {
            each.deployment.id: "down" if each.breaker_open else each.state
            for each in self._caller.candidates()
        }

    def providers(self) -> Mapping[str, Provider]:
        """Every deployment's provider, by id."""
        return self._providers

    def asgi(self) -> ASGIApp:
        """The HTTP surface. Only while started."""
        key = self.settings.api_key
        return asgi.build(
            Gateway(
                pipeline=self.pipeline,
                access=StaticKey(None if key is None else resolve_secret(key, self._environment)),
                ledger=self.ledger,
                feedback=self.feedback,
                clock=self._clock,
                states=self.states,
                max_body_bytes=self.settings.server.max_body_bytes,
                version=version(),
            )
        )

    def _opened(self) -> SqliteStore | MemoryStore:
        if self._store is None:
            raise ConfigError("not started: use `async with`, or call start() first")
        return self._store

    def _provider(self, name: str, model: ModelSettings) -> Provider:
        timeouts = Timeouts(
            connect_s=model.timeouts.connect_s,
            first_byte_s=model.first_byte_s,
            between_chunks_s=model.timeouts.between_chunks_s,
        )
        if model.provider == "embedded":
            return EmbeddedProvider(
                weights=_weights(model, self.settings),
                model=model.model,
                context_length=_embedded_context(model),
                slots=model.slots,
                threads=model.threads,
                clock=self._clock,
                upstream=lambda url, key: OpenAIProvider(
                    self._client, base_url=url, model=model.model, api_key=key, timeouts=timeouts
                ),
            )
        if model.provider == "scripted":
            scripts = [Script.from_mapping(script) for script in model.script]
            standing = scripts[-1] if scripts else None
            return ScriptedProvider(
                model.model, scripts[:-1], script=standing, clock=self._clock, keep=SCRIPTED_LOG
            )
        if model.address is None:
            raise ConfigError(f"[models.{name}]: provider {model.provider!r} needs base_url")
        return OpenAIProvider(
            self._client,
            base_url=model.address,
            model=model.model,
            api_key=model.key(self._environment),
            timeouts=timeouts,
        )


def version() -> str:
    """Pointsman's version."""
    return importlib.metadata.version("pointsman")


def _deployment(name: str, model: ModelSettings, settings: Settings) -> Deployment:
    return Deployment(
        id=name,
        provider=model.provider,
        model=model.model,
        tier=settings.tier_of(model),
        location=model.where,
        context_length=_context_length(model),
        capabilities=_capabilities(model),
    )


def _context_length(model: ModelSettings) -> int | None:
    return _embedded_context(model) if model.provider == "embedded" else model.context_length


def _embedded_context(model: ModelSettings) -> int:
    return model.context_length or EMBEDDED_CONTEXT


def _capabilities(model: ModelSettings) -> frozenset[Capability] | None:
    if model.capabilities is None and model.provider == "embedded":
        return EMBEDDED_CAPABILITIES
    return model.capabilities


def _policy(settings: Settings) -> Policy:
    routing = settings.routing
    floors = routing.floors
    return Policy(
        tiers=routing.tiers,
        thresholds=routing.thresholds,
        default_tier=routing.default_tier or routing.tiers[len(routing.tiers) // 2],
        max_local_tokens=routing.max_local_tokens,
        fallback=routing.fallback,
        floors=Floors(
            topics=_stakes(floors.high_stakes, routing.tiers),
            domains=floors.domains,
            strict=floors.strict,
        ),
        aliases=settings.aliases,
        unknown_model_is_auto=settings.unknown_model == "auto",
    )


def _stakes(floor: str | bool, tiers: tuple[str, ...]) -> dict[str, str]:  # noqa: FBT001
    if floor is False:
        return {}
    return {"high_stakes": tiers[-1] if floor is True else floor}


def _pricer(settings: Settings) -> Pricer:
    tariffs = {name: _tariff(model) for name, model in settings.models.items()}
    return Pricer(tariffs, *_baseline(settings, tariffs))


def _tariff(model: ModelSettings) -> Tariff:
    if model.price is not None:
        return Rates(model.price.input, model.price.output, model.price.cached)
    if model.priced_as is not None:
        return Listed.named(model.priced_as)
    if model.where == "local":
        return Free()
    if model.provider == "openai":
        return Listed(model.model, "openai")
    return Listed(model.model, base_url=model.address)


def _baseline(settings: Settings, tariffs: Mapping[str, Tariff]) -> tuple[Tariff, ...]:
    """What is named; else the strongest deployments that cost money, and then the reference."""
    named = settings.routing.baseline
    if named is not None:
        return (tariffs.get(named) or Listed.named(named),)
    tiers = settings.routing.tiers
    by_strength = sorted(
        tariffs, key=lambda name: -tiers.index(settings.tier_of(settings.models[name]))
    )
    paid = [tariffs[name] for name in by_strength if not isinstance(tariffs[name], Free)]
    return (*paid, Listed.named(REFERENCE_BASELINE))


def missing_weights(settings: Settings) -> str | None:
    """Which embedded deployment has no weights yet, and what to do; None where all have theirs."""
    for name, model in settings.models.items():
        if model.provider == "embedded" and not _weights(model, settings).is_file():
            known = model.model in published_weights()
            spec = model.model if known else "<path or URL of its GGUF file>"
            return (
                f"[models.{name}]: the weights of {model.model} are not here yet; "
                f"`pointsman models pull {spec}` fetches them"
            )
    return None


def running_at(settings: Settings) -> str | None:
    """The address of the gateway that holds the books now; None where none runs."""
    holder = owner(settings.database)
    return holder.address if holder else None


def read_books(settings: Settings) -> SqliteReader:
    """The books, to read; empty where there are none yet. Raises ConfigError."""
    return SqliteReader.open(settings.database)


async def upgrade_books(settings: Settings) -> None:
    """Bring the books' schema up to date. Raises ConfigError where a gateway holds them."""
    store = await asyncio.to_thread(SqliteStore.open, settings.database)
    await store.close()


def _weights(model: ModelSettings, settings: Settings) -> Path:
    """The weights' file; where they are not here, the one that would be looked for."""
    if model.weights is not None:
        return model.weights
    found = WeightsStore(settings.home).find(model.model)
    return found or settings.home / "models" / f"{model.model}.gguf"
