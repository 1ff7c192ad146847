"""The headers of every routed reply: `x-pointsman-*`, and what is left of the caller's limits.

To add a header, add a line here.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pointsman.types import FormatName, Lookup, Reply, Standing


def of(
    reply: Reply, format_name: FormatName = "chat", now: datetime | None = None
) -> dict[str, str]:
    """The headers; cost and saving only where they are known: a stream's are in its record.

    Limits are told in the client's format, as of `now`.
    """
    decision = reply.decision
    score = {"x-pointsman-score": f"{decision.score:.1f}"} if decision.scored.is_made else {}
    headers = {
        "x-pointsman-route": reply.deployment.location,
        "x-pointsman-model": reply.deployment.id,
        "x-pointsman-tier": decision.tier,
        "x-pointsman-served-tier": reply.deployment.tier,
        **score,
        "x-pointsman-reason": reply.reason,
        "x-pointsman-cache": _cache(reply.lookup),
        "x-pointsman-attempts": str(reply.attempts),
    }
    if reply.verdict is not None:
        said = "accept" if reply.verdict.accepted else "escalate"
        headers["x-pointsman-verdict"] = f"{said} {reply.verdict.probability:.2f}"
    if decision.confined is not None:
        headers["x-pointsman-privacy"] = "local"
    if reply.left_out:
        headers["x-pointsman-left-out"] = ", ".join(reply.left_out)
    settled = reply.settlement
    if settled is not None and settled.cost is not None:
        headers["x-pointsman-cost"] = money(settled.cost)
    if settled is not None and settled.saved is not None:
        headers["x-pointsman-saved"] = money(settled.saved)
    return headers | standing(reply.standing, format_name, now)


def standing(left: Standing, format_name: FormatName, now: datetime | None) -> dict[str, str]:
    """What is left of the caller's limits, in OpenAI's words, and for its clients in Anthropic's.

    Anthropic says at what time all of it is there again, so that needs `now`.
    """
    headers = {}
    for what, limit, remaining, reset_s in (
        ("requests", left.limit_requests, left.remaining_requests, left.reset_requests_s),
        ("tokens", left.limit_tokens, left.remaining_tokens, left.reset_tokens_s),
    ):
        if limit is None or remaining is None or reset_s is None:
            continue
        headers[f"x-ratelimit-limit-{what}"] = str(limit)
        headers[f"x-ratelimit-remaining-{what}"] = str(remaining)
        headers[f"x-ratelimit-reset-{what}"] = duration(reset_s)
        if format_name == "messages" and now is not None:
            reset = (now + timedelta(seconds=math.ceil(reset_s))).astimezone(UTC)
            headers[f"anthropic-ratelimit-{what}-limit"] = str(limit)
            headers[f"anthropic-ratelimit-{what}-remaining"] = str(remaining)
            headers[f"anthropic-ratelimit-{what}-reset"] = f"{reset:%Y-%m-%dT%H:%M:%SZ}"
    return headers


def duration(seconds: float) -> str:
    """As OpenAI writes it: `0s`, `20ms`, `7.66s`, `6m0s`, `1h0m0s`; rounded up to milliseconds."""
    milliseconds = math.ceil(round(seconds * 1000, 3))  # 0.07 * 1000 is more than 70
    if 0 < milliseconds < 1000:  # noqa: PLR2004
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    longer = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{longer}{rest / 1000:g}s"


def _cache(lookup: Lookup) -> str:
    """`semantic; similarity=0.971; age=12; id=cr_...`."""
    figures = {
        "similarity": None if lookup.similarity is None else f"{lookup.similarity:.3f}",
        "age": None if lookup.age_s is None else f"{lookup.age_s:.0f}",
        "id": lookup.id,
    }
    if lookup.state in {"miss", "bypass"}:  # what shadow mode found is for the books
        return lookup.state
    known = [f"{name}={value}" for name, value in figures.items() if value is not None]
    return "; ".join([lookup.state, *known])


def money(amount: Decimal) -> str:
    """US dollars, exact, without an exponent."""
    return f"{amount.normalize():f}"
