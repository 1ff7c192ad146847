"""The composition root: settings in, a wired gateway out. With `wiring`, the only one that names adapters."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from pointsman import rules
from pointsman.access.sessions import SignIns
from pointsman.afterwards import Afterwards
from pointsman.bookkeeping import Bookkeeping
from pointsman.cache.complaints import Complaints
from pointsman.cache.lookup import Cache
from pointsman.caching import Caching
from pointsman.calling.escalate import Escalation
from pointsman.calling.execute import Caller
from pointsman.calling.line import Deployments
from pointsman.calling.upstream import Upstream, upstream
from pointsman.calling.watch import Watch
from pointsman.clock import SystemClock
from pointsman.comparing import Comparing, blind_judge
from pointsman.config import Settings
from pointsman.decider import Decider
from pointsman.errors import ConfigError, PointsmanError
from pointsman.experimenting import Experimenting
from pointsman.formats import registry
from pointsman.judging import Judging
from pointsman.learning import Learning
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
    Scorer,
)
from pointsman.providers.http import HttpClient
from pointsman.replaying import Replaying
from pointsman.reserving import Reserving
from pointsman.routing.policy import Policy
from pointsman.routing.spending import Spending
from pointsman.routing.sticky import Sessions
from pointsman.scoring.guarded import GuardedScorer
from pointsman.scoring.judge import Judge
from pointsman.server import asgi
from pointsman.server.gateway import Gateway
from pointsman.server.kept import KeptReplies
from pointsman.tariffs import baseline_name, pricer, reservations
from pointsman.telemetry.decisions import SilentObserver
from pointsman.telemetry.live import Live
from pointsman.types import Deployment, DeploymentState
from pointsman.weights import published_weights
from pointsman.wiring import Wiring, weights_of

#: Seconds between two looks for experiments that another gateway changed.
_EXPERIMENTS_S = 1.0
#: Seconds between two looks whether one is decided that is to stop then.
_CONCLUDE_S = 60.0


class App:
    """Everything that the settings ask for. Built at once, without I/O; started when entered."""

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
        self.settings = settings
        self._environment = environment
        self._clock = clock or SystemClock()
        self._observer = self.live = Live(observer or SilentObserver(), entry_json)
        self._client = HttpClient()
        wiring = Wiring(settings, client=self._client, clock=self._clock, environment=environment)
        self._lines = {name: wiring.line(name, model) for name, model in settings.models.items()}
        self._caller = Caller(self._lines, self._clock, retries=settings.routing.retries)
        self._watch = Watch(self._lines.values(), self._observer, self._clock)
        self._pricer = pricer(settings)
        self._reservations = reservations(settings, self._pricer)
        self.bookkeeping = Bookkeeping(
            settings,
            net=self._client,
            clock=self._clock,
            observer=self._observer,
            environment=environment,
        )
        tiers = {name: line.deployment.tier for name, line in self._lines.items()}
        policy = rules.policy(settings)
        self.learning = Learning(
            settings,
            policy=policy,
            tiers=tiers.values(),
            clock=self._clock,
            observer=self._observer,
        )
        knows = self.learning.informing.knows if settings.learning.enabled else None
        self.experimenting = Experimenting(tiers, self._clock, knows=knows)
        self.decider = self._decider(policy)
        self.caching = Caching(
            settings,
            caller=self._caller,
            policy=self.decider.policy,
            deployments=self.decider.deployments,
            clock=self._clock,
            observer=self._observer,
            environment=environment,
            embedder=embedder,
        )
        #: Has answers judged; None where nobody wants it, or it is not started.
        self.comparing: Comparing | None = None
        self._pipeline: Pipeline | None = None

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
        books = self.bookkeeping
        try:
            if load:  # first: an embedded model loads in a process of its own meanwhile
                for line in self._lines.values():
                    await line.provider.start()
            await books.open(address=address, in_memory=in_memory, local=local)
            await self._begin_experiments()
            shared = self.settings.ledger.url is not None and not in_memory
            await self.learning.open(books.store, shared=shared)
            cache = await self.caching.open(books.store, in_memory=in_memory, address=address)
        except PointsmanError:
            await self.close()
            raise
        self._pipeline = self._wired(cache)
        if load:
            self._watch.start()
        await self._watch.look()  # what is not local is known before the first request
        await asyncio.to_thread(self._pricer.load, self._clock.now())
        if load and any(each.provider != "scripted" for each in self.settings.models.values()):
            self._client.prepare()  # while models load

    async def close(self) -> None:
        """Give everything back. Idempotent."""
        self.live.close()
        await self._watch.close()
        if self.comparing is not None:
            await self.comparing.close()
        await self.learning.close()
        await self._caller.close()
        await self.caching.close()
        self._pipeline = None
        for line in self._lines.values():
            await line.provider.close()
        await self.bookkeeping.close()
        await self._client.close()

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
        return Complaints(books, books, books, self.pipeline.cache)

    def states(self) -> dict[str, DeploymentState]:
        """Every deployment's state, by id."""
        return {
            each.deployment.id: "down" if each.breaker_open else each.state
            for each in self._caller.candidates()
        }

    def upstreams(self) -> list[Upstream]:
        """How every deployment stands, as far as is known; nobody is asked."""
        now = self._clock.monotonic()
        return [upstream(line, now) for line in self._lines.values()]

    async def look(self) -> None:
        """Look at every local server now, instead of at its turn."""
        await self._watch.look()

    def providers(self) -> Mapping[str, Provider]:
        """Every deployment's provider, by id."""
        return {name: line.provider for name, line in self._lines.items()}

    def asgi(self) -> ASGIApp:
        """The HTTP surface. Only while started."""
        return asgi.build(
            Gateway(
                pipeline=self.pipeline,
                access=self.bookkeeping.keys,
                sign_ins=SignIns(self.bookkeeping.keys, self._clock),
                books=self.books,
                retention=self.bookkeeping.store,
                prompts=self.bookkeeping.store,
                baseline=baseline_name(self.settings, self._clock.now()),
                feedback=self.feedback,
                checks=self.checks,
                experiments=self.experimenting,
                evidence=self.bookkeeping.store,
                least_outcomes=self.settings.learning.least,
                learning=self.learning,
                feed=self.live,
                clock=self._clock,
                clients=registry.CLIENTS,
                replies=KeptReplies(self._clock, self.settings.server.response_retention_s),
                cors_origins=self.settings.server.cors_origins,
                states=self.states,
                upstreams=self.upstreams,
                charts=self.bookkeeping.store,
                pricer=self._pricer,
                max_body_bytes=self.settings.server.max_body_bytes,
                body_timeout_s=self.settings.server.body_timeout_s,
                version=version(),
            )
        )

    async def _begin_experiments(self) -> None:
        await self.experimenting.open(self.bookkeeping.store)
        self.bookkeeping.every(_EXPERIMENTS_S, "experiments", self._refresh_experiments)
        self.bookkeeping.every(_CONCLUDE_S, "experiments", self.experimenting.conclude)

    async def _refresh_experiments(self) -> None:
        await self.experimenting.refresh()
        await self.learning.know(self.experimenting.versions)

    def _wired(self, cache: Cache) -> Pipeline:
        """The stages, over what was opened."""
        books = self.bookkeeping
        admission = books.admission
        recorder = books.recorder(self._pricer)
        return Pipeline(
            cache=cache,
            keeper=self.caching.keeper,
            afterwards=self._afterwards(),
            replaying=Replaying(
                cache=cache,
                recorder=recorder,
                caller=self._caller,
                deployments=self.decider.deployments,
                clients=registry.CLIENTS,
            ),
            decider=self.decider,
            caller=self._caller,
            escalation=Escalation(
                self._caller,
                rules.verifier(),
                tiers=self.settings.routing.tiers,
                patience=rules.patience(self.settings),
                clock=self._clock,
                observer=self._observer,
            ),
            admission=admission,
            reserving=Reserving(self.decider, recorder, admission, self._reservations),
            recorder=recorder,
            marks=books.marks,
            sessions=Sessions(self.settings.routing.tiers, self.settings.routing.session_s),
            clients=registry.CLIENTS,
            clock=self._clock,
        )

    def _afterwards(self) -> Afterwards:
        """Who hears of replies."""
        books = self.bookkeeping
        self.comparing = blind_judge(
            self.settings.learning.judge,
            deployments=self.decider.deployments,
            reservations=self._reservations,
            books=books.store,
            store=books.store,
            clock=self._clock,
            observer=self._observer,
        )
        return Afterwards(
            books.prompts,
            rechecking=self.caching.rechecking,
            collecting=books.collecting,
            comparing=self.comparing,
        )

    def _decider(self, policy: Policy) -> Decider:
        settings, learning = self.settings, self.learning
        deployments = Deployments(self._lines)
        scorer = GuardedScorer(self._observer, *scorers(settings))
        return Decider(
            deployments=deployments,
            policy=policy,
            confinement=rules.confinement(settings),
            scorer=scorer,
            judging=self._judging(policy, deployments, scorer),
            spending=Spending(policy, rules.usual_scores(settings)),
            looks=rules.looks(settings),
            side_calls=rules.side_calls(),
            caller=self._caller,
            pricer=self._pricer,
            clock=self._clock,
            means=self.bookkeeping.means,
            reservations=self._reservations,
            learning=learning.informing if settings.learning.enabled else None,
            drawing=learning.drawing,
            experiments=self.experimenting,
        )

    def _judging(
        self, policy: Policy, deployments: Mapping[str, Deployment], scorer: Scorer
    ) -> Judging | None:
        routing = self.settings.routing
        if routing.scorer != "judge":
            return None
        judge = Judge(
            scorer,
            rules.lexicon(),
            self._clock,
            self._observer,
            style=routing.judge.style,
            deadline_s=routing.judge.deadline_s,
        )
        return Judging(judge, self._caller, policy, deployments, routing.judge.deployment)


def scorers(settings: Settings) -> tuple[Scorer, ...]:
    """What scores, and what stands in for it where it fails."""
    known = rules.scorers(settings)
    named = ("learned", "heuristic") if settings.routing.scorer == "learned" else ("heuristic",)
    return tuple(known[name] for name in named)


def version() -> str:
    """Pointsman's version."""
    return importlib.metadata.version("pointsman")


def missing_weights(settings: Settings) -> str | None:
    """Which embedded deployment has no weights yet, and what to do; None where all have theirs."""
    for name, model in settings.models.items():
        if model.provider == "embedded" and not weights_of(model, settings).is_file():
            known = model.model in published_weights("gguf")
            spec = model.model if known else "<path or URL of its GGUF file>"
            return (
                f"[models.{name}]: the weights of {model.model} are not here yet; "
                f"`pointsman models pull {spec}` fetches them"
            )
    return None
