"""A collector of OpenTelemetry's: takes what is exported by OTLP over HTTP, and shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

KINDS = {2: "server", 3: "client"}
_ERROR = 2


@dataclass(frozen=True)
class Seen:
    """A span as it arrived. Ids in hexadecimal digits."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, object]
    failed: bool
    #: Seconds.
    took: float


@dataclass
class Collector:
    """What came so far."""

    endpoint: str
    spans: list[Seen] = field(default_factory=list)
    #: Attributes of each point, by the name of its instrument.
    figures: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    resource: dict[str, object] = field(default_factory=dict)

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Keep one request."""
        self.headers.append(headers)
        self.bodies.append(body)
        if path == "/v1/traces":
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource |= _values(each.resource.attributes)
                self.spans += [_seen(span) for scope in each.scope_spans for span in scope.spans]
            return
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in (one for scope in resource.scope_metrics for one in scope.metrics):
                points = [_values(point.attributes) for point in metric.histogram.data_points]
                self.figures.setdefault(metric.name, []).extend(points)

    def named(self, start: str) -> list[Seen]:
        """Spans whose name begins so, the oldest first."""
        return [span for span in self.spans if span.name.startswith(start)]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listens on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            sent = {name.lower(): value for name, value in self.headers.items()}
            collector.take(self.path, self.rfile.read(size), sent)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _seen(span: SpanMessage) -> Seen:
    return Seen(
        span.name,
        KINDS[span.kind],
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _values(span.attributes),
        span.status.code == _ERROR,
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _values(pairs: Iterator[KeyValue]) -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in pairs}
