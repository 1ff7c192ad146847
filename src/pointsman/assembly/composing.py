"""The stages as one version of the settings has them, wired. A reload makes another beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from pointsman.assembly import rules
from pointsman.assembly.bookkeeping import Bookkeeping
from pointsman.assembly.caching import Caching
from pointsman.assembly.tariffs import pricer, reservations
from pointsman.assembly.wiring import Wiring
from pointsman.calling.escalate import Escalation
from pointsman.calling.execute import Caller
from pointsman.calling.line import Line
from pointsman.calling.lines import Deployments, Lines
from pointsman.calling.watch import Watch
from pointsman.config import ModelSettings, Settings
from pointsman.errors import ConfigError
from pointsman.formats import registry
from pointsman.ledger.settle import Recorder
from pointsman.pipeline import Pipeline
from pointsman.ports import Clock, Observer, Scorer
from pointsman.providers.http import HttpClient
from pointsman.routing.spending import Spending
from pointsman.routing.sticky import Sessions
from pointsman.scoring.guarded import GuardedScorer
from pointsman.scoring.judge import Judge
from pointsman.server.front import Inside
from pointsman.stages.afterwards import Afterwards
from pointsman.stages.comparing import Comparing, blind_judge
from pointsman.stages.decider import Decider
from pointsman.stages.experimenting import Experimenting
from pointsman.stages.judging import Judging
from pointsman.stages.learning import Learning
from pointsman.stages.prompt_keeping import PromptKeeping
from pointsman.stages.replaying import Replaying
from pointsman.stages.reserving import Reserving
from pointsman.types import Deployment


class Surroundings(msgspec.Struct, frozen=True):
    """What every composition of a process shares."""

    client: HttpClient
    clock: Clock
    observer: Observer
    environment: Mapping[str, str]
    bookkeeping: Bookkeeping


class Composition:
    """Built at once, without I/O. `learn` and `open` complete it, in this order."""

    def __init__(
        self, settings: Settings, around: Surroundings, *, before: Composition | None = None
    ) -> None:
        """Deployments that are configured as they were `before` stay what they are.

        Raises ConfigError where a deployment can't be built as configured.
        """
        self.settings = settings
        self._around = around
        self._before = before
        #: What organisations have of their own.
        self.tenancy = around.bookkeeping.tenancy
        self._standing_in = self.tenancy.standing_in(settings)
        self.lines = self._lines()
        self.caller: Caller = Caller(
            self.lines,
            around.clock,
            retries=settings.routing.retries,
            hints=around.bookkeeping.sharing.hints,
            before=None if before is None else before.caller,
        )
        #: Who is being answered by it.
        self.inside = Inside()
        self.watch = Watch(self.lines.values(), around.observer, around.clock)
        self.pricer = pricer(settings)
        self.reservations = reservations(settings, self.pricer)
        self.policy = rules.policy(settings)
        self.deployments = Deployments(self.lines)
        #: Has answers judged; None where nobody wants it, or it is not open.
        self.comparing: Comparing | None = None
        self._recorder: Recorder | None = None
        self._prompts: PromptKeeping | None = None
        self.sessions = self._kept_sessions()
        self._decider: Decider | None = None
        self._pipeline: Pipeline | None = None

    @property
    def tiers(self) -> dict[str, str]:
        """Each deployment's tier, by its id."""
        return {name: line.deployment.tier for name, line in self.lines.items()}

    @property
    def decider(self) -> Decider:
        """Decides, also before anything is opened."""
        if self._decider is None:
            raise ConfigError("not composed yet")
        return self._decider

    @property
    def pipeline(self) -> Pipeline:
        """The stages, wired. Only while open."""
        if self._pipeline is None:
            raise ConfigError("not started: use `async with`, or call start() first")
        return self._pipeline

    def with_organisations(
        self, read: Settings, learning: Learning, experiments: Experimenting
    ) -> Composition:
        """The same with what organisations have of their own, over the settings as they were read.

        Before anything of it is open.
        """
        tenancy = self._around.bookkeeping.tenancy
        if self.tenancy == tenancy:
            return self
        made = Composition(tenancy.within(read), self._around, before=self)
        made.learn(learning, experiments)
        return made

    def learn(self, learning: Learning, experiments: Experimenting) -> None:
        """Decide with what these know."""
        settings, around = self.settings, self._around
        scorer = GuardedScorer(around.observer, *scorers(settings))
        self._decider = Decider(
            deployments=self.deployments,
            policy=self.policy,
            confinement=rules.confinement(settings),
            scorer=scorer,
            judging=self._judging(scorer),
            spending=Spending(self.policy, rules.usual_scores(settings)),
            looks=rules.looks(settings),
            side_calls=rules.side_calls(),
            caller=self.caller,
            pricer=self.pricer,
            clock=around.clock,
            means=around.bookkeeping.means,
            reservations=self.reservations,
            learning=learning.informing if settings.learning.enabled else None,
            drawing=learning.drawing,
            experiments=experiments,
        )

    async def start_providers(self) -> None:
        """Get the deployments ready; returns while models still load."""
        for line in self._own():
            await line.provider.start()

    def open(self, caching: Caching) -> None:
        """Wire the stages over what is open now."""
        around, cache = self._around, caching.cache
        caching.keeper.offered = self._offered
        books, admission = around.bookkeeping, around.bookkeeping.admission
        recorder = self._recorder = books.recorder(self.pricer)
        prompts = self._prompts = books.prompts
        self.comparing = blind_judge(
            self.settings.learning.judge,
            deployments=self.deployments,
            reservations=self.reservations,
            books=books.store,
            store=books.store,
            clock=around.clock,
            observer=around.observer,
        )
        self._pipeline = Pipeline(
            cache=cache,
            keeper=caching.keeper,
            afterwards=Afterwards(
                prompts,
                rechecking=caching.rechecking,
                collecting=books.collecting,
                comparing=self.comparing,
            ),
            replaying=Replaying(
                cache=cache,
                recorder=recorder,
                caller=self.caller,
                deployments=self.deployments,
                clients=registry.CLIENTS,
            ),
            decider=self.decider,
            caller=self.caller,
            escalation=Escalation(
                self.caller,
                rules.verifier(),
                tiers=self.settings.routing.tiers,
                patience=rules.patience(self.settings),
                clock=around.clock,
                observer=around.observer,
            ),
            admission=admission,
            reserving=Reserving(self.decider, recorder, admission, self.reservations),
            recorder=recorder,
            marks=books.marks,
            sessions=self.sessions,
            clients=registry.CLIENTS,
            clock=around.clock,
        )
        self._before = None

    def _offered(self, organisation: str) -> set[str]:
        """The tiers in which an organisation's chats can be answered."""
        theirs = self.deployments.of(organisation).values()
        return {each.tier for each in theirs if "chat" in each.tasks}

    async def load_prices(self) -> None:
        """Read the list of prices, off the event loop: it takes a third of a second."""
        await asyncio.to_thread(self.pricer.load, self._around.clock.now())

    async def answered(self) -> None:
        """Wait until it answers nobody any more. Once it is not in force."""
        await self.inside.nobody()
        await self.caller.finished()

    async def close(self, *others: Composition) -> None:
        """Give back all but what goes on in others. Idempotent."""
        await self.watch.close()
        if self.comparing is not None:
            await self.comparing.close()
        await self.caller.close()
        self._pipeline = None
        going_on = {id(line) for other in others for line in other.lines.every()}
        for line in self.lines.every():
            if id(line) not in going_on:
                await line.provider.close()
        if self._recorder is not None and self._prompts is not None and others:
            await self._around.bookkeeping.retire(self._recorder, self._prompts)

    def _own(self) -> list[Line]:
        """Those that the composition before did not have."""
        had = set() if self._before is None else {id(each) for each in self._before.lines.every()}
        return [line for line in self.lines.every() if id(line) not in had]

    def _lines(self) -> Lines:
        """Every deployment's, and those that stand in their places for organisations."""
        settings, around = self.settings, self._around
        wiring = Wiring(
            settings, client=around.client, clock=around.clock, environment=around.environment
        )
        shared = {
            name: self._kept(name, model) or wiring.line(name, model)
            for name, model in settings.models.items()
        }
        own: dict[str, dict[str, Line | None]] = {}
        for who, models in self._standing_in.items():
            own[who] = {}
            for name, model in models.items():
                line = None if model is None else self._kept_own(who, name, shared[name])
                if model is not None and line is None:
                    line = wiring.line(name, model)
                    line.slots = shared[name].slots
                own[who][name] = line
        return Lines(shared, own)

    def _kept_own(self, organisation: str, name: str, shared: Line) -> Line | None:
        """The line that stood in its place before, where nothing is another."""
        before = self._before
        if before is None or before.lines.get(name) is not shared:
            return None
        was = before._standing_in.get(organisation, {}).get(name)  # noqa: SLF001 - its own kind
        same = was == self._standing_in[organisation][name]
        return before.lines.own(organisation, name) if same else None

    def _kept(self, name: str, model: ModelSettings) -> Line | None:
        """The line that was there before, where nothing is another: models stay loaded."""
        before = self._before
        if before is None or before.settings.models.get(name) != model:
            return None
        same_tier = before.settings.tier_of(model) == self.settings.tier_of(model)
        return before.lines[name] if same_tier else None

    def _kept_sessions(self) -> Sessions:
        """Those of before, where they still mean the same."""
        routing, before = self.settings.routing, self._before
        if before is not None:
            was = before.settings.routing
            if (was.tiers, was.session_s) == (routing.tiers, routing.session_s):
                return before.sessions
        return Sessions(routing.tiers, routing.session_s)

    def _judging(self, scorer: Scorer) -> Judging | None:
        routing = self.settings.routing
        if routing.scorer != "judge":
            return None
        judge = Judge(
            scorer,
            rules.lexicon(),
            self._around.clock,
            self._around.observer,
            style=routing.judge.style,
            deadline_s=routing.judge.deadline_s,
        )
        deployments: Mapping[str, Deployment] = self.deployments
        return Judging(
            judge,
            self.caller,
            self.policy,
            deployments,
            routing.judge.deployment,
            reservations=self.reservations,
            clock=self._around.clock,
        )


def scorers(settings: Settings) -> tuple[Scorer, ...]:
    """What scores, and what stands in for it where it fails."""
    known = rules.scorers(settings)
    named = ("learned", "heuristic") if settings.routing.scorer == "learned" else ("heuristic",)
    return tuple(known[name] for name in named)
