"""Metrics: what is told of requests, as Prometheus reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from tests.telemetry.test_decisions import ENTRY

from pointsman.telemetry.catalogue import METRICS, Reading
from pointsman.telemetry.metrics import Metrics
from pointsman.types import Attempt, Entry, Lookup, Outcome, Purpose, Usage

_TWO_WORKERS = """
import os
from pointsman.telemetry.catalogue import Reading
from pointsman.telemetry.metrics import Metrics
for _ in range(2):
    if os.fork() == 0:
        metrics = Metrics("1.0")
        metrics.began()
        metrics.note("pointsman_faults_total", 1, "cache")
        metrics.note("pointsman_loop_lag_seconds", 0.02)
        metrics.read([
            Reading("pointsman_slots_busy", 2, ("small",)),
            Reading("pointsman_breaker_state", 2, ("small",)),
            Reading("pointsman_component_up", 1, ("ledger",)),
        ])
        os._exit(0)
    os.wait()
print(Metrics("1.0").exposition()[0].decode())
"""


def shown(metrics: Metrics) -> dict[str, float]:
    """Every series but those of the process, as `name{label=value,...}`."""
    text, content_type = metrics.exposition()
    assert content_type.startswith("text/plain")
    return parsed(text.decode())


def parsed(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{_labels(sample.labels)}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.startswith("process_")
    }


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f"{name}={value}" for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def attempt(
    name: str, outcome: Outcome = "completed", *, purpose: Purpose = "answer", queued_ms: float = 0
) -> Attempt:
    return Attempt(name, "simple", outcome, purpose=purpose, queued_ms=queued_ms)


def settled(entry: Entry = ENTRY, **more: object) -> Entry:
    """The entry, settled in another way."""
    assert entry.settlement is not None
    return replace(entry, settlement=replace(entry.settlement, **more))


def test_a_request_is_counted_timed_and_priced() -> None:
    metrics = Metrics("1.0")

    metrics.settled(settled(usage=Usage(100, 20, cached_tokens=40), baseline_cost=Decimal("0.01")))

    series = shown(metrics)
    answered = "{cache=bypass,deployment=small,outcome=completed,tier=simple}"
    assert series[f"pointsman_requests_total{answered}"] == 1
    assert series["pointsman_decisions_total{target=auto,tier=simple}"] == 1
    assert series["pointsman_request_seconds_sum{deployment=small}"] == pytest.approx(0.4321)
    assert series["pointsman_first_byte_seconds_bucket{deployment=small,le=0.025}"] == 1
    assert series["pointsman_first_byte_seconds_bucket{deployment=small,le=0.005}"] == 0
    tokens = {kind: f"pointsman_tokens_total{{deployment=small,kind={kind}}}" for kind in
              ("input", "output", "cached", "written")}  # fmt: skip
    assert [series.get(name) for name in tokens.values()] == [100, 20, 40, None]
    assert series["pointsman_cost_usd_total{deployment=small}"] == pytest.approx(0.00125)
    assert series["pointsman_baseline_usd_total"] == pytest.approx(0.01)
    assert series["pointsman_compared_usd_total"] == pytest.approx(0.00125)


def test_an_unknown_price_is_counted_and_is_no_zero() -> None:
    metrics = Metrics("1.0")

    metrics.settled(settled(cost=None))

    series = shown(metrics)
    assert series["pointsman_unpriced_total{deployment=small}"] == 1
    assert "pointsman_cost_usd_total{deployment=small}" not in series


def test_what_the_cache_gives_counts_for_no_deployment() -> None:
    metrics = Metrics("1.0")
    given = replace(ENTRY, lookup=Lookup("exact"))

    metrics.settled(settled(given, cost=Decimal(0)))

    series = shown(metrics)
    answered = "{cache=exact,deployment=none,outcome=completed,tier=simple}"
    assert series[f"pointsman_requests_total{answered}"] == 1
    assert not [name for name in series if name.startswith("pointsman_tokens_total{")]


def test_what_organisations_added_for_themselves_has_one_name() -> None:
    metrics = Metrics("1.0")
    own = [f"{ENTRY.principal.organisation}/{name}" for name in ("one", "two")]

    metrics.settled(settled(deployment=own[1], attempts=[attempt(each) for each in own]))

    series = shown(metrics)
    answered = "{cache=bypass,deployment=own,outcome=completed,tier=simple}"
    assert series[f"pointsman_requests_total{answered}"] == 1
    assert series["pointsman_fallbacks_total{deployment=own}"] == 1
    assert not [name for name in series if "/one" in name or "/two" in name]


def test_the_way_to_an_answer_is_told_apart() -> None:
    metrics = Metrics("1.0")
    way = (
        attempt("judge", purpose="judge"),
        attempt("small", purpose="draft"),
        attempt("large", "failed", queued_ms=30),
        attempt("other", "failed"),
        attempt("large"),
    )

    metrics.settled(settled(attempts=way))

    series = shown(metrics)
    failed = "pointsman_attempts_total{deployment=large,outcome=failed,purpose=answer}"
    assert series[failed] == 1
    assert series["pointsman_escalations_total{deployment=small}"] == 1
    assert series["pointsman_fallbacks_total{deployment=large}"] == 1
    assert series["pointsman_retries_total{deployment=large}"] == 1
    assert series["pointsman_slot_wait_seconds_sum{deployment=large}"] == pytest.approx(0.03)


def test_exchanges_are_counted_by_path_and_class_of_status() -> None:
    metrics = Metrics("1.0")
    for status in (200, 404, 404, 0):
        metrics.began()
        metrics.replied("/v1/models" if status != 404 else "", status)
    metrics.began()
    metrics.read([])

    series = shown(metrics)

    assert series["pointsman_http_requests_total{path=/v1/models,status=2xx}"] == 1
    assert series["pointsman_http_requests_total{path=none,status=4xx}"] == 2
    assert series["pointsman_http_requests_total{path=/v1/models,status=none}"] == 1
    assert series["pointsman_http_in_flight"] == 1


def test_what_is_read_is_as_it_stands_and_forgotten_when_it_is_gone() -> None:
    metrics = Metrics("1.0")
    small, large = ("small",), ("large",)
    metrics.read(
        [Reading("pointsman_slots_busy", 3, small), Reading("pointsman_slots_busy", 1, large)]
    )
    metrics.read([Reading("pointsman_dropped_total", 5, ("spans",))])
    metrics.read(
        [
            Reading("pointsman_slots_busy", 2, small),
            Reading("pointsman_dropped_total", 7, ("spans",)),
        ]
    )

    series = shown(metrics)

    assert series["pointsman_slots_busy{deployment=small}"] == 2
    assert "pointsman_slots_busy{deployment=large}" not in series
    assert series["pointsman_dropped_total{what=spans}"] == 7


def test_every_label_is_bounded_and_every_name_is_in_the_house_style() -> None:
    free = {"key", "user", "model", "request_id", "organisation"}

    for metric in METRICS:
        assert metric.name.startswith("pointsman_")
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert (metric.kind == "histogram") == bool(metric.buckets)
        assert not free & set(metric.labels)
        assert metric.says.endswith(".")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="several workers need fork")
def test_several_workers_show_what_all_of_them_counted(tmp_path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    text = subprocess.run(
        [sys.executable, "-c", _TWO_WORKERS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    series = parsed(text)

    assert series["pointsman_faults_total{stage=cache}"] == 2
    assert series["pointsman_loop_lag_seconds_count"] == 2
    assert series["pointsman_slots_busy{deployment=small}"] == 4
    assert series["pointsman_breaker_state{deployment=small}"] == 2
    assert series["pointsman_component_up{component=ledger}"] == 1
    assert series["pointsman_http_in_flight"] == 2
