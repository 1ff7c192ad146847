"""What a failed attempt means: whose fault it is, and what the client is told in the end. Pure."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from msgspec.structs import replace

from pointsman.calling.retry import retriable
from pointsman.errors import (
    BudgetExceeded,
    Busy,
    Forbidden,
    NoDeploymentFits,
    PointsmanError,
    RequestRefused,
    Unavailable,
    UpstreamError,
    UpstreamRefused,
    UpstreamReported,
)
from pointsman.types import Attempt, Deployment, Outcome, Plan, Usage

#: Statuses that say the request itself is at fault: no other deployment would take it.
_CLIENTS_FAULT = frozenset({400, 413, 415, 422})
#: Codes of a 400 that is about one deployment's limits (OpenAI's, llama.cpp's).
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
#: The same in words, where there is no code (vLLM's, Anthropic's, Gemini's).
_TOO_LONG_WORDS = (
    "maximum context length",
    "context length exceeded",
    "prompt is too long",
    "exceeds the maximum number of tokens",
    "input length exceeds",
)
#: What llama.cpp says with a 503 while it loads its model.
_LOADING = "loading model"
#: Refusals that come from a healthy server.
_HEALTHY = frozenset({404, 429})
#: What the client is told where a gate left nothing, by the gate that did.
_CODES = {
    "privacy": "must_stay_local",
    "context": "context_length_exceeded",
    "format": "unsupported_parameter",
}
#: Gates that open again by themselves.
PASSING = frozenset({"breaker", "rest"})
#: What lets something be used whose price is unknown.
_LETS_UNPRICED = (
    "what would let it: `price`, `priced_as` of [models.<id>], or `allow_unpriced` of the budget"
)

TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503
_SNAPSHOT = re.compile(r"[-@:]?(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


def is_clients(error: UpstreamError) -> bool:
    """Whether the request is at fault, so that the upstream's answer is the answer."""
    if not isinstance(error, UpstreamRefused) or error.upstream_status not in _CLIENTS_FAULT:
        return False
    return not _is_too_long(error)


def is_warming(error: UpstreamError) -> bool:
    """Whether it only has to load its model first."""
    if not isinstance(error, UpstreamRefused) or error.upstream_status != _UNAVAILABLE:
        return False
    return _LOADING in error.message.lower()


def counts_against(error: UpstreamError) -> bool:
    """Whether the breaker counts it."""
    if isinstance(error, Busy) or is_warming(error):
        return False
    if not isinstance(error, UpstreamRefused):
        return True
    return error.upstream_status not in _HEALTHY | _CLIENTS_FAULT


def recorded(error: BaseException) -> str:
    """An error as the books have it: words that are not ours may repeat the prompt, so not these."""
    if isinstance(error, RequestRefused):
        return f"upstream answered {error.status}"
    if isinstance(error, UpstreamReported):
        return "the upstream reported an error in the stream"
    if isinstance(error, PointsmanError | asyncio.CancelledError):
        return str(error)
    return type(error).__name__


def other_model(asked: str, served: str | None) -> str | None:
    """`served`, where it is another model than `asked`: a dated snapshot of it is none."""
    if served is None or served == asked:
        return None
    bare, asked_bare = _SNAPSHOT.sub("", served), _SNAPSHOT.sub("", asked)
    same = bare.lower().rpartition("/")[2] == asked_bare.lower().rpartition("/")[2]
    return None if same else served


def exhausted(
    attempts: Sequence[Attempt],
    errors: Sequence[UpstreamError],
    wait_s: float | None = None,
    *,
    all_failed: bool = True,
) -> PointsmanError:
    """What the client is told when every attempt failed; `all_failed` when nobody was left out.

    That the prompt is too long where all upstreams said so; 502 where all said what another try
    won't change (401, ...); else 429 where all said that, else 503. These two with a time to wait:
    `wait_s`, or a second.
    """
    message = _none_answered(attempts)
    if errors and all(_is_too_long(error) for error in errors):
        return NoDeploymentFits(message, code="context_length_exceeded")
    if errors and all_failed and all(_is_final(error) for error in errors):
        return UpstreamError(message)
    failure = Unavailable(message, retry_after=wait_s or 1.0)
    if attempts and all(a.status == TOO_MANY_REQUESTS for a in attempts):
        failure.status = TOO_MANY_REQUESTS
        failure.type = "rate_limit_error"
        failure.code = "rate_limit_exceeded"
    return failure


