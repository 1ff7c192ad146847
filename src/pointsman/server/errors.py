"""Every error becomes a response here, in the shape of the client's format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from pointsman.errors import BudgetExceeded, PointsmanError, RateLimited
from pointsman.formats.wire import ClientFormat
from pointsman.server import headers as heads
from pointsman.server.http import Outgoing
from pointsman.types import FormatName


def format_for(path: FormatName, headers: Mapping[str, str]) -> FormatName:
    """In which format a client is told of errors: the path's, or its own where many share the path.

    Anthropic's SDKs say who they are.
    """
    return "messages" if path == "chat" and "anthropic-version" in headers else path


def render(
    error: PointsmanError, client: ClientFormat, request_id: str, now: datetime | None = None
) -> Outgoing:
    """The response that says what went wrong and, where it helps, when to come back.

    `now` is for those who are told when their limits are at their full again.
    """
    headers = {"request-id": request_id} if client.name == "messages" else {}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    elif error.status >= 500 or isinstance(error, BudgetExceeded):  # noqa: PLR2004
        # SDKs try server errors again, unless they are told not to.
        headers["x-should-retry"] = "false"
    if isinstance(error, RateLimited):
        headers |= heads.standing(error.standing, client.name, now)
    if error.status == 408:  # noqa: PLR2004 - what is left of the body is not waited for
        headers["connection"] = "close"
    if error.status == 401:  # noqa: PLR2004 - RFC 9110 asks for the challenge
        headers["www-authenticate"] = "Bearer"
    return Outgoing(error.status, client.error(error, request_id), headers=headers)


def unexpected(client: ClientFormat, request_id: str) -> Outgoing:
    """The response to a fault of ours; what it was is in the log, under the request's id."""
    error = PointsmanError(
        f"Pointsman failed on this request; its log names the cause for {request_id}"
    )
    return render(error, client, request_id)
