"""One look at the evidence: a candidate for each organisation, put in force if it is better."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

import msgspec

from pointsman.config import LearningSettings
from pointsman.feedback.history import CHANGES_READ, History, change_id, history
from pointsman.feedback.rule import TRUSTED
from pointsman.ports import Clock, EvidenceStore, VersionStore
from pointsman.types import SHIPPED, Change, ChangeKind, Evidence, Json, Version

if TYPE_CHECKING:
    from pointsman.stages.informing import Mind
    from pointsman.stages.teaching import Teacher

P = ParamSpec("P")
T = TypeVar("T")

#: Of everybody.
ALL = ""
#: Organisations with versions of their own that are learned for at once, the busiest first.
_MOST_ORGANISATIONS = 20


class Store(EvidenceStore, VersionStore, Protocol):
    """Where evidence is, and where versions are kept."""


async def changes_of(store: VersionStore, organisation: str) -> Sequence[Change]:
    """Its newest changes, back to what was in force before this, or all. Raises LedgerUnavailable."""
    limit = CHANGES_READ
    while True:
        found = await store.changes(organisation=organisation, limit=limit)
        if len(found) < limit or history(found).before is not None:
            return found
        limit *= 4


class Aside(Protocol):
    """Runs slow things where they stop nobody."""

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns."""


