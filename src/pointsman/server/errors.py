"""Every error becomes a response here, in the shape of the client's format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from starlette.types import Send

from pointsman.errors import BudgetExceeded, Overloaded, PointsmanError
from pointsman.formats.wire import ClientFormat
from pointsman.journey import failed
from pointsman.server import headers as heads
from pointsman.server.http import Outgoing
from pointsman.types import FormatName

#: Stands for a request's id in a body that is prepared.
_ANY_ID = "req_00000000000000000000000000000000"


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
    failed(error)
    headers = {"request-id": request_id} if client.name == "messages" else {}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    elif error.status >= 500 or isinstance(error, BudgetExceeded):  # noqa: PLR2004
        # SDKs try server errors again, unless they are told not to.
        headers["x-should-retry"] = "false"
    if error.standing is not None:
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


class TurnedAway:
    """The refusal of a request that was not looked at: made once for each format, and sent often."""

    def __init__(self, clients: Mapping[FormatName, ClientFormat]) -> None:
        """By the formats that clients speak."""
        error = Overloaded(retry_after=1.0)
        self._bodies = {name: each.error(error, _ANY_ID) for name, each in clients.items()}

    async def send(self, error: Overloaded, to: FormatName, send: Send, request_id: str) -> None:
        """Send it to a client of that format."""
        failed(error)
        known = request_id.encode()
        body = self._bodies[to].replace(_ANY_ID.encode(), known)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"%d" % max(1, math.ceil(error.retry_after or 0))),
            (b"x-request-id", known),
        ]
        if to == "messages":
            headers.append((b"request-id", known))
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
