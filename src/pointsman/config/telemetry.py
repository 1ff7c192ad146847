"""What operators see: logs, metrics, traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from pointsman.config.deployment import Section


class LogSettings(Section):
    """What `serve` prints."""

    #: A line for each decision on the standard output, for people or for programs.
    decisions: Literal["text", "json", "off"] = "text"
    #: What else there is to say, on the standard error; with `json`, every line is one object, the
    #: decisions' lines as well.
    format: Literal["text", "json"] = "text"

    @property
    def of_decisions(self) -> Literal["text", "json", "off"]:
        """How decisions are printed: for programs where all else is."""
        return "json" if self.decisions == "text" and self.format == "json" else self.decisions


class TelemetrySettings(Section):
    """Metrics and traces. Nothing is sent anywhere unless an endpoint is given."""

    #: Who may read `/metrics`: who has a key that sees all books (`key`; while there is no key,
    #: anybody on this machine), anybody (`open`), nobody (`off`).
    metrics: Literal["key", "open", "off"] = "key"
    #: Where spans and metrics are sent by OTLP over HTTP, such as `http://localhost:4318`; where not
    #: given, `OTEL_EXPORTER_OTLP_ENDPOINT` says it, and without both nothing is sent.
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://")
    #: Headers for it, such as a key, best as references: `${NAME}`.
    otlp_headers: dict[str, SecretStr] = Field(default_factory=dict)
    #: The share of requests that is traced, where the client does not say by its `traceparent`.
    sample: float = Field(default=1.0, ge=0, le=1)
    #: What the gateway is called there.
    service_name: str = "pointsman"
    #: Tell upstreams the trace that a client's `traceparent` and `tracestate` name.
    propagate: bool = True
