"""How both sides of an experiment do: quality, cost and latency, with intervals. Pure.

What is counted is conversations: requests of one are on the same side and not independent, so that
each conversation is one observation, the mean of its requests, in the order in which they began.
Intervals hold however often one looks, and whenever one stops (see `sequential`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Literal, TypeAlias

import msgspec

from pointsman.feedback.intervals import Interval, difference_of, mean_of
from pointsman.feedback.quality import calibrate, quality
from pointsman.types import Experiment, Observed, Quality

Measure: TypeAlias = Literal["quality", "cost", "latency_ms"]
#: What is known of each request's answer, by its id.
Known: TypeAlias = Mapping[str, Quality | None]
Variant: TypeAlias = Literal["a", "b"]
MEASURES: tuple[Measure, ...] = ("quality", "cost", "latency_ms")
#: Of two sides whose quality (0-1) differs by less, the cheaper one is the better one: where all is
#: rated. Signals move quality less than ratings would; by how much less, their trust says.
AS_GOOD = 0.05


class Side(msgspec.Struct, frozen=True):
    """How one side did."""

    requests: int
    conversations: int
    #: Of the requests.
    failed: int
    #: That another deployment answered than the side's.
    fallen_back: int
    quality: Interval
    cost: Interval
    latency_ms: Interval


class Figures(msgspec.Struct, frozen=True):
    """How both did, and what follows from it."""

    a: Side
    b: Side
    #: b less a.
    difference: Mapping[Measure, Interval]
    better: Variant | None
    #: For people.
    verdict: str


def figures_of(experiment: Experiment, observed: Iterable[Observed]) -> Figures:
    """What the requests that took part show, in the order in which they came."""
    rows = list(observed)
    calibration = calibrate(rows)
    known = {each.request_id: quality(each, calibration) for each in rows}
    sides = {
        variant: [each for each in rows if each.informed.variant == variant] for variant in "ab"
    }
    values = {
        variant: {measure: _values(of, measure, known) for measure in MEASURES}
        for variant, of in sides.items()
    }
    a, b = values["a"], values["b"]
    difference = {
        measure: difference_of(a[measure], b[measure], bounded=measure == "quality")
        for measure in MEASURES
    }
    trust = min(_trust(of, known) for of in sides.values())
    better, verdict = _verdict(experiment, difference, AS_GOOD * trust)
    return Figures(
        a=_side(experiment, experiment.a, sides["a"], a),
        b=_side(experiment, experiment.b, sides["b"], b),
        difference=difference,
        better=better,
        verdict=verdict,
    )


def _values(rows: Sequence[Observed], measure: Measure, known: Known) -> Sequence[float]:
    """One for each conversation of which it is known, the oldest first."""
    conversations: dict[str, list[tuple[float, float]]] = {}
    for each in rows:
        found = _measured(each, measure, known)
        if found is not None:
            conversations.setdefault(_conversation(each), []).append(found)
    means = (
        sum(value * weight for value, weight in of) / sum(weight for _, weight in of)
        for of in conversations.values()
    )
    # Rounding may take a mean of ones above one.
    return [min(mean, 1.0) for mean in means] if measure == "quality" else list(means)


def _measured(row: Observed, measure: Measure, known: Known) -> tuple[float, float] | None:
    """What one request says of it, and with what weight."""
    if measure == "quality":
        found = known[row.request_id]
        return None if found is None or found.trust <= 0 else (found.value, found.trust)
    if measure == "cost":
        return None if row.cost is None else (float(row.cost), 1.0)
    return (row.latency_ms, 1.0) if row.outcome == "completed" else None


def _trust(rows: Sequence[Observed], known: Known) -> float:
    """How far what is known of the answers' quality can be trusted, 0-1."""
    found = (known[each.request_id] for each in rows)
    trusts = [each.trust for each in found if each is not None]
    return fmean(trusts) if trusts else 0.0


def _conversation(row: Observed) -> str:
    return row.informed.conversation or row.request_id


def _side(
    experiment: Experiment,
    name: str,
    rows: Sequence[Observed],
    values: Mapping[Measure, Sequence[float]],
) -> Side:
    is_named = experiment.of == "deployments"
    return Side(
        requests=len(rows),
        conversations=len({_conversation(each) for each in rows}),
        failed=sum(each.outcome == "failed" for each in rows),
        fallen_back=sum(
            is_named and each.outcome == "completed" and each.deployment != name for each in rows
        ),
        quality=mean_of(values["quality"], bounded=True),
        cost=mean_of(values["cost"], bounded=False),
        latency_ms=mean_of(values["latency_ms"], bounded=False),
    )


def _verdict(
    experiment: Experiment, difference: Mapping[Measure, Interval], as_good: float
) -> tuple[Variant | None, str]:
    """Quality decides; where it is the same, cost does."""
    found = difference["quality"]
    if found.value is None:
        return None, "nothing is known of how good the answers of both sides are: rate some"
    if found.low is None or found.high is None:
        return None, "not decided: too little is known of how good the answers are"
    said = f"quality of b less a {_span(found, 2)}"
    if found.low > 0 or found.high < 0:
        better: Variant = "b" if found.low > 0 else "a"
        return better, f"{better}, {_name(experiment, better)}, answers better: {said}"
    if max(-found.low, found.high) >= as_good:
        return None, f"not decided: {said}"
    cost = difference["cost"]
    if cost.low is None or cost.high is None or cost.low <= 0 <= cost.high:
        return None, f"both answer as well ({said}), and neither is known to cost less"
    cheaper: Variant = "a" if cost.low > 0 else "b"
    return cheaper, (
        f"both answer as well ({said}), and {cheaper}, {_name(experiment, cheaper)}, costs less: "
        f"b less a {_span(cost, 6)} dollars a request"
    )


def _name(experiment: Experiment, variant: Variant) -> str:
    return experiment.a if variant == "a" else experiment.b


def _span(interval: Interval, places: int) -> str:
    return (
        f"{interval.value:+.{places}f} ({interval.low:+.{places}f} to {interval.high:+.{places}f})"
    )
