"""The ledger's twin in memory, for tests and for trials without a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from pointsman.errors import NotFound
from pointsman.types import CacheState, Check, Entry, Feedback, Outcome, ReportRow, Settlement

_Group: TypeAlias = tuple[str | None, str | None, Outcome, CacheState]


class MemoryStore:
    """Ledger, FeedbackStore and CheckStore in a dict. Nothing outlives the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[str, Entry] = {}
        self._checks: list[Check] = []

    async def close(self) -> None:
        """Nothing to give back."""

    async def reserve(self, entry: Entry) -> None:
        """See `ports.Ledger`. Reserving an entry that is there changes nothing."""
        self._entries.setdefault(entry.request_id, replace(entry, feedback=()))

    async def settle(self, request_id: str, settlement: Settlement) -> None:
        """See `ports.Ledger`."""
        entry = self._entries.get(request_id)
        if entry and entry.outcome == "open":
            self._entries[request_id] = replace(entry, settlement=settlement)

    async def add(self, feedback: Feedback) -> None:
        """See `ports.FeedbackStore`."""
        entry = self._entries.get(feedback.request_id)
        if entry is None:
            raise NotFound(f"there is no entry {feedback.request_id!r}", param="request_id")
        said = (*entry.feedback, feedback)
        self._entries[feedback.request_id] = replace(entry, feedback=said)

    async def add_check(self, check: Check) -> None:
        """See `ports.CheckStore`."""
        self._checks.append(check)

    async def forget_checks(self, route: str) -> int:
        """See `ports.CheckStore`."""
        kept = [check for check in self._checks if check.route != route]
        forgotten, self._checks = len(self._checks) - len(kept), kept
        return forgotten

    async def checks(self, *, route: str | None = None) -> Sequence[Check]:
        """See `ports.CheckStore`."""
        return [check for check in self._checks if route is None or check.route == route]

    async def get(self, request_id: str) -> Entry | None:
        """See `ports.Ledger`."""
        return self._entries.get(request_id)

    async def list(self, *, limit: int, before: datetime | None = None) -> Sequence[Entry]:
        """See `ports.Ledger`."""
        older = [e for e in self._entries.values() if before is None or e.time < before]
        older.sort(key=lambda entry: (entry.time, entry.request_id), reverse=True)
        return older[: max(limit, 0)]

    async def report(self, *, since: datetime | None = None) -> Sequence[ReportRow]:
        """See `ports.Ledger`."""
        groups: defaultdict[_Group, list[Settlement | None]]
        groups = defaultdict(list)
        for entry in self._entries.values():
            if since is None or entry.time >= since:
                ended = entry.settlement
                group = (
                    (ended.deployment, ended.served_tier, ended.outcome, entry.lookup.state)
                    if ended
                    else (None, None, entry.outcome, entry.lookup.state)
                )
                groups[group].append(ended)
        ordered = sorted(groups, key=lambda group: [(n is not None, n or "") for n in group])
        return [_sums(*group, settlements=groups[group]) for group in ordered]


def _sums(
    deployment: str | None,
    served_tier: str | None,
    outcome: Outcome,
    cache: CacheState,
    *,
    settlements: Sequence[Settlement | None],
) -> ReportRow:
    settled = [settlement for settlement in settlements if settlement]
    used = [(s.usage, s.cost) for s in settled if s.usage]
    return ReportRow(
        deployment=deployment,
        served_tier=served_tier,
        outcome=outcome,
        cache=cache,
        requests=len(settlements),
        input_tokens=sum(usage.input_tokens for usage, _ in used),
        output_tokens=sum(usage.output_tokens for usage, _ in used),
        cost=sum((s.cost for s in settled if s.cost is not None), Decimal(0)),
        saved=sum((s.saved for s in settled if s.saved is not None), Decimal(0)),
        unpriced=sum(cost is None for _, cost in used),
    )
