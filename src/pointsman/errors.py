"""Every error that somebody catches. Each knows its HTTP status and whether a retry can help.

PointsmanError
|-- ConfigError             the configuration can't be used; the message says what to do
|-- BadRequest              400, the client's fault; `param` names the member
|   |-- UnknownModel        404
|   |-- NotFound            404, no such entry
|   |-- BodyTooLarge        413
|   |-- BodyTooSlow         408
|   |-- NoDeploymentFits    400, a gate rules out every deployment
|   |-- Inexpressible       400, an upstream's format can't say it; a gate where another's can
|   `-- RequestRefused      4xx, an upstream's word that the request is at fault
|-- AuthenticationFailed    401
|-- Forbidden               403, the key may not do that
|-- BudgetExceeded          402, the money that may be spent is spent, or a price is unknown
|-- RateLimited             429 with Retry-After: too much at a time
|-- Unavailable             503 with Retry-After: nothing can serve now
|   |-- GatewayStops        503, before a reply was there or in its middle
|   |-- Overloaded          503, more requests than can be served; this one was not looked at
|   |-- LedgerUnavailable   503, the books can't be written, so no money is spent
|   |-- CacheUnavailable    never a client's: requests go on without the cache
|   `-- SharingUnavailable  never a client's: what gateways share is not to be had for a while
`-- UpstreamError           one attempt failed; `calling` catches it and walks on
    |-- UpstreamUnreachable   refused, reset, no such host, TLS
    |-- UpstreamTimeout       nothing came in time
    |-- Busy                  no free slot in time; nothing was sent
    |-- UpstreamBroken        the body stopped short or is not what it claims to be
    |   `-- UpstreamReported    it says itself, in its stream, that it failed
    `-- UpstreamRefused       an error status; carries status, headers and body
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from pointsman.types.access import Balance, Standing


class PointsmanError(Exception):
    """Base of all; `str(error)` is one sentence for the client, never with a secret in it."""

    status: int = 500
    type: str = "server_error"
    code: str | None = None
    param: str | None = None
    #: Seconds after which a retry may help; None where it can't.
    retry_after: float | None = None
    #: What is left of the caller's limits, once they were asked.
    standing: Standing | None = None


class ConfigError(PointsmanError):
    """The configuration can't be used."""


class BadRequest(PointsmanError):
    """The request can't be served as it was sent."""

    status = 400
    type = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        """`param` names the member at fault, as OpenAI's errors do."""
        super().__init__(message)
        self.param = param
        self.code = code or type(self).code


class UnknownModel(BadRequest):
    """No deployment, tier or alias has this name."""

    status = 404
    code = "model_not_found"


class NotFound(BadRequest):
    """There is no such entry or path."""

    status = 404
    code = "not_found"


class BodyTooLarge(BadRequest):
    """The body is over the configured limit."""

    status = 413
    code = "request_too_large"

    def __init__(self, limit: int, setting: str = "[server] max_body_bytes") -> None:
        """`limit` in bytes."""
        super().__init__(f"the body is larger than {limit} bytes; {setting} raises the limit")


class BodyTooSlow(BadRequest):
    """The body did not come in time."""

    status = 408
    code = "request_timeout"

    def __init__(self, timeout_s: float) -> None:
        """`timeout_s` in seconds."""
        super().__init__(
            f"the body was not here within {timeout_s:g} s; [server] body_timeout_s raises the limit"
        )


class NoDeploymentFits(BadRequest):
    """Every deployment was ruled out by something that waiting does not change."""

    code = "no_deployment_fits"


class Inexpressible(BadRequest):
    """Something in the request has no words in an upstream's format."""

    code = "unsupported_parameter"

    def __init__(self, feature: str, format_name: str, *, param: str | None = None) -> None:
        """`feature` in the client's words: "`logit_bias`", "audio input"."""
        super().__init__(f"{feature} can't be said in the {format_name} format", param=param)
        self.feature = feature


class RequestRefused(BadRequest):
    """An upstream says that the request is at fault; no other would take it either."""

    def __init__(self, refused: UpstreamRefused) -> None:
        """Its words are passed on."""
        super().__init__(
            refused.message or str(refused),
            param=refused.upstream_param,
            code=refused.upstream_code,
        )
        self.status = refused.upstream_status
        self.type = refused.kind or type(self).type


