"""How figures are spread: how long answers took, what prompts scored, what went wrong. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import ceil

import msgspec

from pointsman.types import FAILED, UNSCORED, Deployment, Location, Measure, Outcome

#: Points of a score that are one bin, of 0-100.
BIN = 5
_HIGHEST = 100
#: Kinds of errors that are told apart, the most frequent ones.
_MOST_ERRORS = 100
_CACHED = frozenset({"exact", "semantic"})


class Quantiles(msgspec.Struct, frozen=True):
    """Half, 95 % and 99 % of the values are at most so high: each is one of the values."""

    p50: float
    p95: float
    p99: float


class Latency(msgspec.Struct, frozen=True):
    """How fast one deployment answered, over what it completed."""

    deployment: str
    tier: str | None
    #: None where it is not configured any more.
    location: Location | None
    requests: int
    #: Of the whole request, drafts and failed attempts included.
    latency_ms: Quantiles
    #: Until the client had its first byte; None where that is not known of any.
    ttft_ms: Quantiles | None
    #: Output tokens per second of the whole request, the median; None where there are none.
    tokens_per_s: float | None


class Latencies(msgspec.Struct, frozen=True):
    """By deployment, in the order of their names."""

    #: Settled entries that were looked at: the newest ones.
    of: int
    #: Whether that is all of the range.
    complete: bool
    deployments: tuple[Latency, ...]


class Bin(msgspec.Struct, frozen=True):
    """Requests with scores of at least `low` and less than `high`; 100 is in the last bin."""

    low: int
    high: int
    #: By the tier that was decided.
    requests: Mapping[str, int]


class Error(msgspec.Struct, frozen=True):
    """Requests that ended without a whole answer, for the same reason."""

    deployment: str | None
    outcome: Outcome
    error: str | None
    count: int
    #: When the newest of them was admitted.
    last: datetime


class Errors(msgspec.Struct, frozen=True):
    """The most frequent first."""

    of: int
    complete: bool
    errors: tuple[Error, ...]


def latencies(
    measures: Sequence[Measure], deployments: Mapping[str, Deployment], *, complete: bool
) -> Latencies:
    """How fast each deployment answered. What the cache gave is nobody's."""
    answers: defaultdict[str, list[Measure]] = defaultdict(list)
    for each in measures:
        if each.outcome == "completed" and each.deployment and each.cache not in _CACHED:
            answers[each.deployment].append(each)
    return Latencies(
        len(measures),
        complete,
        tuple(_latency(name, answers[name], deployments.get(name)) for name in sorted(answers)),
    )


def scores(measures: Iterable[Measure], scorer: str) -> tuple[Bin, ...]:
    """How many requests had which score from this scorer, by decided tier."""
    bins = [Counter[str]() for _ in range(_HIGHEST // BIN)]
    for each in measures:
        if each.scorer == scorer:
            bins[min(max(int(each.score // BIN), 0), len(bins) - 1)][each.tier] += 1
    return tuple(
        Bin(number * BIN, (number + 1) * BIN, dict(sorted(found.items())))
        for number, found in enumerate(bins)
    )


def scorer_of(measures: Iterable[Measure]) -> str | None:
    """The scorer of the newest that was scored; scores of two scorers can't be compared."""
    return next((each.scorer for each in measures if not _is_unscored(each)), None)


def errors(measures: Sequence[Measure], *, complete: bool) -> Errors:
    """What went wrong, counted; the measures are the newest first."""
    found: dict[tuple[str | None, Outcome, str | None], list[datetime]] = {}
    for each in measures:
        if each.outcome in FAILED:
            found.setdefault((each.deployment, each.outcome, each.error), []).append(each.time)
    counted = [Error(*kind, len(times), max(times)) for kind, times in found.items()]
    counted.sort(key=lambda error: -error.count)
    return Errors(len(measures), complete, tuple(counted[:_MOST_ERRORS]))


def _latency(name: str, answers: Sequence[Measure], deployment: Deployment | None) -> Latency:
    first = [each.ttft_ms for each in answers if each.ttft_ms is not None]
    speeds = [
        each.output_tokens / each.latency_ms * 1000
        for each in answers
        if each.output_tokens and each.latency_ms
    ]
    return Latency(
        name,
        deployment.tier if deployment else answers[0].served_tier,
        deployment.location if deployment else None,
        len(answers),
        _quantiles([each.latency_ms or 0.0 for each in answers]),
        _quantiles(first) if first else None,
        _quantiles(speeds).p50 if speeds else None,
    )


def _quantiles(values: Iterable[float]) -> Quantiles:
    rising = sorted(values)
    half, most, nearly_all = (rising[ceil(part * len(rising)) - 1] for part in (0.5, 0.95, 0.99))
    return Quantiles(half, most, nearly_all)


def _is_unscored(measure: Measure) -> bool:
    """Nobody looked at its prompt: it was asked for by name, or the cache had the reply."""
    return measure.cache in _CACHED or measure.scorer.partition("/")[0] == UNSCORED
