"""What is known of answers, and how they did under each version, as HTTP shows it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from pointsman.feedback.intervals import Interval, mean_of
from pointsman.feedback.quality import Calibration, calibrate, quality, rated
from pointsman.types import Observed, Quality


class SignalView(msgspec.Struct):
    """How far one signal is to be trusted."""

    name: str
    #: By how much ratings (0-1) are higher where it speaks for an answer than against it.
    worth: float
    #: Outcomes that have it, and those of them that are rated, too.
    outcomes: int
    rated: int
    #: Of the rated ones on which it says anything: where it pointed the same way; null for none.
    agreement: float | None


class VersionOutcomes(msgspec.Struct):
    """How requests did that were decided under one version."""

    version: str
    #: When the first and the last of them came.
    since: datetime
    until: datetime
    outcomes: int
    rated: int
    #: 0-1.
    quality: Interval
    #: US dollars a request.
    cost: Interval
    #: Of the outcomes, by the tier that answered.
    tiers: dict[str, float]
    #: Of the outcomes: another tier was drawn for them.
    explored: float


class OutcomesView(msgspec.Struct):
    """All of it."""

    outcomes: int
    rated: int
    #: How many ratings they are worth together.
    trust: float
    #: From which on something is promoted.
    least: int
    #: The newest; null for none.
    last: datetime | None
    #: There are older ones that are not counted here.
    more: bool
    signals: list[SignalView]
    #: The newest first.
    versions: list[VersionOutcomes]


def outcomes_view(observed: Sequence[Observed], *, least: int, more: bool) -> OutcomesView:
    """Outcomes in the order of time, to be shown."""
    calibration = calibrate(observed)
    known = {each.request_id: quality(each, calibration) for each in observed}
    versions = dict.fromkeys(each.informed.version for each in reversed(observed))
    return OutcomesView(
        outcomes=len(observed),
        rated=sum(bool(each.ratings) for each in observed),
        trust=sum(each.trust for each in known.values() if each is not None),
        least=least,
        last=observed[-1].time if observed else None,
        more=more,
        signals=_signals(observed, calibration),
        versions=[
            _version(
                version, [each for each in observed if each.informed.version == version], known
            )
            for version in versions
        ],
    )


def _signals(observed: Sequence[Observed], calibration: Calibration) -> list[SignalView]:
    names = sorted({name for each in observed for name in each.signals})
    return sorted(
        (_signal(name, observed, calibration) for name in names), key=lambda each: -each.worth
    )


def _signal(name: str, observed: Sequence[Observed], calibration: Calibration) -> SignalView:
    having = [each for each in observed if name in each.signals]
    both = [(each.signals[name], said) for each in having if (said := rated(each)) is not None]
    telling = [(signal - 0.5) * (said - 0.5) for signal, said in both]
    pointed = [each for each in telling if each]
    return SignalView(
        name=name,
        worth=calibration.of(name),
        outcomes=len(having),
        rated=len(both),
        agreement=sum(each > 0 for each in pointed) / len(pointed) if pointed else None,
    )


def _version(
    version: str, observed: Sequence[Observed], known: Mapping[str, Quality | None]
) -> VersionOutcomes:
    found = [each for row in observed if (each := known[row.request_id]) is not None]
    tiers = Counter(each.served_tier for each in observed)
    return VersionOutcomes(
        version=version,
        since=observed[0].time,
        until=observed[-1].time,
        outcomes=len(observed),
        rated=sum(bool(each.ratings) for each in observed),
        quality=mean_of([each.value for each in found], bounded=True),
        cost=mean_of(
            [float(each.cost) for each in observed if each.cost is not None], bounded=False
        ),
        tiers={tier: count / len(observed) for tier, count in tiers.most_common()},
        explored=sum(each.informed.explored for each in observed) / len(observed),
    )
