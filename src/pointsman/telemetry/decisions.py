"""One line per decision, printed by a thread of its own: a full pipe never blocks a request."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import IO, Literal

from pointsman.types import Entry, Settlement

#: Lines that wait for a slow reader; further ones are dropped, and counted.
_WAITING_LINES = 1000

_log = logging.getLogger("pointsman")


class DecisionLog:
    """An `Observer` that prints each settled entry."""

    def __init__(self, stream: IO[str], form: Literal["text", "json"]) -> None:
        """The thread starts here and ends with `close`."""
        self._stream = stream
        self._render: Callable[[Entry], str] = as_json if form == "json" else as_text
        self._lines: queue.Queue[str | None] = queue.Queue(_WAITING_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._print, name="decision-log", daemon=True)
        self._thread.start()

    def settled(self, entry: Entry) -> None:
        """Print the entry, soon."""
        self._put(self._render(entry))

    def fault(self, stage: str, error: BaseException) -> None:
        """Log the fault of a stage."""
        log_fault(stage, error)

    def close(self) -> None:
        """Print what waits, then stop."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=2)
        self._thread.join(timeout=2)

    def _put(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self._dropped = self._dropped, 0
            note = f"({dropped} lines were dropped)\n" if dropped else ""
            try:
                self._stream.write(f"{note}{line}\n")
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads any more
                _log.warning("the decision log's output is closed; no more lines")
                return


class SilentObserver:
    """An `Observer` that prints no decisions; faults are logged all the same."""

    def settled(self, entry: Entry) -> None:
        """Say nothing."""

    def fault(self, stage: str, error: BaseException) -> None:
        """Log the fault of a stage."""
        log_fault(stage, error)


def log_fault(stage: str, error: BaseException) -> None:
    """A stage failed, and the request went on without it."""
    _log.error("%s failed, the request went on: %s", stage, error, exc_info=error)


def as_text(entry: Entry) -> str:
    """The entry as a line for people."""
    settled = entry.settlement
    where = (settled.deployment if settled else None) or "nowhere"
    other = _other_model(settled)
    served = f" (served {_one_line(other)})" if other else ""
    cost = _cost(settled)
    latency = f"{settled.latency_ms:.0f} ms" if settled else "-"
    reason = settled.reason if settled else entry.decision.reasoning
    return (
        f"{entry.time.astimezone():%H:%M:%S}  {entry.decision.score:5.1f}  {entry.decision.tier:<8} -> {where}{served}"
        f"  {latency}  {cost}  {entry.outcome}  {_one_line(reason)}"
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
            "score": entry.decision.score,
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


def _one_line(text: str) -> str:
    """`text` with every control character escaped: a line stays a line."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
