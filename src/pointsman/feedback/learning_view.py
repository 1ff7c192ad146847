"""What was learned, as HTTP and the command line show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from pointsman.types import Change, ChangeKind, LearnerKind, LearningKind, Version


class ChangeView(msgspec.Struct):
    """One event in the life of what was learned."""

    id: str
    #: Empty for what concerns all organisations.
    organisation: str
    time: datetime
    kind: ChangeKind
    text: str
    #: That is in force since; null where that did not change.
    version: str | None
    evidence: dict[str, object]


class VersionView(msgspec.Struct):
    """What was believed at one time, without what it is made of."""

    id: str
    organisation: str
    time: datetime
    kind: LearnerKind
    outcomes: int
    comparison: dict[str, object]


class InForceView(msgspec.Struct):
    """What is in force for an organisation; for all that have nothing of their own where empty."""

    organisation: str
    version: str
    #: Null where nothing was ever learned.
    since: datetime | None
    why: str
    #: Somebody reverted to it: nothing is promoted by itself until `retrain` is asked for.
    held: bool


class ExploringView(msgspec.Struct):
    """What drawing other tiers takes, since this gateway was started."""

    enabled: bool
    #: Of requests, and of what is spent, that it may take; the share is wider while traffic drifts.
    share: float
    cost: float
    widened: bool
    #: Requests that were drawn, of those that might have been; of all organisations together, and
    #: null, like the rest, where only one is shown.
    drawn: int | None = None
    drawable: int | None = None
    #: US dollars that were expected to be spent, and how many of them for draws.
    spent: float | None = None
    extra: float | None = None


class PatternView(msgspec.Struct):
    """What the plain rule adds to scores of one pattern."""

    organisation: str
    #: From which shipped score on, for ten points.
    band: int
    domain: str
    points: float


class LearningView(msgspec.Struct):
    """All of it."""

    enabled: bool
    kind: LearningKind
    #: What it learns with is loaded; until then requests are routed as shipped.
    ready: bool
    in_force: list[InForceView]
    exploring: ExploringView
    #: The newest first.
    changes: list[ChangeView]
    versions: list[VersionView]
    patterns: list[PatternView]


class Changes(msgspec.Struct):
    """What a command has changed."""

    changes: list[ChangeView]


def change_view(change: Change) -> ChangeView:
    """A change to be shown."""
    return ChangeView(
        change.id,
        change.organisation,
        change.time,
        change.kind,
        change.text,
        change.version,
        _object(change.evidence),
    )


def version_view(version: Version) -> VersionView:
    """A version to be shown."""
    return VersionView(
        version.id,
        version.organisation,
        version.time,
        version.kind,
        version.outcomes,
        _object(version.comparison),
    )


class _Ruled(msgspec.Struct):
    band: int
    domain: str
    points: float


class _Rules(msgspec.Struct):
    patterns: list[_Ruled]


def patterns(in_force: Sequence[Version]) -> list[PatternView]:
    """What the plain rule's versions hold."""
    return [
        PatternView(version.organisation, 10 * ruled.band, ruled.domain, ruled.points)
        for version in in_force
        if version.kind == "rule"
        for ruled in msgspec.json.decode(version.content, type=_Rules).patterns
    ]


def _object(text: str) -> dict[str, object]:
    return msgspec.json.decode(text, type=dict[str, object])
