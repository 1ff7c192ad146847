"""Experiments as HTTP and the command line take and show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from pointsman.feedback.experiment import Figures, Measure, Side, Variant
from pointsman.feedback.intervals import Interval
from pointsman.types import Experiment, ExperimentState


class NewExperiment(msgspec.Struct, forbid_unknown_fields=True):
    """An experiment to be started."""

    #: Ids of deployments, or of versions.
    a: str
    b: str
    of: Literal["deployments", "versions"] = "deployments"
    #: What people call it; `a against b` where not given.
    name: str = ""
    #: Of the conversations that could take part, half of them on each side.
    share: float = 0.2
    #: Whose; all that who asks may manage where not given.
    organisation: str | UnsetType = UNSET
    #: Stop by itself as soon as one side is known to be better.
    until_decided: bool = False


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """An experiment to be stopped."""

    #: Why, for people.
    reason: str = ""


class SideView(msgspec.Struct):
    """How one side did."""

    requests: int
    conversations: int
    #: Of the requests: nobody answered, or another deployment than the side's.
    failed: int
    fallen_back: int
    #: 0-1, of those whose quality is known.
    quality: Interval
    #: US dollars a request.
    cost: Interval
    #: Milliseconds, of those that were completed.
    latency_ms: Interval


class FiguresView(msgspec.Struct):
    """How both did, and what follows from it; intervals hold at 95 % at whatever time one looks."""

    a: SideView
    b: SideView
    #: By name of what is measured, b less a.
    difference: dict[Measure, Interval]
    better: Variant | None
    verdict: str


class ExperimentView(msgspec.Struct, kw_only=True):
    """An experiment; `figures` where they were asked for and may be seen."""

    id: str
    object: Literal["experiment"] = "experiment"
    name: str
    #: Whose; empty is everybody's.
    organisation: str
    of: Literal["deployments", "versions"]
    a: str
    b: str
    share: float
    state: ExperimentState
    started: datetime
    stopped: datetime | None
    reason: str
    until_decided: bool
    #: What to know of it, such as that its sides are of different tiers.
    note: str
    figures: FiguresView | None = None


class ExperimentList(msgspec.Struct):
    """Experiments, the newest first."""

    data: list[ExperimentView]
    object: Literal["list"] = "list"


def experiment_view(
    experiment: Experiment, tiers: Mapping[str, str], figures: Figures | None = None
) -> ExperimentView:
    """The experiment to be shown; `tiers` of all deployments, by id."""
    return ExperimentView(
        id=experiment.id,
        name=experiment.name,
        organisation=experiment.organisation,
        of=experiment.of,
        a=experiment.a,
        b=experiment.b,
        share=experiment.share,
        state=experiment.state,
        started=experiment.time,
        stopped=experiment.stopped,
        reason=experiment.reason,
        until_decided=experiment.until_decided,
        note=_note(experiment, tiers),
        figures=None if figures is None else _figures(figures),
    )


def experiment_list(experiments: Sequence[Experiment], tiers: Mapping[str, str]) -> ExperimentList:
    """All of them, the newest first, without their figures."""
    return ExperimentList([experiment_view(each, tiers) for each in reversed(experiments)])


def _note(experiment: Experiment, tiers: Mapping[str, str]) -> str:
    if experiment.of == "versions":
        return ""
    known = {name: tiers.get(name) for name in (experiment.a, experiment.b)}
    if gone := [name for name, tier in known.items() if tier is None]:
        return f"{' and '.join(gone)} is not configured any more, so nothing is compared"
    a, b = known.values()
    if a == b:
        return ""
    return (
        f"{experiment.a} is in tier {a}, {experiment.b} in tier {b}: "
        "this compares the tiers, too, for requests that would go to either of the two"
    )


def _figures(figures: Figures) -> FiguresView:
    return FiguresView(
        a=_side(figures.a),
        b=_side(figures.b),
        difference=dict(figures.difference),
        better=figures.better,
        verdict=figures.verdict,
    )


def _side(side: Side) -> SideView:
    return SideView(
        requests=side.requests,
        conversations=side.conversations,
        failed=side.failed,
        fallen_back=side.fallen_back,
        quality=side.quality,
        cost=side.cost,
        latency_ms=side.latency_ms,
    )
