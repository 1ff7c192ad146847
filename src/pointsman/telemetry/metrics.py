"""Metrics for Prometheus, in a registry of their own."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pointsman.telemetry.catalogue import METRICS, Metric, Reading
from pointsman.types import Attempt, Entry, Settlement, Usage

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Names the folder where several workers on one machine keep what each of them counts.
WORKERS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_NOBODY = "none"
_OWN = "own"

_Key: TypeAlias = tuple[str, ...]
#: Adds to a counter, sets a gauge, or observes for a histogram.
_Note: TypeAlias = Callable[[float], None]


class Metrics:
    """What was counted and measured since the start."""

    def __init__(self, version: str) -> None:
        """Imports prometheus-client, which chooses here whether it counts for several workers."""
        from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415

        self._registry = CollectorRegistry()
        self.shared = WORKERS_FOLDER in os.environ
        if self.shared:
            Path(os.environ[WORKERS_FOLDER]).mkdir(parents=True, exist_ok=True)
        else:  # of one process: several have no common figures
            ProcessCollector(registry=self._registry)
        self._families = {each.name: _Family(each, self._registry) for each in METRICS}
        #: Of what is noted as it happens, by metric and labels: one look-up for each.
        self._notes: dict[tuple[str, _Key], _Note] = {}
        #: What counters that are read stood at when they were read last.
        self._read: dict[tuple[str, _Key], float] = {}
        self._in_flight = 0
        self.note("pointsman_build_info", 1, version, platform.python_version())

    def note(self, metric: str, value: float, *labels: str) -> None:
        """Add to a counter, set a gauge, or observe for a histogram; labels in the metric's order."""
        note = self._notes.get((metric, labels))
        if note is None:
            note = self._notes[metric, labels] = self._families[metric].of(labels)
        note(value)

    def began(self) -> None:
        """A request is on its way."""
        self._in_flight += 1

    def replied(self, path: str, status: int) -> None:
        """Its reply has ended; status 0 is a client that left before there was one."""
        self._in_flight -= 1
        kind = f"{status // 100}xx" if status else _NOBODY
        self.note("pointsman_http_requests_total", 1, path or _NOBODY, kind)

    def settled(self, entry: Entry) -> None:
        """Count what is in the books of a request."""
        settled = entry.settlement
        if settled is None:
            return
        whose = entry.principal.organisation
        decision, name = entry.decision, _label(settled.deployment or _NOBODY, whose)
        if entry.is_given:
            name = _NOBODY
        tier = settled.served_tier or decision.tier
        self.note("pointsman_requests_total", 1, name, tier, settled.outcome, entry.lookup.state)
        self.note("pointsman_decisions_total", 1, decision.target.kind, decision.tier)
        if settled.ttft_ms is not None:
            self.note("pointsman_first_byte_seconds", settled.ttft_ms / 1000, name)
        if settled.outcome == "completed":
            self.note("pointsman_request_seconds", settled.latency_ms / 1000, name)
        self._count_money(settled, name)
        if settled.usage is not None and not entry.is_given:
            self._count_tokens(settled.usage, name)
        self._count_attempts(settled.attempts, whose)

    def read(self, readings: Iterable[Reading]) -> None:
        """Take over what others count; series of gauges that are no longer read are forgotten."""
        self.note("pointsman_http_in_flight", self._in_flight)
        seen: dict[str, set[_Key]] = {}
        for reading in readings:
            family, key = self._families[reading.metric], reading.labels
            if family.metric.kind == "counter":
                before = self._read.get((reading.metric, key), 0.0)
                self._read[reading.metric, key] = reading.value
                family.of(key)(max(0.0, reading.value - before))
            else:
                family.of(key)(reading.value)
                seen.setdefault(reading.metric, set()).add(key)
        for name, keys in seen.items():
            self._families[name].keep(keys, removable=not self.shared)

    def exposition(self) -> tuple[bytes, str]:
        """All of it in Prometheus's text format, and its content type; of all workers."""
        from prometheus_client import (  # noqa: PLC0415
            CONTENT_TYPE_LATEST,
            CollectorRegistry,
            generate_latest,
            multiprocess,
        )

        registry = self._registry
        if self.shared:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def _count_money(self, settled: Settlement, name: str) -> None:
        if settled.cost is not None:
            self.note("pointsman_cost_usd_total", float(settled.cost), name)
            if settled.baseline_cost is not None:
                self.note("pointsman_baseline_usd_total", float(settled.baseline_cost))
                self.note("pointsman_compared_usd_total", float(settled.cost))
        elif settled.usage is not None:
            self.note("pointsman_unpriced_total", 1, name)

    def _count_tokens(self, usage: Usage, name: str) -> None:
        counted = (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached", usage.cached_tokens),
            ("written", usage.written_tokens),
            ("reasoning", usage.reasoning_tokens),
        )
        for kind, tokens in counted:
            if tokens:
                self.note("pointsman_tokens_total", tokens, name, kind)

    def _count_attempts(self, attempts: Sequence[Attempt], whose: str) -> None:
        last: str | None = None
        tried: set[str] = set()
        for each in attempts:
            name = _label(each.deployment, whose)
            self.note("pointsman_attempts_total", 1, name, each.outcome, each.purpose)
            self.note("pointsman_slot_wait_seconds", each.queued_ms / 1000, name)
            if each.purpose == "draft":
                self.note("pointsman_escalations_total", 1, name)
            if each.purpose != "answer":
                continue
            if each.deployment in tried:
                self.note("pointsman_retries_total", 1, name)
            elif last is not None:
                self.note("pointsman_fallbacks_total", 1, last)
            tried.add(each.deployment)
            last = name


def _label(deployment: str, organisation: str) -> str:
    """One for all that organisations added for themselves: their names are theirs, and without end."""
    return _OWN if deployment.startswith(f"{organisation}/") else deployment


class _Family:
    """A metric with its series; each is made once."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415

        self.metric = metric
        self._notes: dict[_Key, _Note] = {}
        name, says, labels = metric.name, metric.says, metric.labels
        self._made: Counter | Gauge | Histogram
        if metric.kind == "counter":
            self._made = Counter(name, says, labels, registry=registry)
        elif metric.kind == "gauge":
            mode = metric.workers
            self._made = Gauge(name, says, labels, registry=registry, multiprocess_mode=mode)
        else:
            self._made = Histogram(name, says, labels, registry=registry, buckets=metric.buckets)

    def of(self, key: _Key) -> _Note:
        """What notes a value in the series of these labels."""
        note = self._notes.get(key)
        if note is None:
            note = self._notes[key] = self._note(key)
        return note

    def keep(self, keys: set[_Key], *, removable: bool) -> None:
        """Forget the series of all other labels; what can't be removed is not a number any more."""
        for gone in [key for key in self._notes if key not in keys]:
            note = self._notes.pop(gone)
            if removable:
                self._made.remove(*gone)
            else:
                note(math.nan)

    def _note(self, key: _Key) -> _Note:
        from prometheus_client import Counter, Gauge  # noqa: PLC0415

        series = self._made.labels(*key) if key else self._made
        if isinstance(series, Counter):
            return series.inc
        return series.set if isinstance(series, Gauge) else series.observe
