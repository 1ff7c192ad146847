"""Latencies, scores and errors, from what single entries say."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.support.entries import NOON

from pointsman.ledger.spread import (
    Error,
    Latency,
    Quantiles,
    errors,
    latencies,
    scorer_of,
    scores,
)
from pointsman.types import Deployment, Measure

ONE = Measure(
    NOON, "small", "simple", "simple", "completed", "miss", 12.5, "learned/3", 250.0, 50.0, 20, None
)
SMALL = Deployment("small", "ollama", "small-model", "simple", "local")


def test_quantiles_are_values_that_were_there() -> None:
    measures = [replace(ONE, latency_ms=float(ms), ttft_ms=None) for ms in range(1, 101)]

    [found] = latencies(measures, {"small": SMALL}, complete=False).deployments

    assert found.latency_ms == Quantiles(50, 95, 99)
    assert found.ttft_ms is None
    assert (found.tier, found.location, found.requests) == ("simple", "local", 100)


def test_only_what_a_deployment_completed_says_how_fast_it_is() -> None:
    measures = [
        ONE,
        replace(ONE, cache="exact", latency_ms=1.0),
        replace(ONE, outcome="failed", latency_ms=9000.0),
        replace(ONE, deployment=None),
        replace(ONE, deployment="gone", served_tier="complex", ttft_ms=90.0, output_tokens=None),
    ]

    found = latencies(measures, {"small": SMALL}, complete=True)

    assert (found.of, found.complete) == (5, True)
    assert found.deployments == (
        Latency("gone", "complex", None, 1, Quantiles(250, 250, 250), Quantiles(90, 90, 90), None),
        Latency(
            "small", "simple", "local", 1, Quantiles(250, 250, 250), Quantiles(50, 50, 50), 80.0
        ),
    )


@pytest.mark.parametrize(("score", "low"), [(0.0, 0), (4.99, 0), (5.0, 5), (99.0, 95), (100.0, 95)])
def test_a_score_is_in_the_bin_that_it_reaches(score: float, low: int) -> None:
    bins = scores([replace(ONE, score=score)], "learned/3")

    assert [each.low for each in bins] == list(range(0, 100, 5))
    assert {each.low: each.requests for each in bins if each.requests} == {low: {"simple": 1}}


def test_scores_of_two_scorers_are_not_mixed() -> None:
    unscored = replace(ONE, scorer="none/1", score=0.0)
    hit = replace(ONE, cache="exact", scorer="cache/1", score=0.0)
    scored = [ONE, replace(ONE, tier="complex"), replace(ONE, scorer="heuristic/2")]
    measures = [hit, unscored, *scored]

    scorer = scorer_of(measures)

    assert scorer == "learned/3"
    assert [each.requests for each in scores(measures, scorer) if each.requests] == [
        {"complex": 1, "simple": 1}
    ]
    assert scorer_of([hit, unscored]) is None


def test_errors_are_counted_by_what_they_say() -> None:
    broken = replace(ONE, deployment=None, outcome="failed", error="all down")
    older = replace(broken, time=NOON - timedelta(hours=1))
    measures = [
        ONE,
        replace(ONE, outcome="client_left"),
        replace(ONE, outcome="refused", error=None),
        broken,
        older,
    ]

    found = errors(measures, complete=True)

    assert found.errors == (
        Error(None, "failed", "all down", 2, NOON),
        Error("small", "refused", None, 1, NOON),
    )
