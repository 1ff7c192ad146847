"""The `x-pointsman-*` headers of every routed reply. To add a header, add a line here."""

from __future__ import annotations

from decimal import Decimal

from pointsman.types import Lookup, Reply


def of(reply: Reply) -> dict[str, str]:
    """The headers; cost and saving only where they are known: a stream's are in its record."""
    decision = reply.decision
    headers = {
        "x-pointsman-route": reply.deployment.location,
        "x-pointsman-model": reply.deployment.id,
        "x-pointsman-tier": decision.tier,
        "x-pointsman-served-tier": reply.deployment.tier,
        "x-pointsman-score": f"{decision.score:.1f}",
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
    return headers


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