class AuthenticationFailed(PointsmanError):
    """The key is missing or wrong."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class Forbidden(PointsmanError):
    """The key is right, but may not do that."""

    status = 403
    type = "permission_error"
    code = "forbidden"


class BudgetExceeded(PointsmanError):
    """The money that a subject may spend is spent, or would be by this request.

    Coming back does not help before the budget's window ends: clients are told not to retry.
    """

    status = 402
    type = "insufficient_quota"
    code = "budget_exceeded"

    def __init__(self, message: str, balances: Sequence[Balance] = ()) -> None:
        """`balances` of all budgets that were asked, as they stand."""
        super().__init__(message)
        self.balances = balances


def budget_exceeded(
    balances: Sequence[Balance], amount: Decimal, *, is_more: bool = False
) -> BudgetExceeded:
    """The refusal of a request that may cost `amount` US dollars, in words for its client.

    That is beyond what is held back for it already where it `is_more`. `balances` of all its budgets as they stand without it, at least one of which has less left. It
    speaks of the one whose next window begins last: until then nothing changes.
    """
    short = [balance for balance in balances if balance.left < amount]
    worst = max(short, key=lambda balance: (balance.until, -balance.left))
    budget = worst.budget
    last_day = worst.until - timedelta(days=1)
    window = f"{last_day:%Y-%m-%d}" if budget.period == "day" else f"{last_day:%Y-%m}"
    state = "does not suffice" if is_more or worst.left > 0 else "is spent"
    wish = (
        f"{_dollars(amount)} more than is held back for it"
        if is_more
        else f"up to {_dollars(amount)}"
    )
    return BudgetExceeded(
        f"the budget of {budget.subject} for {window} ({_dollars(budget.limit)}) {state}: "
        f"{_dollars(worst.spent)} spent, {_dollars(worst.reserved)} held back for open requests, "
        f"this one may cost {wish}; "
        f"a new one begins at {worst.until:%Y-%m-%dT%H:%M:%SZ}",
        balances,
    )


def _dollars(amount: Decimal) -> str:
    """Exact, with cents at least."""
    whole, _, parts = f"{amount.normalize():f}".partition(".")
    return f"${whole}.{parts:0<2}"


class RateLimited(PointsmanError):
    """Too many requests, tokens or open requests at a time."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after: float, standing: Standing) -> None:
        """`retry_after` in seconds: when the same request would pass."""
        super().__init__(message)
        self.retry_after = retry_after
        self.standing = standing


class Unavailable(PointsmanError):
    """Nothing can serve this now."""

    status = 503
    code = "unavailable"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        """`retry_after` in seconds."""
        super().__init__(message)
        self.retry_after = retry_after


class GatewayStops(Unavailable):
    """The gateway ends, and the time that open replies had to finish is over."""

    code = "gateway_stops"

    def __init__(self) -> None:
        super().__init__("the gateway stops; ask again")


class Overloaded(Unavailable):
    """There are more requests than can be served; nothing of this one's body was read."""

    code = "overloaded"

    def __init__(self, *, retry_after: float) -> None:
        """`retry_after` in seconds: when it would be let in, as far as can be told."""
        super().__init__(
            "there are more requests than this gateway can serve now; `retry-after` says when to "
            "come back",
            retry_after=retry_after,
        )


class LedgerUnavailable(Unavailable):
    """The books can't be written; nothing is spent that is not in them."""

    code = "ledger_unavailable"


class CacheUnavailable(Unavailable):
    """The cache can't be asked; requests go on without it."""

    code = "cache_unavailable"


class SharingUnavailable(Unavailable):
    """What gateways share can't be had now: each goes on by itself."""

    def __init__(self, message: str, *, at_fault: bool = True) -> None:
        """Not `at_fault` is a server that may have answered in time, had this process not been late."""
        super().__init__(message)
        self.at_fault = at_fault


class UpstreamError(PointsmanError):
    """One attempt failed."""

    status = 502
    code = "upstream_error"
    #: The request went to the server, which may have worked on it.
    sent: bool = True


class UpstreamUnreachable(UpstreamError):
    """No connection: refused, reset, unknown host, TLS."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        """`sent` where there was a connection at first."""
        super().__init__(message)
        self.sent = sent


class UpstreamTimeout(UpstreamError):
    """Nothing came within the deployment's time limits."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        """Not `sent` where it was the connection that did not come."""
        super().__init__(message)
        self.sent = sent


class Busy(UpstreamError):
    """No slot of the deployment came free in time, or none will; nothing was sent."""

    status = 503
    code = "busy"
    sent = False

    def __init__(self, message: str, *, retry_after: float) -> None:
        """`retry_after` in seconds: when a slot is expected."""
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamBroken(UpstreamError):
    """The body stopped short, or is not what it claims to be."""


class UpstreamReported(UpstreamBroken):
    """The upstream reported an error in its stream; the message has its words."""


class UpstreamRefused(UpstreamError):
    """The upstream answered with an error status."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        *,
        message: str = "",
        kind: str | None = None,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        """All as the upstream said it: `kind` is its error's type."""
        super().__init__(f"upstream answered {status}")
        self.upstream_status = status
        self.headers = headers or {}
        self.message = message
        self.kind = kind
        self.upstream_code = code
        self.upstream_param = param
