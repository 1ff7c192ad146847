"""Efforts and budgets, each as the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import Effort
from pointsman.formats.reasoning import BUDGETS, budget_of, effort_of


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
