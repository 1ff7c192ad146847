"""Efforts and budgets, each as the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import Effort, Reasoning
from pointsman.formats.reasoning import (
    BUDGETS,
    budget_of,
    budget_wanted,
    effort_of,
    effort_wanted,
)


@pytest.mark.parametrize("effort", BUDGETS)
def test_an_effort_survives_as_a_budget(effort: Effort) -> None:
    assert effort_of(budget_of(effort)) == effort


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (-1, "none"),
        (1, "minimal"),
        (2047, "minimal"),
        (4000, "low"),
        (10_000, "medium"),
        (16_384, "high"),
        (60_000, "xhigh"),
        (1_000_000, "max"),
    ],
)
def test_a_budget_is_the_greatest_effort_it_pays_for(budget: int, effort: Effort) -> None:
    assert effort_of(budget) == effort


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_more_budget_is_never_less_effort(a: int, b: int) -> None:
    few, many = sorted((a, b))

    assert budget_of(effort_of(few)) <= budget_of(effort_of(many))


@pytest.mark.parametrize(
    ("wish", "effort", "budget"),
    [
        (Reasoning(), None, None),
        (Reasoning("high"), "high", 16_384),
        (Reasoning(budget_tokens=9000), "medium", 9000),
        (Reasoning("low", 9000), "low", 9000),
        (Reasoning("none", 9000), "none", 0),
        (Reasoning(budget_tokens=0), "none", 0),
    ],
)
def test_each_upstream_gets_what_it_takes(
    wish: Reasoning, effort: Effort | None, budget: int | None
) -> None:
    assert (effort_wanted(wish), budget_wanted(wish)) == (effort, budget)
