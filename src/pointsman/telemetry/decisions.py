"""One line per decision, printed by a thread of its own: a full pipe never blocks a request."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import IO, Literal

from pointsman.errors import Unavailable
from pointsman.telemetry.printing import Printer, one_line
from pointsman.types import Entry, Settlement

_DROPPED = "({} lines were dropped)"
_DROPPED_JSON = '{{"message": "{} lines were dropped"}}'
_log = logging.getLogger("pointsman")


class DecisionLog:
    """An `Observer` that prints each settled entry."""

    def __init__(self, stream: IO[str], form: Literal["text", "json"]) -> None:
        """Prints until `close`."""
        note = _DROPPED_JSON if form == "json" else _DROPPED
        self.printer = Printer(stream, name="decision-log", note=note)
        self._render: Callable[[Entry], str] = as_json if form == "json" else as_text

    def settled(self, entry: Entry) -> None:
        """Print the entry, soon."""
        self.printer.put(self._render(entry))

    def fault(self, stage: str, error: BaseException) -> None:
        """Log the fault of a stage."""
        log_fault(stage, error)

    def close(self) -> None:
        """Print what waits, then stop."""
        self.printer.close()


class SilentObserver:
    """An `Observer` that prints no decisions; faults are logged all the same."""

    def settled(self, entry: Entry) -> None:
        """Say nothing."""

    def fault(self, stage: str, error: BaseException) -> None:
        """Log the fault of a stage."""
        log_fault(stage, error)


def log_fault(stage: str, error: BaseException) -> None:
    """A stage failed, and the request went on without it."""
    where = None if isinstance(error, Unavailable) else error  # that something is away says it all
    _log.error("%s failed, the request went on: %s", stage, error, exc_info=where)


def as_text(entry: Entry) -> str:
    """The entry as a line for people."""
    settled = entry.settlement
    where = (settled.deployment if settled else None) or "nowhere"
    other = _other_model(settled)
    served = f" (served {one_line(other)})" if other else ""
    cost = _cost(settled)
    latency = f"{settled.latency_ms:.0f} ms" if settled else "-"
    reason = settled.reason if settled else entry.decision.reasoning
    made = entry.decision.scored.made
    score = "-" if made is None else f"{made:.1f}"
    return (
        f"{entry.time.astimezone():%H:%M:%S}  {score:>5}  {entry.decision.tier:<8} -> {where}{served}"
        f"  {latency}  {cost}  {entry.outcome}  {one_line(reason)}"
    )


def _other_model(settled: Settlement | None) -> str | None:
    """What the upstream says it served, where that is not what was asked for."""
    return settled.attempts[-1].served_model if settled and settled.attempts else None


def _cost(settled: Settlement | None) -> str:
    if settled is None or settled.usage is None:
        return "-"
    return "unknown" if settled.cost is None else f"${settled.cost:.6f}"


def as_json(entry: Entry) -> str:
    """The entry as one JSON object on one line."""
    settled = entry.settlement
    cost = None if settled is None or settled.cost is None else str(settled.cost)
    return json.dumps(
        {
            "time": entry.time.isoformat(),
            "request_id": entry.request_id,
            "score": entry.decision.scored.made,
            "tier": entry.decision.tier,
            "served_tier": settled.served_tier if settled else None,
            "deployment": settled.deployment if settled else None,
            "served_model": _other_model(settled),
            "outcome": entry.outcome,
            "reason": settled.reason if settled else entry.decision.reasoning,
            "latency_ms": round(settled.latency_ms, 1) if settled else None,
            "ttft_ms": round(settled.ttft_ms, 1) if settled and settled.ttft_ms else None,
            "cost": cost,
        }
    )
