"""Who watches a gateway, as the settings want it: metrics, traces, and how each of its parts does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from pointsman.access.shared_limits import SharedLimiter
from pointsman.assembly.bookkeeping import Bookkeeping
from pointsman.assembly.entering import Entering
from pointsman.calling.upstream import Upstream
from pointsman.config import Settings, resolve_secret
from pointsman.ports import Clock, Observer
from pointsman.server.routes import PATHS
from pointsman.stages.decider import Decider
from pointsman.stages.learning import Learning
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.storage.memory import MemoryStore
from pointsman.telemetry.catalogue import Reading
from pointsman.telemetry.live import Live
from pointsman.telemetry.metrics import Metrics
from pointsman.telemetry.otlp import Export, SdkMissing, over_http
from pointsman.telemetry.telemetry import Telemetry
from pointsman.telemetry.tracing import Tracing
from pointsman.types import LEDGER, Component, ComponentState

#: Seconds between two looks of a worker at what it shows for the others to add up.
_SAMPLE_S = 5.0
#: Seconds for which a part that met a fault counts as degraded.
_FRESH_S = 30.0
#: What names an endpoint for traces where the settings name none.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_BREAKERS = {"closed": 0, "half-open": 1, "open": 2}
_log = logging.getLogger("pointsman")
_WORDS = {"redis": "Redis", "postgres": "PostgreSQL", "embedded": "SQLite"}


class Watched(Protocol):
    """What is watched: a started gateway."""

    bookkeeping: Bookkeeping
    entering: Entering
    live: Live

    @property
    def learning(self) -> Learning:
        """Learns in the background."""

    @property
    def settings(self) -> Settings:
        """What is in force."""

    @property
    def decider(self) -> Decider:
        """Knows every deployment."""

    def upstreams(self) -> Sequence[Upstream]:
        """How every deployment stands."""


class Watching:
    """What an `App` has for it. The telemetry is told of everything; it tells from `begin` on."""

    def __init__(
        self, settings: Settings, observer: Observer, clock: Clock, environment: Mapping[str, str]
    ) -> None:
        """What is told goes on to the observer."""
        self._settings = settings.telemetry
        self._environment = environment
        self.telemetry = Telemetry(observer, clock, propagate=self._settings.propagate)
        #: What counts what nobody took, by what it is.
        self.drops: dict[str, Callable[[], int]] = {"spans": lambda: self.telemetry.dropped_spans}
        self._watched: Watched | None = None

    def begin(self, watched: Watched, version: str) -> None:
        """Measure and trace from now on, where that is wanted. Once; raises ConfigError."""
        if self._watched is not None:
            return
        self._watched = watched
        if self._settings.metrics != "off":
            metrics = Metrics(version)
            self.telemetry.count(metrics, self.readings)
            watched.entering.pulse.listen(self.telemetry.lagged)
            if metrics.shared:
                watched.bookkeeping.every(_SAMPLE_S, "metrics", self._sample)
        export = self._export(version)
        if export is not None:
            routes = frozenset(path.path for path in PATHS if path.access == "call")
            self.telemetry.trace(
                Tracing(
                    export,
                    sample=self._settings.sample,
                    routes=routes,
                    deployments=lambda: watched.decider.deployments,
                )
            )

    def components(self) -> list[Component]:
        """How each part does; in words that anybody may read."""
        watched = self._watched
        if watched is None:
            return []
        settings = watched.settings
        cached = settings.cache.exact or settings.cache.is_similar
        return [
            self._ledger(watched),
            self._part("cache", _WORDS.get(settings.cache_place.store, ""), wanted=cached),
            self._redis(watched),
            _deployments(each for each in watched.upstreams() if _is_everybodys(each)),
            self._part("learning", "", "learning", "experiments", wanted=settings.learning.enabled),
            self._part(
                "embedder", settings.cache.embedder, "cache", wanted=settings.cache.is_similar
            ),
        ]

    def readings(self) -> Iterator[Reading]:
        """What is read when somebody looks."""
        watched = self._watched
        if watched is None:
            return
        own = {each.deployment for each in watched.bookkeeping.tenancy.deployments}
        for each in watched.upstreams():
            if each.deployment.id in own:
                continue
            labels = (each.deployment.id,)
            ready = each.state in {"up", "cold", "unknown"}
            yield Reading("pointsman_deployment_ready", ready, labels)
            yield Reading("pointsman_breaker_state", _BREAKERS[each.breaker], labels)
            yield Reading("pointsman_slots_busy", each.in_flight, labels)
            yield Reading("pointsman_slots_waiting", each.waiting, labels)
        door = watched.entering.door
        yield Reading("pointsman_door_inside", door.inside)
        yield Reading("pointsman_door_waiting", door.waiting)
        yield Reading("pointsman_door_limit", door.limit)
        for part in self.components():
            yield Reading("pointsman_component_up", part.is_well, (part.name,))
        store = watched.bookkeeping.store
        waiting = store.journal_state.bytes if isinstance(store, PostgresStore) else 0
        yield Reading("pointsman_journal_bytes", waiting)
        yield Reading("pointsman_settlements_owed", watched.bookkeeping.owed)
        yield Reading("pointsman_learned_versions", len(watched.learning.informing.minds.in_force))
        yield Reading("pointsman_watchers", watched.live.watchers)
        for what, dropped in self.drops.items():
            yield Reading("pointsman_dropped_total", dropped(), (what,))

    async def close(self) -> None:
        """Stop, and send what waits. Idempotent."""
        await self.telemetry.close()

    async def _sample(self) -> None:
        self.telemetry.sample()

    def _export(self, version: str) -> Export | None:
        """Where traces go. A variable that is there for others stops no gateway without the SDK."""
        settings, environment = self._settings, self._environment
        named = any(environment.get(name) for name in _ENDPOINTS)
        disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
        if disabled or (settings.otlp_endpoint is None and not named):
            return None
        headers = settings.otlp_headers.items()
        try:
            return over_http(
                endpoint=settings.otlp_endpoint,
                headers={name: resolve_secret(value, environment) for name, value in headers},
                service=settings.service_name,
                version=version,
            )
        except SdkMissing as error:
            if settings.otlp_endpoint is not None:
                raise
            _log.warning("nothing is traced: %s", error)
            return None

    def _ledger(self, watched: Watched) -> Component:
        """The books: they must be there, or nothing is served."""
        store = watched.bookkeeping.store
        if isinstance(store, MemoryStore):
            return Component(LEDGER, "ok", "in memory")
        if not isinstance(store, PostgresStore):
            return self._part(LEDGER, "SQLite", "record", "mark")
        journal = store.journal_state
        if journal.is_away:
            state: ComponentState = "degraded" if journal.takes else "down"
            waiting = f"{journal.requests} requests wait in the journal"
            return Component(LEDGER, state, f"PostgreSQL is away; {waiting}")
        return self._part(LEDGER, "PostgreSQL", "record", "mark", "beat", "keys")

    def _redis(self, watched: Watched) -> Component:
        limiter = watched.bookkeeping.limiter
        if not isinstance(limiter, SharedLimiter):
            return Component("redis", "off")
        if limiter.is_shared:
            return Component("redis", "ok", f"{limiter.gateways} gateways")
        return Component("redis", "degraded", f"away; limits are shares of 1/{limiter.gateways}")

    def _part(self, name: str, detail: str = "", *stages: str, wanted: bool = True) -> Component:
        """A part that is well as long as none of its stages met a fault."""
        if not wanted:
            return Component(name, "off")
        fresh = self.telemetry.faulty(stages or (name,), within_s=_FRESH_S)
        said = f"{detail}: a fault lately; the log names it" if fresh else detail
        return Component(name, "degraded" if fresh else "ok", said.removeprefix(": "))


def _is_everybodys(upstream: Upstream) -> bool:
    return upstream.deployment.organisations is None


def _deployments(upstreams: Iterable[Upstream]) -> Component:
    found = [each.state in {"up", "cold", "unknown"} for each in upstreams]
    ready = sum(found)
    state: ComponentState = "ok" if all(found) else "degraded" if ready else "down"
    return Component("deployments", state, f"{ready} of {len(found)} ready")
