"""Requests as traces: a span for each, one below it for each call of a model.

Names are OpenTelemetry's, of its conventions for generative AI; `docs/decisions/0020` says which.
No word of a prompt or a reply is in them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from pointsman.journey import Journey, Sent, Trace, new_trace, received
from pointsman.telemetry.otlp import Export, Span
from pointsman.types import Attempt, Deployment, Entry, Settlement, Usage

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

#: What OpenTelemetry calls providers where that is not their name here.
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
_OPERATIONS = {
    "/v1/embeddings": "embeddings",
    "/api/embed": "embeddings",
    "/api/embeddings": "embeddings",
    "/v1/completions": "text_completion",
    "/api/generate": "text_completion",
}
#: Bounds of the buckets, as the conventions advise: tokens, and seconds.
_TOKENS = tuple(4**power for power in range(14))
_SECONDS = tuple(0.01 * 2**power for power in range(14))
_FIRST_ERROR_STATUS, _FIRST_FAULT_STATUS = 400, 500


class Tracing:
    """Makes spans and figures of requests when they have ended."""

    def __init__(
        self,
        export: Export,
        *,
        sample: float,
        routes: Collection[str],
        deployments: Callable[[], Mapping[str, Deployment]],
    ) -> None:
        """`sample` is a share; `routes` are the paths whose requests are traced."""
        self.export = export
        self._sample = sample
        self._routes = routes
        self._deployments = deployments
        self._figures = _Figures(export.meter)

    def begin(self, method: str, traceparent: str, tracestate: str) -> Journey:
        """Where a request stands: below its client's span, or where a trace begins."""
        above = received(traceparent, tracestate)
        sampled = random.random() < self._sample if above is None else above.sampled  # noqa: S311
        if not sampled or method != "POST":
            return Journey(method, above)
        own = new_trace(sampled=True) if above is None else above.child()
        return Journey(method, own, None if above is None else above.span_id, recorded=True)

    def settled(self, entry: Entry, journey: Journey) -> None:
        """What was called for it, as far as it was sent."""
        settled = entry.settlement
        if settled is None or journey.trace is None or not journey.recorded:
            return
        sent, journey.sent = journey.sent, []
        for attempt in settled.attempts:
            at = next((each for each in sent if each.deployment == attempt.deployment), None)
            if at is not None:
                sent.remove(at)
                self._called(entry, attempt, at, journey)

    def ended(self, journey: Journey, ended_ns: int) -> None:
        """Its reply is over."""
        if journey.trace is None or not journey.recorded or journey.route not in self._routes:
            return
        failed = not journey.status or journey.status >= _FIRST_FAULT_STATUS
        self.export.spans.add(
            Span(
                f"{journey.method} {journey.route}",
                journey.trace,
                journey.parent_id,
                serves=True,
                started_ns=journey.started_ns,
                ended_ns=ended_ns,
                attributes=_of_journey(journey),
                error=(journey.error or str(journey.status or "client_left")) if failed else None,
            )
        )

    def _called(self, entry: Entry, attempt: Attempt, sent: Sent, journey: Journey) -> None:
        deployment = self._deployments().get(attempt.deployment)
        if deployment is None or journey.trace is None or entry.settlement is None:
            return
        below = Trace(
            journey.trace.trace_id, sent.span_id, journey.trace.flags, journey.trace.state
        )
        usage = _usage(attempt, entry.settlement)
        operation = "embeddings" if attempt.purpose == "embed" else _operation(journey)
        what: dict[str, str | int | float | bool] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": _PROVIDERS.get(deployment.provider, deployment.provider),
            "gen_ai.request.model": deployment.model,
            "gen_ai.response.model": attempt.served_model or deployment.model,
        }
        error = _error(attempt)
        self._figures.note(what, attempt.occupied_s, usage, error)
        mine = {"pointsman.deployment": deployment.id, "pointsman.purpose": attempt.purpose}
        self.export.spans.add(
            Span(
                f"{operation} {deployment.model}",
                below,
                journey.trace.span_id,
                serves=False,
                started_ns=sent.at_ns,
                ended_ns=sent.at_ns + int(attempt.occupied_s * 1e9),
                attributes=what | mine | _of_usage(usage),
                error=error,
            )
        )


class _Figures:
    """The two instruments that the conventions ask of a client."""

    def __init__(self, meter: Meter) -> None:
        self._seconds = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "Duration of calls of models.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of calls of models.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def note(
        self,
        what: Mapping[str, str | int | float | bool],
        seconds: float,
        usage: Usage | None,
        error: str | None,
    ) -> None:
        self._seconds.record(seconds, what if error is None else {**what, "error.type": error})
        if usage is not None and not usage.estimated:
            kinds = (("input", usage.input_tokens), ("output", usage.output_tokens))
            for kind, tokens in kinds:
                self._tokens.record(tokens, {**what, "gen_ai.token.type": kind})


def _operation(journey: Journey) -> str:
    return _OPERATIONS.get(journey.route, "chat")


def _usage(attempt: Attempt, settled: Settlement) -> Usage | None:
    """What the attempt used: the answer's usage is the entry's."""
    return settled.usage if attempt is settled.attempts[-1] and not attempt.usage else attempt.usage


def _error(attempt: Attempt) -> str | None:
    """Why it failed: the status, or the way it ended."""
    if attempt.status is not None and attempt.status >= _FIRST_ERROR_STATUS:
        return str(attempt.status)
    return None if attempt.outcome == "completed" else attempt.outcome


def _of_usage(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.written_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }


def _of_journey(journey: Journey) -> dict[str, str | int | float | bool]:
    http: dict[str, str | int | float | bool] = {
        "http.request.method": journey.method,
        "http.route": journey.route,
        "pointsman.request_id": journey.request_id,
    }
    if journey.status:
        http["http.response.status_code"] = journey.status
    entry = journey.entry
    if entry is None or entry.settlement is None:
        return http
    settled = entry.settlement
    known: dict[str, str | int | float | bool | None] = {
        "pointsman.tier": entry.decision.tier,
        "pointsman.served_tier": settled.served_tier,
        "pointsman.deployment": settled.deployment,
        "pointsman.score": entry.decision.scored.made,
        "pointsman.outcome": settled.outcome,
        "pointsman.cache": entry.lookup.state,
        "pointsman.cost_usd": None if settled.cost is None else float(settled.cost),
        "pointsman.saved_usd": None if settled.saved is None else float(settled.saved),
    }
    return http | {name: value for name, value in known.items() if value is not None}
