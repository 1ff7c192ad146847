"""What a failed attempt means: whose fault it is, and what the client is told in the end. Pure."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import msgspec

from pointsman.errors import (
    NoDeploymentFits,
    PointsmanError,
    Unavailable,
    UpstreamError,
    UpstreamRefused,
)
from pointsman.types import Attempt, Deployment, Outcome, Plan

#: Statuses that say the request itself is at fault: no other deployment would take it.
_CLIENTS_FAULT = frozenset({400, 413, 415, 422})
#: Codes of a 400 that is about one deployment's limits (OpenAI's, llama.cpp's).
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
#: Refusals that come from a healthy server.
_HEALTHY = frozenset({404, 429})

TOO_MANY_REQUESTS = 429
LONGEST_RETRY_AFTER_S = 120.0


class _Error(msgspec.Struct):
    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | int | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None


def is_clients(error: UpstreamError) -> bool:
    """Whether the request is at fault, so that the upstream's answer is the answer."""
    if not isinstance(error, UpstreamRefused) or error.upstream_status not in _CLIENTS_FAULT:
        return False
    return not _is_too_long(error)


def counts_against(error: UpstreamError) -> bool:
    """Whether the breaker counts it."""
    if not isinstance(error, UpstreamRefused):
        return True
    return error.upstream_status not in _HEALTHY | _CLIENTS_FAULT


def openai_error(error: UpstreamRefused) -> bytes:
    """The upstream's error in OpenAI's shape, its `code` a string or null."""
    stated = _stated(error.body)
    code = None if stated.code is None else str(stated.code)
    shaped = _Error(
        message=stated.message or str(error),
        type=stated.type or "invalid_request_error",
        param=stated.param,
        code=code,
    )
    return msgspec.json.encode(_Body(shaped))


def exhausted(attempts: Sequence[Attempt], errors: Sequence[UpstreamError]) -> PointsmanError:
    """What the client is told when every attempt failed.

    That the prompt is too long where all upstreams said so; else 429 where all said that, else
    503; these two with a time to wait.
    """
    tried = "; ".join(f"{a.deployment}: {a.error}" for a in attempts)
    message = f"no deployment could answer ({tried or 'none was free'})"
    if errors and all(_is_too_long(error) for error in errors):
        return NoDeploymentFits(message, code="context_length_exceeded")
    waits = [retry_after(error) for error in errors if isinstance(error, UpstreamRefused)]
    known = [wait for wait in waits if wait is not None]
    failure = Unavailable(message, retry_after=min(known, default=1.0))
    if attempts and all(a.status == TOO_MANY_REQUESTS for a in attempts):
        failure.status = TOO_MANY_REQUESTS
        failure.type = "rate_limit_error"
        failure.code = "rate_limit_exceeded"
    return failure


def failed_attempt(deployment: Deployment, elapsed_s: float, error: UpstreamError) -> Attempt:
    """An attempt that gave the client nothing, or not all."""
    status = error.upstream_status if isinstance(error, UpstreamRefused) else None
    return Attempt(
        deployment.id,
        deployment.tier,
        "failed",
        status=status,
        error=str(error),
        latency_ms=elapsed_s * 1000,
    )


def given_up(deployment: Deployment, elapsed_s: float, stopped: asyncio.CancelledError) -> Attempt:
    """An attempt whose answer nobody waited for."""
    outcome = stopped_by(stopped)
    return Attempt(deployment.id, deployment.tier, outcome, latency_ms=elapsed_s * 1000)


def stopped_by(error: asyncio.CancelledError) -> Outcome:
    """Who ended it: the gateway, which says so in a message, or else the client."""
    return "interrupted" if error.args else "client_left"


def outcome(error: BaseException, attempts: Sequence[Attempt]) -> Outcome:
    """How a request ended that got no answer because of `error`."""
    if isinstance(error, asyncio.CancelledError):
        return stopped_by(error)
    return "failed" if attempts else "refused"


def nothing_left(plan: Plan, wait_s: float) -> PointsmanError:
    """Why an empty plan serves nobody: something that passes, or something that does not."""
    why = "; ".join(f"{drop.deployment}: {drop.reason}" for drop in plan.dropped)
    message = f"no deployment can take this request ({why})"
    gates = {drop.gate for drop in plan.dropped}
    if "breaker" in gates:
        return Unavailable(message, retry_after=max(wait_s, 1.0))
    return NoDeploymentFits(message, code="context_length_exceeded" if "context" in gates else None)


def retry_after(error: UpstreamRefused) -> float | None:
    """Seconds to wait by the upstream's header; None where it gives no usable number."""
    try:
        seconds = float(error.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S) if math.isfinite(seconds) else None


def _is_too_long(error: UpstreamError) -> bool:
    if not isinstance(error, UpstreamRefused):
        return False
    stated = _stated(error.body)
    return not {stated.type, stated.code}.isdisjoint(_TOO_LONG)


def _stated(body: bytes) -> _Error:
    try:
        stated = msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()
    return _Error(message=stated) if isinstance(stated, str) else stated or _Error()
