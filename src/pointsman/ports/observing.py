"""What watches the gateway from outside its stages."""

from __future__ import annotations

from typing import Protocol

from pointsman.journey import Journey


class Telemetry(Protocol):
    """Told of each exchange with a client; must not block or raise."""

    def begin(self, method: str, traceparent: str, tracestate: str) -> Journey:
        """A request has come; the headers are empty where it has none."""

    def ended(self, journey: Journey) -> None:
        """Its reply has ended, or its client has left."""

    async def exposition(self) -> tuple[bytes, str]:
        """All that was measured, as text for Prometheus, and its content type.

        Raises NotFound where nothing is measured.
        """
