"""How much a model is to think, in this format's words."""

from __future__ import annotations

from pointsman.conversation import Effort, Reasoning
from pointsman.formats.losses import Losses
from pointsman.formats.messages.models import Takes
from pointsman.formats.reasoning import budget_of, budget_wanted, effort_wanted

#: Tokens; less is refused (Anthropic's documentation of extended thinking).
_LEAST_BUDGET = 1024


def set_reasoning(
    body: dict[str, object], reasoning: Reasoning, takes: Takes, losses: Losses
) -> None:
    """Set `thinking` and `output_config.effort`.

    Models up to 4.5, and those of others, get a budget: the client's, or that of its effort. A
    budget that `max_tokens` has no room for becomes half of it; under 1024 tokens there is no
    thinking. Later models get an effort, and think as much as they find fit.
    """
    effort = effort_wanted(reasoning)
    if effort == "none":
        _switch_off(body, takes, losses)
    elif takes.budgets:
        _set_budget(body, reasoning, losses)
    else:
        body["thinking"] = {"type": "adaptive"} | _display(reasoning)
        if effort is not None:
            _set_effort(body, effort, takes)


def _switch_off(body: dict[str, object], takes: Takes, losses: Losses) -> None:
    if takes.off is not None:
        body["thinking"] = {"type": takes.off}
    else:  # it always thinks: as little as it can
        losses.leave_out("reasoning_effort")
        _set_effort(body, "low", takes)


def _set_budget(body: dict[str, object], reasoning: Reasoning, losses: Losses) -> None:
    budget = budget_wanted(reasoning) or budget_of("medium")
    limit = body["max_tokens"]
    if isinstance(limit, int) and budget >= limit:
        budget = limit // 2
    if budget < _LEAST_BUDGET:
        losses.leave_out("reasoning_effort")
        return
    body["thinking"] = {"type": "enabled", "budget_tokens": budget} | _display(reasoning)


def _set_effort(body: dict[str, object], effort: Effort, takes: Takes) -> None:
    config = body.get("output_config")
    told = "low" if effort == "minimal" else effort
    if told == "xhigh" and not takes.xhigh:
        told = "high"
    body["output_config"] = {"effort": told} | (config if isinstance(config, dict) else {})


def _display(reasoning: Reasoning) -> dict[str, str]:
    if reasoning.visible is None:
        return {}
    return {"display": "summarized" if reasoning.visible else "omitted"}
