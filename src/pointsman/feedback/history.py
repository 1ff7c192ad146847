"""What a list of changes tells: what is in force, what was before, how often it was looked at. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

import msgspec

from pointsman.types import SHIPPED, Change

#: Changes that are read to know how an organisation stands.
CHANGES_READ = 200


class History(msgspec.Struct, frozen=True):
    """Of one organisation, or of what concerns all."""

    #: In force; None where nothing of its own ever was.
    version: str | None = None
    since: datetime | None = None
    why: str = ""
    #: The change that put it in force.
    change: str = ""
    #: Somebody reverted to it.
    held: bool = False
    #: What was in force before it, and since when.
    before: str | None = None
    before_since: datetime | None = None
    #: Looks for something better since it has been in force, and the outcomes at the last one.
    looks: int = 0
    outcomes: int = 0
    #: When that last one was.
    looked: datetime | None = None
    #: When the last drift that was noticed began.
    drift: datetime | None = None


class _Look(msgspec.Struct):
    look: int = 0
    outcomes: int = 0


class _Drift(msgspec.Struct):
    time: datetime


def history(changes: Sequence[Change]) -> History:
    """From its changes, the newest first."""
    named = [each for each in changes if each.version is not None]
    alarms = (each.evidence for each in changes if each.kind == "drift")
    drift = next((msgspec.json.decode(each, type=_Drift).time for each in alarms), None)
    last = named[0] if named else None
    looked = next((each for each in _while_in_force(changes) if each.kind == "kept"), None)
    look = _Look() if looked is None else msgspec.json.decode(looked.evidence, type=_Look)
    at = None if looked is None else looked.time
    if last is None:
        return History(looks=look.look, outcomes=look.outcomes, looked=at, drift=drift)
    previous = next((each for each in named if each.version != last.version), None)
    return History(
        version=last.version,
        since=last.time,
        why=last.text,
        change=last.id,
        held=last.kind == "reverted",
        before=None if previous is None else previous.version,
        before_since=None if previous is None else previous.time,
        looks=look.look,
        outcomes=look.outcomes,
        looked=at,
        drift=drift,
    )


def _while_in_force(changes: Sequence[Change]) -> Sequence[Change]:
    """Those since what is in force has been: to put it in force again begins nothing anew.

    Nor does a move of the plain rule, which is judged by the same outcomes.
    """
    named = [
        (at, each.version)
        for at, each in enumerate(changes)
        if each.version is not None and each.kind != "threshold"
    ]
    same = list(takewhile(lambda each: each[1] == named[0][1], named))
    return changes[: same[-1][0]] if same else changes


def version_before(organisation: Sequence[Change], everybody: Sequence[Change]) -> str:
    """What was in force before the last change of version: an organisation's own, or everybody's.

    Both the newest first; `everybody` is empty where the organisation is all.
    """
    own = history(organisation)
    if own.version is None:
        own = history(everybody)
        everybody = ()
    if own.before is not None:
        return own.before
    then = (
        each.version
        for each in everybody
        if each.version is not None and (own.since is None or each.time < own.since)
    )
    return next(then, SHIPPED)


def change_id(*parts: str) -> str:
    """The same for the same parts, so that two gateways that see the same note it once."""
    return f"ch_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"
