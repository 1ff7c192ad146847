"""OpenTelemetry's SDK: spans and figures go out by OTLP over HTTP, in threads of its own.

Nobody waits for it. What an endpoint that is down does not take is dropped, and counted.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from pointsman.errors import ConfigError
from pointsman.journey import Trace

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.id_generator import IdGenerator

#: Spans that wait to be sent; further ones are dropped, and counted.
MOST_WAITING = 4096
#: Seconds for one batch, repetitions included.
_TIMEOUT_S = 5
#: Seconds for what waits when the gateway ends.
_LAST_S = 2.0
_NAME = "pointsman"
_MISSING = (
    "[telemetry] OpenTelemetry's SDK is missing: pip install 'pointsman[otel]', or set neither "
    "otlp_endpoint nor OTEL_EXPORTER_OTLP_ENDPOINT"
)

Attributes: TypeAlias = Mapping[str, str | int | float | bool]


class SdkMissing(ConfigError):
    """OpenTelemetry's SDK is not installed."""


class Span(msgspec.Struct, frozen=True):
    """What took a while, and is over."""

    name: str
    #: Its own place.
    trace: Trace
    #: 16 hexadecimal digits; None where nothing is above it.
    parent_id: str | None
    #: It serves a client of ours; else it calls somebody.
    serves: bool
    #: Nanoseconds since 1970.
    started_ns: int
    ended_ns: int
    attributes: Attributes
    #: Why it failed, as a word; None where it did not.
    error: str | None = None


class Export:
    """Where spans and figures go, until `close`."""

    def __init__(
        self, spans: SpanExporter, figures: MetricReader, *, service: str, version: str
    ) -> None:
        """`service` is what the gateway is called there."""
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

        resource = Resource.create({"service.name": service, "service.version": version})
        self.spans = Spans(spans, resource)
        self._meters = MeterProvider([figures], resource, shutdown_on_exit=False)

    @property
    def meter(self) -> Meter:
        """Makes instruments."""
        return self._meters.get_meter(_NAME)

    async def close(self) -> None:
        """Send what waits, for two seconds at most, and stop."""
        last = threading.Thread(target=self._send_the_last, name="otlp-last", daemon=True)
        last.start()
        await asyncio.to_thread(last.join, _LAST_S)
        self.spans.abandon()

    def _send_the_last(self) -> None:
        self.spans.close()
        self._meters.shutdown(timeout_millis=_LAST_S * 1000)


def over_http(
    *, endpoint: str | None, headers: Mapping[str, str], service: str, version: str
) -> Export:
    """OTLP over HTTP. Without an `endpoint`, OpenTelemetry's own variables say it.

    Raises SdkMissing.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
            OTLPMetricExporter,
        )
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    except ImportError as error:
        raise SdkMissing(_MISSING) from error
    # It warns of every repetition; that a batch was given up is said as an error.
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.ERROR)
    base = None if endpoint is None else endpoint.rstrip("/")
    sent = dict(headers) or None
    spans = OTLPSpanExporter(
        endpoint=base and f"{base}/v1/traces", headers=sent, timeout=_TIMEOUT_S
    )
    figures = OTLPMetricExporter(
        endpoint=base and f"{base}/v1/metrics", headers=sent, timeout=_TIMEOUT_S
    )
    reader = PeriodicExportingMetricReader(figures)
    return Export(spans, reader, service=service, version=version)


class Spans:
    """Spans that are over, a bounded number of which wait to be sent."""

    def __init__(self, exporter: SpanExporter, resource: Resource) -> None:
        """They are sent from a thread of its own."""
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

        self._exporter = exporter
        self._counting = _Counting(exporter)
        self._ids = _GivenIds()
        self._processor = BatchSpanProcessor(
            cast("SpanExporter", self._counting), max_queue_size=2 * MOST_WAITING
        )
        provider = TracerProvider(
            ALWAYS_ON,
            resource,
            shutdown_on_exit=False,
            id_generator=cast("IdGenerator", self._ids),
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer(_NAME)
        self._taken = 0
        self._refused = 0

    @property
    def dropped(self) -> int:
        """How many never arrived, as far as is known."""
        return self._refused + self._counting.failed

    def add(self, span: Span) -> None:
        """Have it sent, soon."""
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

        if self._taken - self._counting.seen >= MOST_WAITING:
            self._refused += 1
            return
        self._taken += 1
        self._ids.next = span.trace
        made = self._tracer.start_span(
            span.name,
            _above(span),
            SpanKind.SERVER if span.serves else SpanKind.CLIENT,
            span.attributes,
            start_time=span.started_ns,
        )
        if span.error is not None:
            made.set_attribute("error.type", span.error)
            made.set_status(Status(StatusCode.ERROR))
        made.end(max(span.started_ns, span.ended_ns))

    def close(self) -> None:
        """Send what waits; takes as long as the endpoint does."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def abandon(self) -> None:
        """Stop trying."""
        self._exporter.shutdown()


class _GivenIds:
    """OpenTelemetry's generator of ids; ours were told to upstreams before a span is made."""

    def __init__(self) -> None:
        self.next = Trace("0" * 32, "0" * 16)

    def generate_trace_id(self) -> int:
        return int(self.next.trace_id, 16)

    def generate_span_id(self) -> int:
        return int(self.next.span_id, 16)

    def is_trace_id_random(self) -> bool:
        return True


class _Counting:
    """An exporter in front of another, for what became of the spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.seen = 0
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.seen += len(spans)
        result = self._exporter.export(spans)
        if result.name != "SUCCESS":
            self.failed += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _above(span: Span) -> Context:
    """The context of what is above the span."""
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace import (  # noqa: PLC0415
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        TraceState,
        set_span_in_context,
    )

    if span.parent_id is None:
        return Context()
    parent = SpanContext(
        int(span.trace.trace_id, 16),
        int(span.parent_id, 16),
        is_remote=span.serves,
        trace_flags=TraceFlags(span.trace.flags),
        trace_state=TraceState.from_header([span.trace.state]),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())
