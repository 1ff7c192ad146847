"""Decisions and entries as the JSON that every surface shows: HTTP, command line, Python. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from pointsman.types import Attempt, Decision, Entry, Feedback, Informed, Usage

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decision_view(decision: Decision) -> dict[str, object]:
    """A decision with its explanation."""
    return {
        "tier": decision.tier,
        "score": decision.scored.made,
        "deployment": decision.deployment,
        "parts": dict(decision.parts),
        "dimensions": dict(decision.dimensions),
        "domain": decision.domain,
        "topics": list(decision.scored.topics),
        "scorer": decision.scorer,
        "suffices": list(decision.scored.suffices),
        "stands_in": decision.scored.stands_in,
        "bounds": dict(decision.bounds),
        "confined": None if decision.confined is None else _plain(decision.confined),
        "verify": decision.verify,
        "learning": _learning(decision.informed),
        "target": _plain(decision.target),
        "plan": [_plain(attempt) for attempt in decision.plan.attempts],
        "dropped": [_plain(drop) for drop in decision.dropped],
        "reasoning": decision.reasoning,
        "estimated_cost_usd": decision.estimated_cost_usd,
    }


def entry_view(entry: Entry) -> dict[str, object]:
    """A decision record: the decision, and what became of it."""
    decided = decision_view(entry.decision)
    del decided["estimated_cost_usd"], decided["target"]
    settled = entry.settlement
    return {
        "request_id": entry.request_id,
        "time": entry.time.isoformat(),
        "organisation": entry.principal.organisation,
        "key": entry.principal.key,
        "user": entry.principal.user,
        "model_asked": entry.model_asked,
        "stream": entry.stream,
        **decided,
        "served_tier": settled.served_tier if settled else None,
        "deployment": settled.deployment if settled else None,
        "reason": settled.reason if settled else entry.decision.reasoning,
        "attempts": [_attempt(attempt) for attempt in settled.attempts] if settled else [],
        "outcome": entry.outcome,
        "error": settled.error if settled else None,
        "usage": _usage(settled.usage) if settled else None,
        "cost": settled.cost if settled else None,
        "overhead": settled.overhead if settled else None,
        "baseline_cost": settled.baseline_cost if settled else None,
        "saved": settled.saved if settled else None,
        "latency_ms": settled.latency_ms if settled else None,
        "ttft_ms": settled.ttft_ms if settled else None,
        "cache": entry.lookup.state,
        "lookup": _plain(entry.lookup),
        "verdict": _verdict(settled.attempts) if settled else None,
        "feedback": [_feedback(feedback) for feedback in entry.feedback],
        "client_request_id": entry.client_request_id,
    }


def entry_json(entry: Entry) -> bytes:
    """A decision record as JSON; decimals are exact numbers."""
    return _ENCODER.encode(entry_view(entry))


def shown(decision: Decision) -> Decision:
    """A decision without what was measured of its prompt."""
    if decision.informed is None:
        return decision
    return replace(decision, informed=replace(decision.informed, features=""))


def _learning(informed: Informed | None) -> dict[str, object] | None:
    """What learning had to do with it, without what was measured of the prompt."""
    if informed is None:
        return None
    members = _plain(informed)
    del members["features"]
    return members


def _verdict(attempts: Sequence[Attempt]) -> dict[str, object] | None:
    """What the verifier said of the first answer; None where nobody looked."""
    verdict = next((each.verdict for each in attempts if each.verdict is not None), None)
    return None if verdict is None else _plain(verdict)


def _attempt(attempt: Attempt) -> dict[str, object]:
    return _plain(attempt)


def _usage(usage: Usage | None) -> dict[str, object] | None:
    return None if usage is None else _plain(usage)


def _feedback(feedback: Feedback) -> dict[str, object]:
    return {
        "time": feedback.time.isoformat(),
        "rating": feedback.rating,
        "comment": feedback.comment,
    }


def _plain(value: object) -> dict[str, object]:
    """A value's members, amounts as they are; `dataclasses.asdict` takes six times as long."""
    members: dict[str, object] = msgspec.to_builtins(value, builtin_types=(Decimal, datetime))
    return members
