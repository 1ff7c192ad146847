"""A decision in words: for headers, the decision log and people."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.types import UNSCORED, Attempt, Deployment, Plan, Score, Stay, Target

_CAUSES_SHOWN = 2


def place(deployment: Deployment, tier: str, *, position: int) -> str:
    """Why a deployment stands where it stands in a plan."""
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
    side_call: str | None = None,
    stay: Stay | None = None,
) -> str:
    """One sentence: why this tier, and where that leads."""
    if target.kind in {"tier", "deployment"}:
        why = f"{target.name} was asked for"
    elif side_call is not None:
        why = f"side call ({side_call}) -> {tier}"
    elif scored.scorer == UNSCORED:
        why = f"{scored.domain}, not scored -> {tier}"
    elif scored.fault is not None:
        why = f"not scored ({scored.fault}) -> default tier {tier}"
    else:
        why = f"score {scored.value:.0f}{_causes(scored)} -> {tier}"
        if raised_by is not None:
            why += f" ({raised_by} floor)"
        if stay is not None:
            why += f", session in {stay.tier}"
        if target.kind == "location":
            why = f"{target.name} was asked for, {why}"
    if cloud_first:
        why += ", long prompt: cloud first"
    if not plan.attempts:
        return f"{why}, no deployment left"
    first = plan.attempts[0]
    return why if first.tier == tier else f"{why}, {first.deployment} is the nearest there is"


def served(reasoning: str, failed: Sequence[Attempt], deployment: str) -> str:
    """The sentence again, once it is known which attempts failed and who answered."""
    if not failed:
        return reasoning
    fell = ", ".join(f"{attempt.deployment} failed ({attempt.error})" for attempt in failed)
    return f"{reasoning}; {fell}, fell back to {deployment}"


def _causes(scored: Score) -> str:
    """The largest parts, such as `(complex_keywords +34, structure +6)`."""
    parts = [(name, value) for name, value in scored.parts.items() if abs(value) >= 1]
    parts.sort(key=lambda part: -abs(part[1]))
    shown = ", ".join(f"{name} {value:+.0f}" for name, value in parts[:_CAUSES_SHOWN])
    return f" ({shown})" if shown else ""
