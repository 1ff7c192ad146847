"""The composition root: settings in, a wired gateway out. With `wiring`, the only one that names adapters."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from pointsman.access.sessions import SignIns
from pointsman.assembly import rules
from pointsman.assembly.bookkeeping import Bookkeeping
from pointsman.assembly.caching import Caching
from pointsman.assembly.composing import Composition, Surroundings
from pointsman.assembly.entering import Entering
from pointsman.assembly.joining import join
from pointsman.assembly.scheduling import Scheduling
from pointsman.assembly.succession import Succession
from pointsman.assembly.tariffs import baseline_name
from pointsman.assembly.watching import Watching
from pointsman.assembly.wiring import missing_weights
from pointsman.cache.complaints import Complaints
from pointsman.calling.line import Line
from pointsman.calling.upstream import Upstream, upstream
from pointsman.clock import SystemClock
from pointsman.config import Renewal, Settings
from pointsman.config.hidden import secrets_of
from pointsman.errors import ConfigError
from pointsman.formats import registry
from pointsman.ledger.figures import LearningBooks
from pointsman.ledger.view import entry_json
from pointsman.pipeline import Pipeline
from pointsman.ports import (
    CheckStore,
    Clock,
    Embedder,
    FeedbackStore,
    Observer,
    Provider,
)
from pointsman.providers.http import HttpClient
from pointsman.server import asgi
from pointsman.server.draining import Draining
from pointsman.server.front import Front
from pointsman.server.gateway import Gateway
from pointsman.server.kept import KeptReplies
from pointsman.server.routes import PATHS
from pointsman.stages.comparing import Comparing
from pointsman.stages.decider import Decider
from pointsman.stages.experimenting import Experimenting
from pointsman.stages.learning import Learning
from pointsman.telemetry.decisions import SilentObserver
from pointsman.telemetry.live import Live
from pointsman.types import Call, DeploymentState, Reply

#: Seconds between two looks for experiments that another gateway changed.
_EXPERIMENTS_S = 1.0
#: Seconds between two looks whether one is decided that is to stop then.
_CONCLUDE_S = 60.0


class App:
    """Everything that the settings ask for. Built at once, without I/O; started when entered."""

    #: Where the settings were read, to read them again; None where they came from elsewhere.
    source: Callable[[], Settings] | None = None

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        observer: Observer | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        """Raises ConfigError where a deployment can't be built as configured.

        `embedder` stands in for the cache's configured one.
        """
        self._environment = environment
        self._clock = clock or SystemClock()
        #: Whether it is about to end: whoever serves it says so.
        self.draining = Draining()
        observer = observer or SilentObserver()
        self.watching = Watching(settings, observer, self._clock, environment)
        self._observer = self.live = Live(self.watching.telemetry, entry_json)
        self._client = HttpClient()
        self.bookkeeping = Bookkeeping(
            settings,
            net=self._client,
            clock=self._clock,
            observer=self._observer,
            environment=environment,
        )
        self.bookkeeping.timed = self.watching.telemetry.timed
        around = self._client, self._clock, self._observer, environment, self.bookkeeping
        self._succession = Succession(settings, Surroundings(*around), self._hide_secrets)
        made = self._composition
        self.caching = Caching(
            settings,
            caller=made.caller,
            policy=made.policy,
            deployments=made.deployments,
            clock=self._clock,
            observer=self._observer,
            environment=environment,
            embedder=embedder,
        )
        self.entering = Entering(settings.load, self._clock, self._lines)
        self._replies = KeptReplies(
            self._clock,
            settings.server.response_retention_s,
            shared=self.bookkeeping.sharing.conversations,
        )
        self._scheduling = Scheduling(
            settings,
            self.bookkeeping,
            ask=self._ask,
            clock=self._clock,
            environment=environment,
        )
        self._front: Front | None = None
        self._sign_ins: SignIns | None = None
        #: Told the secrets in use, which nobody may see: the configuration's and organisations'.
        self.hide: Callable[[Iterable[str]], None] = _nobody_looks

    async def start(
        self,
        *,
        address: str | None = None,
        in_memory: bool = False,
        local: bool = True,
        load: bool = True,
    ) -> None:
        """Open the books and get the deployments ready; returns while models still load.

        Servers of this machine and its network are looked at first, which takes seconds at most.
        `address` is where this process listens, for the command line to find; `local`: only this
        machine can reach it. `in_memory` keeps the books for this process only. Without `load`,
        models start at their first request.
        Raises ConfigError where another process owns the books, LedgerUnavailable where their server
        does not answer.
        """
        try:
            await self._start(address, in_memory=in_memory, local=local, load=load)
        except BaseException:
            await self.close()
            raise

    async def _start(
        self, address: str | None, *, in_memory: bool, local: bool, load: bool
    ) -> None:
        books = self.bookkeeping
        if load:  # first: an embedded model loads in a process of its own meanwhile
            await self._composition.start_providers()
        await books.open(address=address, in_memory=in_memory, local=local)
        await self._succession.start()
        made = self._composition
        await self.caching.open(books.store, in_memory=in_memory, address=address)
        await self._scheduling.open(serves=in_memory or address is not None)
        made.open(self.caching)
        self.entering.pulse.start()
        if load:
            made.watch.start()
        await made.watch.look()  # what is not local is known before the first request
        await made.load_prices()
        self._look_now_and_then()
        if not in_memory:
            await join(self)
        if load and any(each.provider != "scripted" for each in self.settings.models.values()):
            self._client.prepare()  # while models load

    async def renew(self, read: Settings | None = None) -> Renewal:
        """Go on with these settings, or those read last, as far as they take effect without a start.

        A request goes on with what was in force when it came. Raises ConfigError, and then nothing
        is changed.
        """
        return await self._succession.renew(read, self.caching, self._turn)

    async def reload(self) -> Renewal:
        """Read the settings again, go on with them, and have other gateways do so.

        Raises ConfigError.
        """
        renewed = await self.reread()
        self.bookkeeping.sharing.tell("settings")()
        return renewed

    async def reread(self) -> Renewal:
        """Read the settings again and go on with them. Raises ConfigError."""
        if self.source is None:
            raise ConfigError("this gateway's settings were not read from anywhere")
        read = await asyncio.to_thread(self.source)
        if missing := missing_weights(read):
            raise ConfigError(missing)
        return await self.renew(read)

    def _turn(self) -> None:
        """See `succession.Turn`."""
        if self._front is not None:
            self._front.app = self._paths()

    async def _hide_secrets(self, settings: Settings) -> None:
        """Those that are in use, and those that are about to be."""
        organisations, known = self.bookkeeping.tenancy.secrets, self._environment
        theirs = *organisations.of_providers.values(), *organisations.of_deployments.values()
        named = await asyncio.to_thread(
            lambda: [*secrets_of(settings, known), *secrets_of(self.settings, known)]
        )
        self.hide([*named, *filter(None, theirs)])

    async def end(self) -> None:
        """Let go who watches, and wait for what batches have begun. Idempotent."""
        self.live.close()
        await self._scheduling.end()

    async def close(self) -> None:
        """Give everything back. Idempotent."""
        self.live.close()
        await self.entering.pulse.close()
        await self._scheduling.close()
        await self._succession.end_all()
        await self.learning.close()
        await self._composition.caller.close()  # before what keeps its replies
        await self.caching.close()
        await self._composition.close()
        await self.bookkeeping.close()
        await self._client.close()
        await self.watching.close()

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
    def _composition(self) -> Composition:
        return self._succession.current

    @property
    def learning(self) -> Learning:
        """Learns in the background."""
        return self._succession.learning

    @property
    def experimenting(self) -> Experimenting:
        """Knows the experiments."""
        return self._succession.experimenting

    async def _ask(self, call: Call) -> Reply:
        made = self._composition
        with made.inside:
            return await made.pipeline.answer(call)

    @property
    def settings(self) -> Settings:
        """What is in force."""
        return self._composition.settings

    @property
    def decider(self) -> Decider:
        """Decides; also before the start."""
        return self._composition.decider

    @property
    def comparing(self) -> Comparing | None:
        """Has answers judged; None where nobody wants it, or it is not started."""
        return self._composition.comparing

    @property
    def pipeline(self) -> Pipeline:
        """The stages, wired. Only while started."""
        return self._composition.pipeline

    @property
    def sign_ins(self) -> SignIns:
        """Who is signed in. Only while started."""
        if self._sign_ins is None:
            self._sign_ins = SignIns(self.bookkeeping.keys, self._clock)
        return self._sign_ins

    @property
    def books(self) -> LearningBooks:
        """The books. Only while started."""
        return self.bookkeeping.store

    @property
    def checks(self) -> CheckStore:
        """What was found when semantic hits were checked. Only while started."""
        return self.bookkeeping.store

    @property
    def feedback(self) -> FeedbackStore:
        """What users said; a cached reply that they call bad is forgotten. Only while started."""
        books = self.bookkeeping.store
        return Complaints(books, books, books, self.pipeline.cache, rules.clean)

    def states(self) -> dict[str, DeploymentState]:
        """Every deployment's state, by id."""
        return {
            each.deployment.id: "down" if each.breaker_open else each.state
            for each in self._composition.caller.candidates()
        }

    def upstreams(self, organisation: str | None = None) -> list[Upstream]:
        """How every deployment stands, or those that serve an organisation; nobody is asked."""
        now, lines = self._clock.monotonic(), self._composition.lines
        those = lines if organisation is None else lines.of(organisation)
        return [upstream(line, now) for line in those.values()]

    async def look(self) -> None:
        """Look at every local server now, instead of at its turn."""
        await self._composition.watch.look()

    def providers(self) -> Mapping[str, Provider]:
        """Every deployment's provider, by id."""
        return {name: line.provider for name, line in self._composition.lines.items()}

    def _lines(self) -> Iterator[Line]:
        return self._composition.lines.every()

    def asgi(self) -> ASGIApp:
        """The HTTP surface. Only while started."""
        self.watching.begin(self, version())
        if self._front is None:
            endless = {each.path for each in PATHS if each.method == "GET" and each.is_long}
            self._front = Front(self._paths(), lambda: self._composition.inside, endless)
        return self._front

    def _paths(self) -> ASGIApp:
        """Every path, over what is in force."""
        return asgi.build(
            Gateway(
                pipeline=self.pipeline,
                access=self.bookkeeping.keys,
                sign_ins=self.sign_ins,
                books=self.books,
                retention=self.bookkeeping.store,
                prompts=self.bookkeeping.store,
                baseline=baseline_name(self.settings, self._clock.now()),
                feedback=self.feedback,
                checks=self.checks,
                experiments=self.experimenting,
                organising=self.bookkeeping.organising(lambda: self._succession.read),
                batching=self._scheduling.batching,
                evidence=self.bookkeeping.store,
                least_outcomes=self.settings.learning.least,
                learning=self.learning,
                feed=self.live,
                door=self.entering.door,
                clock=self._clock,
                clients=registry.CLIENTS,
                replies=self._replies,
                cors_origins=self.settings.server.cors_origins,
                states=self.states,
                reload=self.reload,
                upstreams=self.upstreams,
                charts=self.bookkeeping.store,
                pricer=self._composition.pricer,
                max_body_bytes=self.settings.server.max_body_bytes,
                body_timeout_s=self.settings.server.body_timeout_s,
                version=version(),
                telemetry=self.watching.telemetry,
                metrics=self.settings.telemetry.metrics,
                components=self.watching.components,
                draining=self.draining,
            )
        )

    def _look_now_and_then(self) -> None:
        books = self.bookkeeping
        books.follow_organisations(self.renew)
        books.every(_EXPERIMENTS_S, "experiments", self._refresh_experiments)
        books.every(_CONCLUDE_S, "experiments", self.experimenting.conclude)

    async def _refresh_experiments(self) -> None:
        await self.experimenting.refresh()
        await self.learning.know(self.experimenting.versions)


def _nobody_looks(_secrets: Iterable[str]) -> None:
    """Nothing is printed anywhere."""


def version() -> str:
    """Pointsman's version."""
    return importlib.metadata.version("pointsman")
