"""Every metric that `/metrics` shows, once. The table in the documentation is made from this.

Labels are bounded: what is configured or listed here, never a key, a user, or a word of a client's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

#: Seconds: of whole replies, and of waiting for their first byte or for a slot.
_REPLY_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_WAIT_S = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WRITE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metric(msgspec.Struct, frozen=True):
    """One metric, as Prometheus knows it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    #: What it means, with its unit.
    says: str
    labels: tuple[str, ...] = ()
    #: Upper bounds of a histogram's buckets.
    buckets: tuple[float, ...] = ()
    #: What several workers on one machine say together, for a gauge.
    workers: Literal["livesum", "livemax", "livemin"] = "livesum"

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which it can be asked for."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


_SERVED = (
    Metric(
        "pointsman_http_requests_total",
        "counter",
        "Replies to clients, by path of the table and class of status (`none`: the client left).",
        ("path", "status"),
    ),
    Metric(
        "pointsman_http_in_flight",
        "gauge",
        "Requests whose reply has not ended, streams until their last byte.",
    ),
    Metric(
        "pointsman_door_inside",
        "gauge",
        "Requests to models that were let in and have not ended.",
    ),
    Metric("pointsman_door_waiting", "gauge", "Requests to models that wait to be let in."),
    Metric("pointsman_door_limit", "gauge", "Requests to models that may be inside at once, now."),
    Metric(
        "pointsman_refusals_total",
        "counter",
        "Requests that ended with an error of ours, by its kind (`RateLimited`, `BudgetExceeded`).",
        ("error",),
    ),
    Metric(
        "pointsman_requests_total",
        "counter",
        "Requests in the books: who answered (`none`: nobody, or the cache), in which tier, how "
        "it ended, and what the cache said.",
        ("deployment", "tier", "outcome", "cache"),
    ),
    Metric(
        "pointsman_decisions_total",
        "counter",
        "Decisions, by what was asked for (`auto`, `location`, `tier`, `deployment`) and the tier.",
        ("target", "tier"),
    ),
    Metric(
        "pointsman_request_seconds",
        "histogram",
        "From admitting a request to the end of its reply, where there was one.",
        ("deployment",),
        _REPLY_S,
    ),
    Metric(
        "pointsman_first_byte_seconds",
        "histogram",
        "From admitting a request to the first byte for its client.",
        ("deployment",),
        _WAIT_S,
    ),
    Metric(
        "pointsman_tokens_total",
        "counter",
        "Tokens of answers: `input` (with `cached` and `written`, which are parts of it) and "
        "`output` (with `reasoning`).",
        ("deployment", "kind"),
    ),
)
_MONEY = (
    Metric(
        "pointsman_cost_usd_total",
        "counter",
        "US dollars spent, drafts, judge and failures included, where prices are known. "
        "A float: the books are exact.",
        ("deployment",),
    ),
    Metric(
        "pointsman_baseline_usd_total",
        "counter",
        "US dollars that the requests with two known prices would have cost on the baseline.",
    ),
    Metric(
        "pointsman_compared_usd_total",
        "counter",
        "US dollars that those requests did cost: the difference is what was saved.",
    ),
    Metric(
        "pointsman_unpriced_total",
        "counter",
        "Requests with usage whose price is unknown: in no sum of money.",
        ("deployment",),
    ),
)
_CALLED = (
    Metric(
        "pointsman_attempts_total",
        "counter",
        "Calls of deployments, by outcome and purpose (`answer`, `draft`, `judge`, ...).",
        ("deployment", "outcome", "purpose"),
    ),
    Metric(
        "pointsman_retries_total",
        "counter",
        "Requests that tried a deployment once more.",
        ("deployment",),
    ),
    Metric(
        "pointsman_fallbacks_total",
        "counter",
        "Requests that left a deployment for the next of their plan.",
        ("deployment",),
    ),
    Metric(
        "pointsman_escalations_total",
        "counter",
        "Drafts that would not do, so that a better tier was asked.",
        ("deployment",),
    ),
    Metric(
        "pointsman_slot_wait_seconds",
        "histogram",
        "What a call waited for a slot of its deployment.",
        ("deployment",),
        _WAIT_S,
    ),
    Metric(
        "pointsman_deployment_ready",
        "gauge",
        "1 where a deployment would serve a request now, else 0.",
        ("deployment",),
        workers="livemax",
    ),
    Metric(
        "pointsman_breaker_state",
        "gauge",
        "Of a deployment's breaker: 0 closed, 1 half open, 2 open.",
        ("deployment",),
        workers="livemax",
    ),
    Metric(
        "pointsman_slots_busy", "gauge", "Requests that a deployment serves now.", ("deployment",)
    ),
    Metric(
        "pointsman_slots_waiting",
        "gauge",
        "Requests that wait for a slot of a deployment.",
        ("deployment",),
    ),
)
_INSIDE = (
    Metric(
        "pointsman_faults_total",
        "counter",
        "Faults that a request or a round of work went on without, by stage.",
        ("stage",),
    ),
    Metric(
        "pointsman_component_up",
        "gauge",
        "1 where a component that `/health` names is well, 0 where it is degraded or down.",
        ("component",),
        workers="livemin",
    ),
    Metric(
        "pointsman_ledger_seconds",
        "histogram",
        "What a request waited for its books, until they were durable: `reserve`, `settle`, `mark` "
        "for long streams, and `hold` for an attempt after one that was paid for.",
        ("operation",),
        _WRITE_S,
    ),
    Metric(
        "pointsman_settlements_owed",
        "gauge",
        "Settlements that could not be written yet; each is tried again.",
    ),
    Metric(
        "pointsman_journal_bytes",
        "gauge",
        "What waits in the local journal for the books' server to be back.",
    ),
    Metric(
        "pointsman_learned_versions",
        "gauge",
        "Learned versions in force: one of all organisations, and those of some of them.",
        workers="livemax",
    ),
    Metric(
        "pointsman_loop_lag_seconds",
        "histogram",
        "How late the event loop was, ten times a second.",
        (),
        _LAG_S,
    ),
    Metric("pointsman_watchers", "gauge", "Clients that watch entries as they are settled."),
    Metric(
        "pointsman_dropped_total",
        "counter",
        "What was dropped because nobody took it: lines of the logs, spans of traces.",
        ("what",),
    ),
    Metric(
        "pointsman_build_info",
        "gauge",
        "1; its labels name the versions.",
        ("version", "python"),
        workers="livemax",
    ),
)

METRICS: tuple[Metric, ...] = (*_SERVED, *_MONEY, *_CALLED, *_INSIDE)
BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}


class Reading(msgspec.Struct, frozen=True):
    """What a gauge or a counter stands at now, read when somebody looks."""

    metric: str
    value: float
    #: In the order of the metric's own.
    labels: tuple[str, ...] = ()
