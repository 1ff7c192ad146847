"""How much thinking: efforts in words and budgets in tokens, each as the other.

The table is Pointsman's own choice. Its one given figure is the least budget that Anthropic takes,
1024 tokens (documentation of extended thinking): that is `minimal`; the others rise from there.

Where a client says both, the effort counts with upstreams that take efforts, and the budget with
those that take budgets, be it beside efforts. An effort of `none` switches thinking off everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.conversation import Effort, Reasoning

#: Effort -> budget in tokens, in rising order.
BUDGETS: Mapping[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}


def budget_of(effort: Effort) -> int:
    """The budget in tokens for an effort; 0 for none."""
    return BUDGETS[effort]


def effort_of(budget: int) -> Effort:
    """The greatest effort whose budget is not above `budget` tokens.

    At least `minimal` where there is any budget; `none` for 0 and below.
    """
    if budget <= 0:
        return "none"
    affordable = [effort for effort, least in BUDGETS.items() if 0 < least <= budget]
    return affordable[-1] if affordable else "minimal"


def effort_wanted(wish: Reasoning) -> Effort | None:
    """The effort for an upstream that takes efforts; None where the wish is for neither."""
    if wish.effort is not None or wish.budget_tokens is None:
        return wish.effort
    return effort_of(wish.budget_tokens)


def budget_wanted(wish: Reasoning) -> int | None:
    """The budget in tokens for one that takes budgets, 0 for none; None where it is for neither."""
    if wish.effort == "none":
        return 0
    if wish.budget_tokens is not None or wish.effort is None:
        return wish.budget_tokens
    return budget_of(wish.effort)
