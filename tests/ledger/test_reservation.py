"""What is held back while a request is open: never less than it can cost."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.ledger.pricing import Free, Listed, Pricer, Rates
from pointsman.ledger.reservation import Reservations
from pointsman.types import (
    Attempt,
    Decision,
    ModelRequest,
    Plan,
    PlannedAttempt,
    RawBody,
    Score,
    Target,
    Usage,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRICER = Pricer(
    {
        "local": Free(),
        "cheap": Rates(Decimal(1), Decimal(2), cached=Decimal("0.1"), written=Decimal("1.25")),
        "dear": Rates(Decimal(5), Decimal(25)),
        "strange": Listed("no-such-model"),
    }
)
RESERVATIONS = Reservations(PRICER, reply_tokens=1000, by_deployment={"dear": 200})
REQUEST = ModelRequest("auto", (), {}, input_tokens=100, max_output_tokens=50)


def decision(*deployments: str, verify: float | None = None) -> Decision:
    plan = Plan(tuple(PlannedAttempt(each, "simple", "") for each in deployments), ())
    scored = Score(0.0, {}, "learned", "1")
    return Decision("simple", Target("auto", "auto"), scored, plan, "", verify=verify)


def hold(decided: Decision, *trail: Attempt, request: ModelRequest = REQUEST) -> Decimal:
    return RESERVATIONS.hold(decided, request, trail, NOON)


def test_the_dearest_answer_of_the_plan_is_held_back():
    # 200 tokens in, as dense text has twice as many as are estimated, and 50 out.
    assert hold(decision("local")) == 0
    assert hold(decision("cheap")) == Decimal("0.00035")
    assert hold(decision("local", "cheap", "dear")) == Decimal("0.00225")


def test_a_first_answer_that_is_looked_at_comes_on_top_with_a_second_sample():
    assert hold(decision("cheap", "dear", verify=0.3)) == Decimal("0.00225") + Decimal("0.0007")


def test_what_was_called_on_the_way_here_counts():
    judged = Attempt("cheap", "simple", "completed", purpose="judge", usage=Usage(1000, 0))
    assert hold(decision("local"), judged) == Decimal("0.001")


def test_a_reply_that_nobody_bounds_is_bounded_by_its_deployment_or_for_all():
    free = replace(REQUEST, max_output_tokens=None)
    assert RESERVATIONS.worst("dear", free, NOON) == Decimal("0.001") + 200 * Decimal("0.000025")
    assert RESERVATIONS.worst("cheap", free, NOON) == Decimal("0.00025") + Decimal("0.002")


def test_every_choice_is_a_reply():
    one, ten = REQUEST, replace(REQUEST, choices=10)
    written = RESERVATIONS.worst("dear", ten, NOON) - RESERVATIONS.worst("dear", one, NOON)
    assert written == 9 * 50 * Decimal("0.000025")


def test_what_has_no_price_is_unknown_and_holds_nothing_back():
    assert RESERVATIONS.worst("strange", REQUEST, NOON) is None
    assert hold(decision("strange")) == 0


@pytest.mark.parametrize(("deployment", "worst"), [("local", Decimal(0)), ("dear", None)])
def test_sound_and_pictures_are_not_counted_in_tokens(deployment: str, worst: Decimal | None):
    drawn = replace(REQUEST, task="images", raw=RawBody("/images/generations", "x", b"", b""))
    assert RESERVATIONS.worst(deployment, drawn, NOON) == worst


@given(
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.integers(0, 50),
    st.sampled_from(["local", "cheap", "dear"]),
)
def test_no_reply_within_its_bounds_costs_more_than_was_held_back(
    cached: int, written: int, output: int, deployment: str
):
    used = Usage(cached + written, output, cached_tokens=cached, written_tokens=written)
    asked = replace(REQUEST, input_tokens=used.input_tokens)
    cost = PRICER.cost(deployment, used, NOON)
    assert cost is not None
    assert cost <= hold(decision(deployment), request=asked)
