"""What is learned from, and what was learned, in memory: the half of `MemoryStore` for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pointsman.types import Change, Entry, Experiment, Observed, Signals, Version

_FROM_CACHE = {"exact", "semantic"}


class MemoryLearning:
    """`ports.EvidenceStore`, `ports.VersionStore` and `ports.ExperimentStore` in dicts."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[str, Entry] = {}
        self._signals: dict[str, Mapping[str, float]] = {}
        self._evidence_changes = 0
        self._versions: dict[str, Version] = {}
        self._learning_changes: dict[str, Change] = {}
        self._experiments: dict[str, Experiment] = {}

    async def add_signals(self, signals: Sequence[Signals]) -> None:
        """See `ports.EvidenceStore`."""
        for each in signals:
            if each.parts and each.request_id in self._entries:
                known = self._signals.get(each.request_id, {})
                self._signals[each.request_id] = {**known, **each.parts}
        self._evidence_changes += bool(signals)

    async def observed(self, *, organisation: str | None = None, limit: int) -> Sequence[Observed]:
        """See `ports.EvidenceStore`."""
        found = [
            each
            for each in self._answered()
            if organisation in {None, each.organisation}
            and each.informed.features
            and each.deployment
            and (each.signals or each.ratings)
        ]
        return found[max(len(found) - max(limit, 0), 0) :]

    async def evidence_stamp(self) -> str:
        """See `ports.EvidenceStore`."""
        return str(self._evidence_changes)

    async def versions(self, *, organisation: str | None = None) -> Sequence[Version]:
        """See `ports.VersionStore`."""
        found = [
            each for each in self._versions.values() if organisation in {None, each.organisation}
        ]
        return sorted(found, key=lambda each: (each.time, each.id))

    async def add_version(self, version: Version) -> None:
        """See `ports.VersionStore`."""
        self._versions.setdefault(version.id, version)

    async def add_change(self, change: Change) -> None:
        """See `ports.VersionStore`. One that is there already is not added again."""
        self._learning_changes.setdefault(change.id, change)

    async def changes(
        self, *, organisation: str | None = None, limit: int = 100
    ) -> Sequence[Change]:
        """See `ports.VersionStore`."""
        found = [
            each
            for each in reversed(self._learning_changes.values())
            if organisation in {None, each.organisation}
        ]
        return found[: max(limit, 0)]

    async def in_force(self) -> Mapping[str, str]:
        """See `ports.VersionStore`."""
        return {
            each.organisation: each.version
            for each in self._learning_changes.values()
            if each.version is not None
        }

    async def put_experiment(self, experiment: Experiment) -> None:
        """See `ports.ExperimentStore`."""
        self._experiments[experiment.id] = experiment

    async def experiments(self, *, organisation: str | None = None) -> Sequence[Experiment]:
        """See `ports.ExperimentStore`."""
        found = [
            each for each in self._experiments.values() if organisation in {None, each.organisation}
        ]
        return sorted(found, key=lambda each: (each.time, each.id))

    async def taken_part(self, experiment: str) -> Sequence[Observed]:
        """See `ports.ExperimentStore`."""
        there = self._answered()
        return [each for each in there if each.informed.experiment == experiment]

    def _forget_signals(self, entries: Collection[str]) -> None:
        """Of entries that are forgotten."""
        for request_id in entries:
            self._signals.pop(request_id, None)

    def _forget_learned(self, organisation: str | None) -> None:
        """All that was learned of one organisation, or of all."""

        def kept(each: Version | Change | Experiment) -> bool:
            return organisation not in {None, each.organisation}

        self._versions = {i: each for i, each in self._versions.items() if kept(each)}
        changes = self._learning_changes.items()
        self._learning_changes = {i: each for i, each in changes if kept(each)}
        self._experiments = {i: each for i, each in self._experiments.items() if kept(each)}

    def _answered(self) -> Sequence[Observed]:
        """Those that are settled and say what was learned by then, the oldest first."""
        found = [
            observed
            for entry in self._entries.values()
            if (observed := _observed(entry, self._signals.get(entry.request_id, {}))) is not None
        ]
        return sorted(found, key=lambda each: (each.time, each.request_id))


def _observed(entry: Entry, signals: Mapping[str, float]) -> Observed | None:
    settled, informed = entry.settlement, entry.decision.informed
    if settled is None or informed is None or entry.lookup.state in _FROM_CACHE:
        return None
    return Observed(
        request_id=entry.request_id,
        time=entry.time,
        organisation=entry.principal.organisation,
        tier=entry.decision.tier,
        served_tier=settled.served_tier or "",
        deployment=settled.deployment or "",
        outcome=settled.outcome,
        score=entry.decision.score,
        domain=entry.decision.domain,
        informed=informed,
        cost=settled.cost,
        latency_ms=settled.latency_ms,
        signals=signals,
        ratings=tuple(said.rating for said in entry.feedback if said.rating is not None),
    )
