"""All that watches the gateway: metrics, traces, and who else is told of entries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from pointsman.errors import NotFound
from pointsman.journey import CURRENT, Journey, received
from pointsman.ports import Clock, Ledger, Observer
from pointsman.telemetry.catalogue import Reading
from pointsman.telemetry.ledger_time import TimedLedger
from pointsman.telemetry.metrics import Metrics
from pointsman.telemetry.tracing import Tracing
from pointsman.types import Entry


class Telemetry:
    """An `Observer` in front of another, and `ports.Telemetry`. In one event loop."""

    def __init__(self, observer: Observer, clock: Clock, *, propagate: bool = True) -> None:
        """Passes traces on where `propagate`; measures nothing until `count` or `trace`."""
        self._observer = observer
        self._clock = clock
        self._propagate = propagate
        self._metrics: Metrics | None = None
        self._readings: Callable[[], Iterable[Reading]] = tuple
        self._tracing: Tracing | None = None
        #: When each stage met its last fault, in monotonic seconds.
        self._faults: dict[str, float] = {}

    def count(self, metrics: Metrics, readings: Callable[[], Iterable[Reading]] = tuple) -> None:
        """Count from now on; `readings` are taken when somebody looks."""
        self._metrics, self._readings = metrics, readings

    def lagged(self, seconds: float) -> None:
        """The event loop was that late."""
        if self._metrics is not None:
            self._metrics.note("pointsman_loop_lag_seconds", seconds)

    def trace(self, tracing: Tracing) -> None:
        """Record requests from now on."""
        self._tracing = tracing

    @property
    def dropped_spans(self) -> int:
        """How many nobody took."""
        return 0 if self._tracing is None else self._tracing.export.spans.dropped

    def timed(self, ledger: Ledger) -> Ledger:
        """The ledger, with its times measured where anything is."""
        return TimedLedger(ledger, self._wrote)

    def _wrote(self, operation: str, seconds: float) -> None:
        if self._metrics is not None:
            self._metrics.note("pointsman_ledger_seconds", seconds, operation)

    def faulty(self, stages: Iterable[str], *, within_s: float) -> bool:
        """Whether one of them met a fault in the last so many seconds."""
        since = self._clock.monotonic() - within_s
        return any(self._faults.get(stage, since) > since for stage in stages)

    async def close(self) -> None:
        """Stop; what waits is sent. Idempotent."""
        tracing, self._tracing = self._tracing, None
        if tracing is not None:
            await tracing.export.close()

    def settled(self, entry: Entry) -> None:
        """Count it, and pass it on."""
        self._observer.settled(entry)
        if self._metrics is not None:
            self._metrics.settled(entry)
        journey = CURRENT.get()
        if self._tracing is not None and journey is not None:
            journey.entry = journey.entry or entry
            self._tracing.settled(entry, journey)

    def fault(self, stage: str, error: BaseException) -> None:
        """Count it, and pass it on."""
        self._faults[stage] = self._clock.monotonic()
        self._observer.fault(stage, error)
        if self._metrics is not None:
            self._metrics.note("pointsman_faults_total", 1, stage)

    def begin(self, method: str, traceparent: str, tracestate: str) -> Journey:
        """A request has come. See `ports.Telemetry`."""
        if self._metrics is not None:
            self._metrics.began()
        if self._tracing is None:
            above = received(traceparent, tracestate) if traceparent else None
            return Journey(method, above, tells=self._propagate)
        journey = self._tracing.begin(method, traceparent, tracestate)
        journey.tells = self._propagate
        return journey

    def ended(self, journey: Journey) -> None:
        """It is over."""
        if self._metrics is not None:
            self._metrics.replied(journey.route, journey.status)
            if journey.error:
                self._metrics.note("pointsman_refusals_total", 1, journey.error)
        if self._tracing is not None:
            self._tracing.ended(journey, time.time_ns())

    def sample(self) -> None:
        """Take the readings, for the other workers of this machine to show."""
        if self._metrics is not None:
            self._metrics.read(self._readings())

    async def exposition(self) -> tuple[bytes, str]:
        """All of it, written off the event loop. Raises NotFound where nothing is measured."""
        if self._metrics is None:
            raise NotFound('nothing is measured here: [telemetry] metrics = "off"')
        self.sample()
        return await asyncio.to_thread(self._metrics.exposition)
