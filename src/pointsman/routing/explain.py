"""A decision in words: for headers, the decision log and people."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.types import (
    UNSCORED,
    Attempt,
    Deployment,
    Dropped,
    Plan,
    Score,
    Stay,
    Target,
    Verdict,
)

_CAUSES_SHOWN = 2
#: The part that says nothing of a prompt: a usual prompt's score.
_BASE = "base"


def place(
    deployment: Deployment, target: Target, tier: str, *, position: int, cheaper_than: str | None
) -> str:
    """Why a deployment stands where it stands in a plan."""
    if cheaper_than is not None:
        return f"tier {deployment.tier}, costs less than {cheaper_than}"
    if target.groups:
        first = deployment.id in target.groups[0]
        how = "first choice" if first else "stands in"
        return f"tier {deployment.tier}, {how} for {target.name}"
    if deployment.tier == tier:
        return f"tier {tier}" if position == 0 else f"also tier {tier}"
    return f"tier {deployment.tier}, as {'nearest to' if position == 0 else 'fallback for'} {tier}"


def reasoning(
    target: Target,
    scored: Score,
    tier: str,
    raised_by: str | None,
    plan: Plan,
    *,
    cloud_first: bool,
    confined: bool = False,
    cheaper_than: str | None = None,
    side_call: str | None = None,
    stay: Stay | None = None,
    instead_of: str | None = None,
    missing: Dropped | None = None,
) -> str:
    """One sentence: why this tier, and where that leads.

    `cheaper_than` is the deployment whose place the first one took because it costs less;
    `instead_of` the tier that the score chose, where another was drawn; `missing` is who should
    have gone first.
    """
    why = _why(target, scored, instead_of or tier, raised_by, side_call=side_call, stay=stay)
    if instead_of is not None:
        why += f", drawn to learn from it: {tier}"
    if cloud_first:
        why += ", long prompt: cloud first"
    if confined:
        why += ", must stay local"
    if not plan.attempts:
        return f"{why}, no deployment left"
    first = plan.attempts[0]
    if cheaper_than is not None:
        return f"{why}, {first.deployment} costs less than {cheaper_than}"
    because = "" if missing is None else f" ({missing.deployment}: {missing.reason})"
    if target.groups and first.deployment not in target.groups[0]:
        return f"{why}, {first.deployment} stands in{because}"
    if first.tier == tier:
        return why
    return f"{why}, {first.deployment} is the nearest there is{because}"


def _why(
    target: Target,
    scored: Score,
    tier: str,
    raised_by: str | None,
    *,
    side_call: str | None,
    stay: Stay | None,
) -> str:
    """Why this tier."""
    if target.kind in {"tier", "deployment"}:
        return f"{target.name} was asked for"
    if side_call is not None:
        return f"side call ({side_call}) -> {tier}"
    if scored.scorer == UNSCORED:
        return f"{scored.domain}, not scored -> {tier}"
    if scored.fault is not None:
        return f"not scored ({scored.fault}) -> default tier {tier}"
    why = f"score {scored.value:.0f}{_causes(scored)} -> {tier}"
    if raised_by is not None:
        why += f" ({raised_by} floor)"
    if stay is not None:
        why += f", session in {stay.tier}"
    return f"{target.name} was asked for, {why}" if target.kind == "location" else why


def served(reasoning: str, before: Sequence[Attempt], deployment: str) -> str:
    """The sentence again, once it is known who answered, and what was tried before."""
    failed = [each for each in before if each.purpose != "draft"]
    if failed:
        fell = ", ".join(f"{attempt.deployment} failed ({attempt.error})" for attempt in failed)
        reasoning = f"{reasoning}; {fell}, fell back to {deployment}"
    for draft in before:
        if draft.purpose == "draft" and draft.verdict is not None:
            reasoning = f"{reasoning}; {_judged(draft, draft.verdict)}, escalated to {deployment}"
    return reasoning


def _judged(draft: Attempt, verdict: Verdict) -> str:
    because = f" ({', '.join(verdict.reasons)})" if verdict.reasons else ""
    return (
        f"{draft.deployment}'s draft is good enough with {verdict.probability:.2f}, "
        f"below {verdict.bound:.2f}{because}"
    )


def _causes(scored: Score) -> str:
    """The largest parts, such as `(orders +12, length -3)`; every prompt has the same base."""
    stated = ((name, value) for name, value in scored.parts.items() if name != _BASE)
    parts = [(name, value) for name, value in stated if abs(value) >= 1]
    parts.sort(key=lambda part: -abs(part[1]))
    shown = ", ".join(f"{name} {value:+.0f}" for name, value in parts[:_CAUSES_SHOWN])
    return f" ({shown})" if shown else ""