class Improving:
    """Looks whether something better was learned, and keeps what it finds."""

    def __init__(
        self,
        settings: LearningSettings,
        store: Store,
        teacher: Teacher,
        aside: Aside,
        clock: Clock,
        *,
        changing: asyncio.Lock,
    ) -> None:
        """The teacher works `aside`. Who is `changing` what is in force is alone with it."""
        self._changing = changing
        self._settings = settings
        self._store = store
        self._teacher = teacher
        self._aside = aside
        self._clock = clock
        #: What is known in this look, by version.
        self._minds: dict[str, Mind] = {}
        #: Outcomes that were there at the last look.
        self.outcomes = 0

    async def look(
        self, minds: Mapping[str, Mind], organisation: str | None, *, asked: bool
    ) -> list[Change]:
        """What is promoted, or kept and why; nothing where too little is new and nobody `asked`.

        `minds` are what is known, by version. Raises LedgerUnavailable.
        """
        observed = await self._store.observed(limit=self._settings.most)
        self.outcomes = len(observed)
        evidence = await self._aside(self._teacher.evidence, observed, self._settings.kind)
        scopes = _scopes(evidence, self._settings)
        if organisation is not None:
            scopes = [organisation] if organisation in evidence else []
        changes: list[Change] = []
        self._minds = dict(minds)
        for scope in scopes:
            changes += await self._look_at(scope, evidence, asked=asked)
        return changes

    async def _look_at(
        self,
        scope: str,
        evidence: Mapping[str, Sequence[Evidence]],
        *,
        asked: bool,
    ) -> list[Change]:
        standing = history(await changes_of(self._store, scope))
        found = await self._drift(scope, evidence[scope], standing)
        if found:
            standing = history(await changes_of(self._store, scope))
        in_force = await self._in_force(scope, standing)
        if not asked and standing.held:
            return found
        rule = partial(self._by_rule, scope, evidence[scope], in_force, standing)
        shared = scope == ALL and _are_several(evidence)
        if self._settings.kind == "rule":
            return found if shared else found + await rule()
        if scope == ALL or _weight(evidence[scope]) >= self._settings.least:
            found += await self._by_comparison(scope, evidence, in_force, standing, asked=asked)
        proven = self._teacher.is_proven(in_force) or any(each.kind == "promoted" for each in found)
        if self._settings.kind == "bandit" or proven or shared:
            return found
        return found + await rule(trust=TRUSTED)

    async def _drift(
        self, scope: str, evidence: Sequence[Evidence], standing: History
    ) -> list[Change]:
        """An alarm, where traffic or quality is not what it was."""
        drift = await self._aside(self._teacher.drift, evidence, standing.drift)
        if drift is None:
            return []
        key = (drift.time.isoformat(),)
        alarm = self._change(scope, "drift", drift.text, evidence=drift.as_json(), key=key)
        await self._store.add_change(alarm)
        return [alarm]

    async def _by_rule(
        self,
        scope: str,
        evidence: Sequence[Evidence],
        in_force: Mind,
        standing: History,
        *,
        trust: float = 0.0,
    ) -> list[Change]:
        """Every threshold that the plain rule moves; all of them are one version."""
        found = await self._aside(self._teacher.step, scope, evidence, in_force, trust=trust)
        if found is None:
            return []
        version, moves = found
        changes = [
            self._change(
                scope,
                "threshold",
                move.text,
                version=version.id,
                evidence=move.as_json(),
                key=(standing.change, version.id, str(move.pattern)),
            )
            for move in moves
        ]
        return await self._put_in_force(scope, standing, version, changes)

    async def _by_comparison(
        self,
        scope: str,
        evidence: Mapping[str, Sequence[Evidence]],
        in_force: Mind,
        standing: History,
        *,
        asked: bool,
    ) -> list[Change]:
        """A candidate beside what is in force: it takes its place if it is better."""
        due = partial(
            self._teacher.is_due,
            before=standing.outcomes,
            looked=standing.looked,
            least=self._settings.least,
        )
        if not asked and not await self._aside(due, evidence[scope], in_force):
            return []
        found = await self._aside(
            self._teacher.compare,
            scope,
            evidence,
            in_force,
            look=standing.looks + 1,
            least=self._settings.least,
            since=standing.drift,
        )
        said = found.evidence
        version = found.version
        if not found.promote:
            key = (standing.change, in_force.version, version.id, str(standing.looks))
            kept = self._change(scope, "kept", found.why, evidence=said, key=key)
            await self._store.add_change(kept)
            return [kept]
        promoted = self._change(
            scope,
            "promoted",
            f"{version.id} is in force: {found.why}",
            version=version.id,
            evidence={**said, "instead_of": in_force.version},
            key=(standing.change, version.id),
        )
        return await self._put_in_force(scope, standing, version, [promoted])

    async def _put_in_force(
        self, scope: str, standing: History, version: Version, changes: list[Change]
    ) -> list[Change]:
        """What changed by it: nothing, where somebody put another version in force meanwhile."""
        async with self._changing:
            now = history(await changes_of(self._store, scope))
            if now.change != standing.change:
                return []
            await self._store.add_version(version)
            for change in changes:
                await self._store.add_change(change)
        # Who is looked at next in this round may be routed by it already.
        self._minds[version.id] = await self._aside(self._teacher.read, version)
        return changes

    async def _in_force(self, scope: str, standing: History) -> Mind:
        """What the scope's requests are routed by."""
        version = standing.version
        if version is None and scope != ALL:
            everybody = await changes_of(self._store, ALL)
            version = history(everybody).version
        return self._minds.get(version or SHIPPED) or self._teacher.shipped

    def _change(
        self,
        scope: str,
        kind: ChangeKind,
        text: str,
        *,
        key: Sequence[str],
        version: str | None = None,
        evidence: Mapping[str, Json] | None = None,
    ) -> Change:
        return Change(
            id=change_id(scope, kind, *key),
            organisation=scope,
            time=self._clock.now(),
            kind=kind,
            text=text,
            version=version,
            evidence=msgspec.json.encode(evidence or {}).decode(),
        )


def _are_several(evidence: Mapping[str, Sequence[Evidence]]) -> bool:
    """Whether it is of several organisations.

    Then the plain rule, which proves nothing, moves each one's own: nobody's ratings move another's.
    """
    return len(evidence.keys() - {ALL}) > 1


def _scopes(evidence: Mapping[str, Sequence[Evidence]], settings: LearningSettings) -> list[str]:
    """Everybody; and where there are several organisations, those that are known well enough.

    For the rule all are.
    """
    weights = {name: _weight(rows) for name, rows in evidence.items() if name != ALL}
    least = settings.least if settings.kind == "bandit" else 0.0
    known = [name for name, sure in weights.items() if sure >= least]
    known.sort(key=lambda name: (-weights[name], name))
    own = known[:_MOST_ORGANISATIONS] if _are_several(evidence) else []
    return [ALL, *own] if ALL in evidence else []


def _weight(evidence: Sequence[Evidence]) -> float:
    return sum(each.trust for each in evidence)