def unpaid(attempts: Sequence[Attempt], refused: Sequence[BudgetExceeded]) -> BudgetExceeded:
    """What the client is told where the budget pays for no other attempt than those that failed.

    `refused` are the refusals of others, at least one.
    """
    last = refused[-1]
    message = f"{_none_answered(attempts)}, and another attempt is not paid for: {last}"
    return BudgetExceeded(message, last.balances)


def _none_answered(attempts: Sequence[Attempt]) -> str:
    tried = "; ".join(f"{a.deployment}: {a.error}" for a in attempts)
    return f"no deployment could answer ({tried or 'none was free'})"


def failed_attempt(
    deployment: Deployment,
    elapsed_s: float,
    error: BaseException,
    *,
    queued_s: float = 0.0,
    status: int | None = None,
    used: Usage | None = None,
) -> Attempt:
    """An attempt that gave the client nothing, or not all; or whose answer nobody waited for.

    It `used` so much all the same, as far as that is known.
    """
    left = stopped_by(error) if isinstance(error, asyncio.CancelledError) else None
    return Attempt(
        deployment.id,
        deployment.tier,
        left or "failed",
        status=error.upstream_status if isinstance(error, UpstreamRefused) else status,
        error=None if left else recorded(error),
        latency_ms=elapsed_s * 1000,
        queued_ms=queued_s * 1000,
        usage=used,
        sent=not isinstance(error, UpstreamError) or error.sent,
    )


def out_of_time(attempt: Attempt) -> Attempt:
    """An attempt that was given up by us and not by the client, if it is one."""
    if attempt.outcome != "client_left":
        return attempt
    return replace(attempt, outcome="interrupted", error="not answered in time")


def stopped_by(error: asyncio.CancelledError) -> Outcome:
    """Who ended it: the gateway, which says so in a message, or else the client."""
    return "interrupted" if error.args else "client_left"


def outcome(error: BaseException, attempts: Sequence[Attempt]) -> Outcome:
    """How a request ended that got no answer because of `error`."""
    if isinstance(error, asyncio.CancelledError):
        return stopped_by(error)
    return "failed" if attempts else "refused"


def nothing_left(plan: Plan, wait_s: float) -> PointsmanError:
    """Why an empty plan serves nobody: something that passes, or something that does not.

    Of what was not asked for nothing is said.
    """
    asked = [drop for drop in plan.dropped if drop.gate != "target"] or plan.dropped
    why = "; ".join(f"{drop.deployment}: {drop.reason}" for drop in asked)
    message = f"no deployment can take this request ({why})"
    gates = {drop.gate for drop in asked}
    if gates & PASSING:
        return Unavailable(message, retry_after=max(wait_s, 1.0))
    if "budget" in gates:
        return BudgetExceeded(message)
    if "price" in gates:
        refused = BudgetExceeded(f"{message}; {_LETS_UNPRICED}")
        refused.code = "price_unknown"
        return refused
    if gates == {"permission"}:
        return Forbidden(message)
    code = next((_CODES[gate] for gate in _CODES if gate in gates), None)
    if code == _CODES["privacy"]:
        message += "; a local deployment that can take it would: add one, as [models.<id>]"
    if code == _CODES["format"]:
        message += "; what can be left out is named in `drop_params` of [models.<id>]"
    return NoDeploymentFits(message, code=code)


def _is_final(error: UpstreamError) -> bool:
    """Whether the same request would be refused again."""
    return isinstance(error, UpstreamRefused) and not retriable(error)


def _is_too_long(error: UpstreamError) -> bool:
    if not isinstance(error, UpstreamRefused):
        return False
    if not {error.kind, error.upstream_code}.isdisjoint(_TOO_LONG):
        return True
    words = error.message.lower()
    return any(sign in words for sign in _TOO_LONG_WORDS)
